%% SPDX-License-Identifier: Apache-2.0
%% @private
%% `erlpy': a node whose main program is Python. Its command line, after the node's own, is
%% `[--python PATH | --default-python PATH] [--erl EXPR]... -- PYTHON-ARGS...'. The node ends with the Python program, with its exit code.
-module(erlpy_main).

-export([start/0, run/1, parse/1, finish/1]).

%% The interpreter of the program.
-type python() :: {chosen | default, Path :: string()} | of_the_build.

%% The time for an orderly end of Python code before the node halts, in milliseconds.
-define(STOP_TIMEOUT, 10000).

%% Python's own exit codes for a wrong command line and for a failed start.
-define(USAGE_ERROR, 2).
-define(START_ERROR, 1).

%% For `erl -eval'. Returns at once, so that the node can finish its own start.
-spec start() -> ok.
start() ->
    Arguments = init:get_plain_arguments(),
    _ = spawn(?MODULE, run, [Arguments]),
    ok.

-spec run(Arguments :: [string()]) -> no_return().
run(Arguments) ->
    try
        {Python, Expressions, PythonArguments} = parse(Arguments),
        erlpy_signals:install(fun ?MODULE:finish/1),
        start_application(Python, PythonArguments),
        evaluate(Expressions),
        run_python()
    of
        Code ->
            finish(Code)
    catch
        throw:{halt, Status} ->
            erlang:halt(Status)
    end.

-spec parse([string()]) ->
    {python(), Expressions :: [string()], PythonArguments :: [string()]}.
parse(["--python", Python | Rest]) ->
    {_, Expressions, PythonArguments} = parse(Rest),
    {{chosen, Python}, Expressions, PythonArguments};
parse(["--default-python", Python | Rest]) ->
    {_, Expressions, PythonArguments} = parse(Rest),
    {{default, Python}, Expressions, PythonArguments};
parse(["--erl", Expression | Rest]) ->
    {Python, Expressions, PythonArguments} = parse(Rest),
    {Python, [Expression | Expressions], PythonArguments};
parse(["--" | PythonArguments]) ->
    {of_the_build, [], PythonArguments};
parse([]) ->
    {of_the_build, [], []};
parse([Other | _]) ->
    give_up(?USAGE_ERROR, ["unexpected argument ", Other]).

-spec start_application(python(), PythonArguments :: [string()]) -> ok.
start_application(Python, PythonArguments) ->
    _ = application:load(erlang_python),
    choose(Python),
    Argv = [native_name(Argument) || Argument <- PythonArguments],
    ok = application:set_env(erlang_python, argv, Argv),
    %% A failure is reported here, once. The crash report of the application's master may or may not
    %% appear before the node ends.
    ok = logger:set_module_level([application_controller, proc_lib], none),
    case application:ensure_all_started(erlang_python) of
        {ok, _} -> logger:unset_module_level(proc_lib);
        {error, {_, {{python_exited, Code}, _}}} -> throw({halt, Code});
        {error, Why} -> give_up(?START_ERROR, io_lib:format("can't start: ~0tp", [Why]))
    end.

%% What the command line chooses goes before the configuration, and the configuration before an
%% activated environment.
-spec choose(python()) -> ok.
choose({chosen, Python}) ->
    application:set_env(erlang_python, python, native_name(Python));
choose({default, Python}) ->
    case application:get_env(erlang_python, python) of
        undefined -> choose({chosen, Python});
        {ok, _} -> ok
    end;
choose(of_the_build) ->
    ok.

%% If file names are not UTF-8, the runtime system returns one character for each byte.
-spec native_name(string()) -> binary().
native_name(Name) ->
    case file:native_name_encoding() of
        latin1 -> list_to_binary(Name);
        utf8 -> unicode:characters_to_binary(Name)
    end.

%% Evaluates the expressions in order. A variable of one expression is bound in the next.
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

%% The expression may end with a dot, as for `erl -eval'.
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
    await_end(Ref).

%% The program has ended. Hosted loops end before its threads and executors, which the loops may
%% need.
-spec await_end(Ref :: reference()) -> Code :: integer().
await_end(Ref) ->
    receive
        {py_result, Ref, ended} ->
            end_loops(),
            ok = py_nif:end_main(),
            await_end(Ref);
        {py_result, Ref, {exit, Code}} ->
            Code;
        {py_result, Ref, {error, Why}} ->
            give_up(?START_ERROR, io_lib:format("~0tp", [Why]))
    end.

%% Ends the node in an orderly way: first Python's loops, then the program's applications, then
%% Python's exit functions, then the rest. `Code' is an exit code, or the negative number of the
%% signal that the node's parent must see. A hanging step must not keep the node from ending.
-spec finish(Code :: integer()) -> no_return().
finish(Code) ->
    try register(?MODULE, self()) of
        true -> ok
    catch
        %% The program or a signal is ending the node already.
        error:badarg -> receive after infinity -> ok end
    end,
    end_loops(),
    in_process(fun stop_applications/0, ?STOP_TIMEOUT),
    finished(Code).

%% Each loop has its own limit, its `stop_timeout'. No loop is left if the program's end has come
%% through here.
-spec end_loops() -> ok.
end_loops() ->
    in_process(fun erlang_python_app:end_loops/0, infinity).

%% Waits for the function's end, however it ends.
-spec in_process(fun(() -> term()), Limit :: timeout()) -> ok.
in_process(Fun, Limit) ->
    {Pid, Monitor} = spawn_monitor(Fun),
    receive
        {'DOWN', Monitor, process, Pid, _} -> ok
    after Limit ->
        ok
    end.

-spec finished(Code :: integer()) -> no_return().
finished(Code) when Code < 0 ->
    ok = py_nif:end_by_signal(-Code),
    receive
    after 1000 -> erlang:halt(128 - Code)
    end;
finished(Code) ->
    erlang:halt(Code band 16#ff).

%% Stops the applications that started after this one, the last one first. Of this one, only the
%% Python code ends: remaining Python code can call Erlang until the node has ended.
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
