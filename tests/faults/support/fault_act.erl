%% SPDX-License-Identifier: Apache-2.0
%% Performs the faults of a plan on the application of this node.
-module(fault_act).

-export([boot/0, boot/1, shut_down/0, start/0, run/1]).

%% In milliseconds: the time for the application to stop or start.
-define(LIMIT, 30000).

%% Called once in the life of a node.
-spec boot() -> ok.
boot() ->
    boot(#{}).

-spec boot(Settings :: #{atom() => term()}) -> ok.
boot(Settings) ->
    %% Supervisors report every death in this node.
    ok = logger:set_primary_config(level, none),
    _ = application:load(erlang_python),
    Options = #{
        contexts => 2,
        max_contexts => 32,
        context_idle_timeout => 20,
        python_path => [filename:dirname(proplists:get_value(source, module_info(compile)))],
        loops => [
            #{name => fault_asyncio, loop => asyncio, stop_timeout => 1000},
            #{name => fault_uvloop, loop => uvloop, stop_timeout => 1000}
        ]
    },
    All = maps:merge(Options, Settings),
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, All),
    start().

%% For a node that goes on without the application.
-spec shut_down() -> ok.
shut_down() ->
    _ = application:stop(erlang_python),
    [application:unset_env(erlang_python, Key) || {Key, _} <- application:get_all_env(erlang_python)],
    ok.

%% Starts the application and registers the functions of the load.
-spec start() -> ok.
start() ->
    {ok, _} = application:ensure_all_started(erlang_python),
    fault_load:register_functions().

%% The same while faults go on. A process that dies while the application starts ends the start.
restart() ->
    try
        start()
    catch
        error:{badmatch, {error, {erlang_python, _}}} -> restart();
        exit:_ -> restart()
    end.

%% Performs each fault at its time. The faults go on while the application stops and starts.
-spec run(fault_plan:plan()) -> ok.
run(Plan) ->
    {Restarter, Monitor} = spawn_monitor(fun restarter/0),
    lists:foreach(
        fun({Microseconds, Fault}) ->
            wait(erlang:monotonic_time(microsecond) + Microseconds),
            act(Fault, Restarter)
        end,
        Plan
    ),
    Restarter ! finish,
    receive
        {'DOWN', Monitor, process, Restarter, normal} -> ok;
        {'DOWN', Monitor, process, Restarter, Reason} -> error({not_restarted, Reason})
    after ?LIMIT ->
        error({not_restarted, process_info(Restarter, current_stacktrace)})
    end.

%% More precise than a time-out of `receive', which is in milliseconds.
wait(Until) ->
    case Until - erlang:monotonic_time(microsecond) of
        Left when Left > 2000 ->
            receive
            after (Left - 1000) div 1000 -> wait(Until)
            end;
        Left when Left > 0 ->
            erlang:yield(),
            wait(Until);
        _ ->
            ok
    end.

restarter() ->
    receive
        restart ->
            _ = application:stop(erlang_python),
            restart(),
            restarter();
        killed ->
            await_stopped(),
            restart(),
            restarter();
        finish ->
            restart()
    end.

%% The application's end is noticed a little after its supervisor's. The application may have been
%% started again already, if the supervisor was killed during a stop.
await_stopped() ->
    Listed = lists:keymember(erlang_python, 1, application:which_applications()),
    case Listed andalso whereis(erlang_python_sup) =:= undefined of
        true ->
            receive
            after 1 -> await_stopped()
            end;
        false ->
            ok
    end.

act({kill, Name}, _) -> send_exit(whereis(Name), kill);
act({shut_down, Name}, _) -> send_exit(whereis(Name), shutdown);
act({suspend, Name, Time}, _) -> suspend(whereis(Name), Time);
act({flood, Name, Count}, _) -> flood(whereis(Name), Count);
act({hold_gil, Time}, _) -> py:cast(fault_load, hold_gil, [Time]);
act(kill_a_handler, _) -> send_exit(one_of(handlers()), kill);
act(shut_down_a_handler, _) -> send_exit(one_of(handlers()), shutdown);
act(kill_all_handlers, _) -> [send_exit(Pid, kill) || Pid <- handlers()];
act(kill_a_worker, _) -> send_exit(one_of(workers()), kill);
act(kill_all_workers, _) -> [send_exit(Pid, kill) || Pid <- workers()];
act(kill_a_caller, _) -> send_exit(one_of(fault_load:callers()), kill);
act(kill_all_callers, _) -> [send_exit(Pid, kill) || Pid <- fault_load:callers()];
act(flood_handlers, _) -> [flood(Pid, 20000) || Pid <- handlers()];
act(collect_garbage, _) -> [erlang:garbage_collect(Pid, [{async, ignored}]) || Pid <- processes()];
act(restart, Restarter) -> Restarter ! restart;
act(kill_top, Restarter) ->
    case whereis(erlang_python_sup) of
        undefined ->
            ok;
        Pid ->
            Monitor = monitor(process, Pid),
            send_exit(Pid, kill),
            receive
                {'DOWN', Monitor, process, Pid, _} -> Restarter ! killed
            end
    end.

send_exit(Pid, Reason) when is_pid(Pid) -> exit(Pid, Reason);
send_exit(_Nobody, _Reason) -> ok.

%% Callers of the suspended process wait meanwhile.
suspend(undefined, _Time) ->
    ok;
suspend(Pid, Time) ->
    spawn(fun() ->
        try erlang:suspend_process(Pid) of
            true ->
                receive
                after Time -> erlang:resume_process(Pid)
                end
        catch
            error:badarg -> died
        end
    end).

flood(undefined, _Count) -> ok;
flood(Pid, Count) -> [Pid ! {stray, make_ref(), Number} || Number <- lists:seq(1, Count)].

handlers() ->
    linked(whereis(py_handler_sup)) -- [whereis(erlang_python_sup)].

%% Also the items of maps, whose parent is the map's worker.
workers() ->
    Handlers = handlers(),
    Workers = [Pid || Handler <- Handlers, Pid <- linked(Handler)] --
        [whereis(py_handler_sup) | Handlers],
    Workers ++ [Pid || Worker <- Workers, Pid <- linked(Worker), is_parent(Worker, Pid)].

is_parent(Parent, Pid) ->
    process_info(Pid, parent) =:= {parent, Parent}.

%% From the links, since the supervisor itself may be busy or suspended.
linked(undefined) ->
    [];
linked(Pid) ->
    case process_info(Pid, links) of
        {links, Links} -> [Link || Link <- Links, is_pid(Link)];
        undefined -> []
    end.

one_of([]) -> none;
one_of(List) -> lists:nth(rand:uniform(length(List)), List).
