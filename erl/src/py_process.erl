%% SPDX-License-Identifier: Apache-2.0
%% @doc A Python program beside the node, in a process of the operating system, under a supervisor.
%%
%% The program calls this node's functions as code in the node does: `import erlang'. A crash of the
%% program, or of C code in it, ends the program only. The application needs `{python_processes,
%% true}'.
%%
%% The Erlang process ends when the program ends: with `normal' after the exit code 0, else with
%% `{exit_code, Code}'. When a supervisor shuts the Erlang process down, the program gets SIGTERM and
%% has `stop_timeout' milliseconds to end; then it gets SIGKILL. If the node itself is killed, the
%% calls of the program raise `erlang.Disconnected'; on Linux the program gets SIGTERM.
%%
%% ```
%% init([]) ->
%%     Worker = py_process:child_spec(#{name => worker, args => ["-m", "my_worker"]}),
%%     {ok, {#{strategy => one_for_one}, [Worker]}}.
%% '''
-module(py_process).
-behaviour(gen_server).

-export([start_link/1, child_spec/1, os_pid/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-export_type([options/0, problem/0]).

-type options() :: #{
    name => atom(),
    args := [string() | binary()],
    python => string() | binary(),
    env => [{Name :: string(), Value :: string()}],
    cd => string() | binary(),
    stop_timeout => non_neg_integer()
}.
%% `name': the name under which the Erlang process is registered. `args': the arguments of Python,
%% such as `["-m", "my_worker"]'. `python': the interpreter; by default the one of the node. `env':
%% variables of the program's environment. `cd': its working directory. `stop_timeout': milliseconds
%% for a graceful end; 5000 by default. The program writes to the node's standard output and error.

-type problem() :: {bad_option, Key :: term(), Value :: term(), Why :: term()}.

-record(state, {port :: port(), os_pid :: pos_integer(), stop_timeout :: non_neg_integer()}).

-define(DEFAULT_STOP_TIMEOUT, 5000).
%% The extra time that the supervisor waits beyond `stop_timeout', for SIGKILL.
-define(SHUTDOWN_MARGIN, 2000).

%% @doc Starts the program and links its Erlang process to the caller.
%%
%% `{error, {bad_option, Key, Value, Why}}' for bad options; `{error, no_socket}' if the application
%% does not run, or has no `python_processes'.
%%
%% ```
%% {ok, Worker} = py_process:start_link(#{args => ["-c", "import erlang; erlang.call('ready')"]}).
%% '''
-spec start_link(options()) -> {ok, pid()} | {error, problem() | no_socket | term()}.
start_link(Options) ->
    case {check(Options), Options} of
        {ok, #{name := Name}} -> started(gen_server:start_link({local, Name}, ?MODULE, Options, []));
        {ok, #{}} -> started(gen_server:start_link(?MODULE, Options, []));
        {{error, _} = Error, _} -> Error
    end.

%% @doc The child specification of a program, for your own supervisor; {@link start_link/1} has the
%% options. The child is `permanent'; its id is its name, or `py_process'. Bad options fail with
%% `{bad_option, Key, Value, Why}'.
%%
%% ```
%% supervisor:start_child(my_sup, py_process:child_spec(#{args => ["script.py"]})).
%% '''
-spec child_spec(options()) -> supervisor:child_spec().
child_spec(Options) ->
    case check(Options) of
        ok -> ok;
        {error, Why} -> error(Why)
    end,
    #{
        id => maps:get(name, Options, ?MODULE),
        start => {?MODULE, start_link, [Options]},
        restart => permanent,
        shutdown => stop_timeout(Options) + ?SHUTDOWN_MARGIN,
        type => worker,
        modules => [?MODULE]
    }.

%% @doc The process id that the program has in the operating system.
%%
%% ```
%% 4711 = py_process:os_pid(worker).
%% '''
-spec os_pid(Process :: pid() | atom()) -> pos_integer().
os_pid(Process) ->
    gen_server:call(Process, os_pid).

%% @private
-spec init(options()) -> {ok, #state{}} | {stop, term()}.
init(Options) ->
    process_flag(trap_exit, true),
    case py_process_listener:path() of
        none -> {stop, no_socket};
        Socket -> run(Options, Socket)
    end.

%% @private
-spec handle_call(os_pid, gen_server:from(), #state{}) -> {reply, pos_integer(), #state{}}.
handle_call(os_pid, _From, State = #state{os_pid = OsPid}) ->
    {reply, OsPid, State}.

%% @private
-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_Message, State) ->
    {noreply, State}.

%% @private
-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, term(), #state{}}.
handle_info({Port, {exit_status, 0}}, State = #state{port = Port}) ->
    {stop, normal, State};
handle_info({Port, {exit_status, Code}}, State = #state{port = Port}) ->
    {stop, {exit_code, Code}, State};
handle_info(_Message, State) ->
    {noreply, State}.

%% @private
-spec terminate(term(), #state{}) -> ok.
terminate(_Reason, #state{port = Port, os_pid = OsPid, stop_timeout = Limit}) ->
    case erlang:port_info(Port) of
        undefined -> ok;
        _ -> stop(Port, OsPid, Limit)
    end.

-spec stop(port(), OsPid :: pos_integer(), Limit :: non_neg_integer()) -> ok.
stop(Port, OsPid, Limit) ->
    signal("TERM", OsPid),
    receive
        {Port, {exit_status, _}} -> ok
    after Limit ->
        signal("KILL", OsPid),
        receive
            {Port, {exit_status, _}} -> ok
        end
    end.

-spec signal(Name :: string(), OsPid :: pos_integer()) -> ok.
signal(Name, OsPid) ->
    _ = os:cmd("kill -" ++ Name ++ " " ++ integer_to_list(OsPid)),
    ok.

-spec run(options(), Socket :: binary()) -> {ok, #state{}} | {stop, term()}.
run(Options = #{args := Args}, Socket) ->
    Python = maps:get(python, Options, default_python()),
    Variables = environment(Socket, maps:get(env, Options, [])),
    Settings = [
        %% The program's standard input, output and error are those of the node.
        nouse_stdio,
        exit_status,
        {args, ["-I", "-S", package("erlang/_child.py") | Args]},
        {env, Variables}
        | [{cd, Folder} || #{cd := Folder} <- [Options]]
    ],
    try open_port({spawn_executable, Python}, Settings) of
        Port ->
            {os_pid, OsPid} = erlang:port_info(Port, os_pid),
            {ok, #state{port = Port, os_pid = OsPid, stop_timeout = stop_timeout(Options)}}
    catch
        error:Why -> {stop, {not_started, Python, Why}}
    end.

%% The user's variables take precedence, except the socket.
-spec environment(Socket :: binary(), [{string(), string()}]) -> [{string(), string()}].
environment(Socket, Given) ->
    Package = package(""),
    Path =
        case proplists:get_value("PYTHONPATH", Given, os:getenv("PYTHONPATH", "")) of
            "" -> Package;
            Folders -> Folders ++ ":" ++ Package
        end,
    Own = [{"ERLANG_PYTHON_SOCKET", binary_to_list(Socket)}, {"PYTHONPATH", Path}],
    Own ++ [Pair || {Name, _} = Pair <- Given, not lists:keymember(Name, 1, Own)].

%% A file of the Python package.
-spec package(Name :: string()) -> string().
package(Name) ->
    filename:join([code:priv_dir(erlang_python), "python", Name]).

-spec default_python() -> binary().
default_python() ->
    {ok, #{python := Python}} = py_config:load(),
    Python.

-spec started(gen_server:start_ret()) -> {ok, pid()} | {error, term()}.
started({ok, Pid}) -> {ok, Pid};
started({error, _} = Error) -> Error;
started(ignore) -> {error, not_started}.

-spec stop_timeout(options()) -> non_neg_integer().
stop_timeout(Options) ->
    maps:get(stop_timeout, Options, ?DEFAULT_STOP_TIMEOUT).

-spec check(term()) -> ok | {error, problem()}.
check(#{args := _} = Options) ->
    Problems = [
        {bad_option, Key, Value, Why}
     || {Key, Value} <- maps:to_list(Options), Why <- [why_bad(Key, Value)], Why =/= ok
    ],
    case Problems of
        [] -> ok;
        [Problem | _] -> {error, Problem}
    end;
check(#{} = Options) ->
    {error, {bad_option, args, Options, missing}};
check(Options) ->
    {error, {bad_option, options, Options, not_a_map}}.

-spec why_bad(Key :: term(), Value :: term()) -> ok | term().
why_bad(name, Name) when is_atom(Name), Name =/= undefined -> ok;
why_bad(name, _) -> not_an_atom;
why_bad(args, Args) when is_list(Args) -> why_no_texts(Args);
why_bad(args, _) -> not_a_list;
why_bad(python, Python) -> why_no_texts([Python]);
why_bad(cd, Folder) -> why_no_texts([Folder]);
why_bad(env, Pairs) when is_list(Pairs) ->
    case lists:all(fun is_variable/1, Pairs) of
        true -> ok;
        false -> not_pairs_of_strings
    end;
why_bad(env, _) -> not_a_list;
why_bad(stop_timeout, Ms) ->
    case py_deadline:is_timeout(Ms) of
        true -> ok;
        false -> not_milliseconds
    end;
why_bad(_Key, _Value) -> unknown_option.

-spec why_no_texts([term()]) -> ok | not_text.
why_no_texts(Texts) ->
    case lists:all(fun(Text) -> is_binary(Text) orelse io_lib:printable_unicode_list(Text) end, Texts) of
        true -> ok;
        false -> not_text
    end.

-spec is_variable(term()) -> boolean().
is_variable({Name, Value}) ->
    io_lib:printable_unicode_list(Name) andalso io_lib:printable_unicode_list(Value);
is_variable(_) ->
    false.
