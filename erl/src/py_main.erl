%% SPDX-License-Identifier: Apache-2.0
%% @private
%% `erlpy': a node whose main program is Python. Its command line, after the node's own:
%% `--erl EXPR ... -- PYTHON-ARGS...'. The node ends when the Python program ends, with its code.
-module(py_main).

-export([start/0, run/1, parse/1, finish/1]).

%% For an orderly end of what runs in Python before the node halts, in milliseconds.
-define(STOP_TIMEOUT, 10000).

%% What Python itself uses for "wrong usage of the command line" and for a failed start.
-define(USAGE_ERROR, 2).
-define(START_ERROR, 1).

%% For `erl -eval': returns at once, so that the node finishes its own start.
-spec start() -> ok.
start() ->
    Arguments = init:get_plain_arguments(),
    _ = spawn(?MODULE, run, [Arguments]),
    ok.

-spec run(Arguments :: [string()]) -> no_return().
run(Arguments) ->
    try
        {Expressions, PythonArguments} = parse(Arguments),
        py_main_signals:install(),
        start_application(PythonArguments),
        evaluate(Expressions),
        run_python()
    of
        Code ->
            finish(Code)
    catch
        throw:{halt, Status} ->
            erlang:halt(Status)
    end.

-spec parse([string()]) -> {Expressions :: [string()], PythonArguments :: [string()]}.
parse(["--erl", Expression | Rest]) ->
    {Expressions, PythonArguments} = parse(Rest),
    {[Expression | Expressions], PythonArguments};
parse(["--" | PythonArguments]) ->
    {[], PythonArguments};
parse([]) ->
    {[], []};
parse([Other | _]) ->
    give_up(?USAGE_ERROR, ["unexpected argument ", Other]).

-spec start_application(PythonArguments :: [string()]) -> ok.
start_application(PythonArguments) ->
    _ = application:load(erlang_python),
    Argv = [native_name(Argument) || Argument <- PythonArguments],
    ok = application:set_env(erlang_python, argv, Argv),
    %% A failure is reported here, once: not by the application's master, whose crash report comes or
    %% does not, as fast as the node ends.
    ok = logger:set_module_level([application_controller, proc_lib], none),
    case application:ensure_all_started(erlang_python) of
        {ok, _} -> logger:unset_module_level(proc_lib);
        {error, {_, {{python_exited, Code}, _}}} -> throw({halt, Code});
        {error, Why} -> give_up(?START_ERROR, io_lib:format("can't start: ~0tp", [Why]))
    end.

%% Where file names are not UTF-8, the runtime system hands out one character for each byte.
-spec native_name(string()) -> binary().
native_name(Name) ->
    case file:native_name_encoding() of
        latin1 -> list_to_binary(Name);
        utf8 -> unicode:characters_to_binary(Name)
    end.

%% In order; a variable bound in one is seen by the next.
-spec evaluate(Expressions :: [string()]) -> ok.
evaluate(Expressions) ->
    _ = lists:foldl(fun evaluate/2, erl_eval:new_bindings(), Expressions),
    ok.

-spec evaluate(string(), erl_eval:binding_struct()) -> erl_eval:binding_struct().
evaluate(Expression, Bindings) ->
    try
        {ok, Tokens, _} = erl_scan:string(Expression ++ " ."),
        {ok, Parsed} = erl_parse:parse_exprs(one_dot(Tokens)),
        {value, _Value, NewBindings} = erl_eval:exprs(Parsed, Bindings),
        NewBindings
    catch
        error:{badmatch, {error, {_, Module, Why}}} ->
            failed(Expression, Module:format_error(Why));
        error:{badmatch, {error, {_, Module, Why}, _}} ->
            failed(Expression, Module:format_error(Why));
        Class:Reason ->
            failed(Expression, io_lib:format("~tp: ~0tp", [Class, Reason]))
    end.

%% The expression may have come with its own, as for `erl -eval'.
-spec one_dot([erl_scan:token()]) -> [erl_scan:token()].
one_dot(Tokens) ->
    case lists:reverse(Tokens) of
        [{dot, _}, {dot, _} = Own | Rest] -> lists:reverse([Own | Rest]);
        _ -> Tokens
    end.

-spec failed(string(), iodata()) -> no_return().
failed(Expression, Why) ->
    give_up(?START_ERROR, ["--erl ", Expression, ": ", Why]).

-spec run_python() -> Code :: integer().
run_python() ->
    Ref = make_ref(),
    ok = py_nif:run_main(Ref),
    receive
        {py_result, Ref, {exit, Code}} -> Code;
        {py_result, Ref, {error, Why}} -> give_up(?START_ERROR, io_lib:format("~0tp", [Why]))
    end.

%% Ends the node in an orderly way: the applications that came with the program, then Python's loops
%% and exit functions, then all of it. `Code' is an exit code, or the negative number of the signal
%% that the node's parent shall see. Nothing that hangs may keep the node from ending.
-spec finish(Code :: integer()) -> no_return().
finish(Code) ->
    try register(?MODULE, self()) of
        true -> ok
    catch
        %% Somebody else is ending it: the program, or a signal.
        error:badarg -> receive after infinity -> ok end
    end,
    {Pid, Monitor} = spawn_monitor(fun stop_applications/0),
    receive
        {'DOWN', Monitor, process, Pid, _} -> ok
    after ?STOP_TIMEOUT ->
        ok
    end,
    finished(Code).

-spec finished(Code :: integer()) -> no_return().
finished(Code) when Code < 0 ->
    ok = py_nif:end_by_signal(-Code),
    receive
    after 1000 -> erlang:halt(128 - Code)
    end;
finished(Code) ->
    erlang:halt(Code band 16#ff).

%% Those started after this one, the last first. This one only ends what runs in it: whatever of
%% Python is still under way may go on calling until the node has ended.
-spec stop_applications() -> ok.
stop_applications() ->
    Running = [Name || {Name, _, _} <- application:which_applications()],
    Later = lists:takewhile(fun(Name) -> Name =/= erlang_python end, Running),
    ok = logger:set_module_level(application_controller, none),
    _ = [application:stop(Name) || length(Later) < length(Running), Name <- Later],
    _ = erlang_python_app:prep_stop(none),
    py_node_end:run().

-spec give_up(Status :: byte(), Message :: iodata()) -> no_return().
give_up(Status, Message) ->
    io:put_chars(standard_error, ["erlpy: ", Message, $\n]),
    throw({halt, Status}).
