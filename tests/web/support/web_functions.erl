%% SPDX-License-Identifier: Apache-2.0
%% The Erlang functions of the web tests, each with the list of the call's arguments, and a
%% supervisor for services that Erlang starts.
-module(web_functions).
-behaviour(supervisor).

-export([register/0, init/1]).
-export([
    double_it/1, get_user/1, process_message/1, fail_with/1, kill_self/1, meet/1, wait_for/1,
    await_waiting/1, release/1, release_all/1, is_alive/1, note/1, story/1, start_service/1,
    service_pid/1, stop_service/1, stop_loop/1, kill_service/1
]).

-define(TABLE, web_functions_table).

-spec register() -> ok.
register() ->
    %% A table needs an owner that outlives the process that registers.
    Self = self(),
    Owner = spawn(fun() ->
        ?TABLE = ets:new(?TABLE, [named_table, public, set]),
        Self ! {owner, self()},
        receive
            stop -> ok
        end
    end),
    receive
        {owner, Owner} -> ok
    end,
    Names = [Name || {Name, 1} <- ?MODULE:module_info(exports), Name =/= module_info],
    lists:foreach(
        fun(Name) -> ok = py:register_function(Name, ?MODULE, Name) end, Names -- [init]
    ).

%% Values.

double_it([X]) -> X * 2.

get_user([Id]) when Id > 0, Id < 100 ->
    #{id => Id, name => <<"user ", (integer_to_binary(Id))/binary>>};
get_user([_]) ->
    none.

process_message([Text]) -> string:uppercase(Text).

%% Failures.

fail_with([Term]) -> error(Term).

kill_self([]) ->
    exit(self(), kill),
    receive
        never -> ok
    end.

%% Meetings.

%% Returns Size when Size calls of this Name are here. They can all return only when all were in
%% progress at the same time.
meet([Name, Size]) ->
    Here = ets:update_counter(?TABLE, {meeting, Name}, 1, {{meeting, Name}, 0}),
    true = ets:insert(?TABLE, {{guest, Name, Here}, self()}),
    Here =:= Size andalso
        [
            ets:lookup_element(?TABLE, {guest, Name, Guest}, 2) ! {everybody_is_here, Name}
         || Guest <- lists:seq(1, Size)
        ],
    receive
        {everybody_is_here, Name} -> Size
    end.

%% Waits until the test releases Name; returns the value of the release.
wait_for([Name]) ->
    true = ets:insert(?TABLE, {{waiting, Name}, self()}),
    receive
        {release, Name, Value} -> Value
    end.

%% Returns the process that waits for Name. Waits at most ten seconds for such a process.
await_waiting([Name]) ->
    await_waiting(Name, erlang:monotonic_time(millisecond) + 10000).

await_waiting(Name, Deadline) ->
    case ets:lookup(?TABLE, {waiting, Name}) of
        [{_, Pid}] ->
            Pid;
        [] ->
            true = erlang:monotonic_time(millisecond) < Deadline,
            timer:sleep(1),
            await_waiting(Name, Deadline)
    end.

release([Name, Value]) ->
    await_waiting([Name]) ! {release, Name, Value},
    [_] = ets:take(?TABLE, {waiting, Name}),
    true.

%% Releases all processes that still wait, perhaps none.
release_all([Name]) ->
    [Pid ! {release, Name, none} || {_, Pid} <- ets:take(?TABLE, {waiting, Name})],
    true.

is_alive([Pid]) -> is_process_alive(Pid).

%% Stories: notes under a name, in their order.

note([Story, Event]) ->
    true = ets:insert(?TABLE, {{note, Story, erlang:unique_integer([monotonic])}, Event}).

%% Each event is returned once.
story([Story]) ->
    Notes = ets:match_object(?TABLE, {{note, Story, '_'}, '_'}),
    lists:foreach(fun({Key, _}) -> ets:delete(?TABLE, Key) end, Notes),
    [Event || {_, Event} <- lists:sort(Notes)].

%% Services with a supervisor of their own.

start_service([Loop, Module, Function, Args, Kwargs, StopTimeout]) ->
    Options = #{
        name => web_tests_service,
        loop => Loop,
        main => {Module, Function, Args, Kwargs},
        stop_timeout => StopTimeout
    },
    Self = self(),
    %% The supervisor must not be linked to the process of this call, which ends with the call.
    spawn(fun() ->
        process_flag(trap_exit, true),
        case supervisor:start_link(?MODULE, Options) of
            {ok, Supervisor} ->
                Self ! {started, self()},
                keep(Supervisor);
            {error, Why} ->
                Self ! {failed, Why}
        end
    end),
    receive
        {started, Keeper} -> Keeper;
        {failed, Why} -> error(Why)
    end.

keep(Supervisor) ->
    receive
        {'EXIT', Supervisor, Why} ->
            exit(Why);
        {stop, From} ->
            Monitor = monitor(process, Supervisor),
            exit(Supervisor, shutdown),
            receive
                {'DOWN', Monitor, process, Supervisor, Why} -> From ! {stopped, self(), Why}
            end
    end.

init(Options) ->
    {ok, {#{strategy => one_for_one, intensity => 3, period => 60}, [py_loop:child_spec(Options)]}}.

%% The process of the loop, once the loop runs; not a loop that is starting.
service_pid([]) ->
    case py_loop:call(web_tests_service, asyncio, sleep, [0]) of
        {ok, _} -> whereis(web_tests_service);
        {error, _} -> undefined
    end.

%% Kills the loop's process and waits until it is dead.
kill_service([]) ->
    Pid = whereis(web_tests_service),
    Monitor = monitor(process, Pid),
    exit(Pid, kill),
    receive
        {'DOWN', Monitor, process, Pid, Reason} -> Reason
    end.

%% The supervisor starts another loop.
stop_loop([Timeout]) -> py_loop:stop(web_tests_service, Timeout).

%% Returns the reason with which the supervisor ended, now or before.
stop_service([Keeper]) ->
    Monitor = monitor(process, Keeper),
    Keeper ! {stop, self()},
    receive
        {stopped, Keeper, Why} -> Why;
        {'DOWN', Monitor, process, Keeper, Why} -> Why
    end.
