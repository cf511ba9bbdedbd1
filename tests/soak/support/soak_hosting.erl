%% SPDX-License-Identifier: Apache-2.0
%% Hosted loops under a supervisor: started, called by several processes at once, and stopped, some
%% of them in the middle of their calls.
-module(soak_hosting).
-behaviour(supervisor).

-export([until/1]).
-export([init/1]).

-define(NAMES, [soak_loop_1, soak_loop_2]).
-define(CALLERS, 4).
-define(CALLS, 25).

-spec until(fun(() -> boolean())) -> ok.
until(Stopped) ->
    process_flag(trap_exit, true),
    {ok, Supervisor} = supervisor:start_link(?MODULE, []),
    repeat(Stopped, Supervisor),
    exit(Supervisor, shutdown),
    receive
        {'EXIT', Supervisor, shutdown} -> ok
    end.

-spec init([]) -> {ok, {supervisor:sup_flags(), []}}.
init([]) ->
    {ok, {#{strategy => one_for_one, intensity => 0}, []}}.

repeat(Stopped, Supervisor) ->
    lists:foreach(fun(Name) -> start(Supervisor, Name) end, ?NAMES),
    [Quiet, Interrupted] = ?NAMES,
    InQuiet = callers(Quiet, hosted),
    InInterrupted = callers(Interrupted, hosted_stopped),
    lists:foreach(fun await_caller/1, InQuiet),
    lists:foreach(fun(Name) -> stop(Supervisor, Name) end, ?NAMES),
    lists:foreach(fun await_caller/1, InInterrupted),
    Stopped() orelse repeat(Stopped, Supervisor).

start(Supervisor, Name) ->
    Kind = lists:nth(rand:uniform(3), [asyncio, uvloop, auto]),
    Options =
        case rand:uniform(2) of
            1 -> #{name => Name, loop => Kind};
            2 -> #{name => Name, loop => Kind, main => {targets, serve, [], #{}}}
        end,
    {ok, _} = supervisor:start_child(Supervisor, py_loop:child_spec(Options)).

stop(Supervisor, Name) ->
    ok = supervisor:terminate_child(Supervisor, Name),
    ok = supervisor:delete_child(Supervisor, Name).

callers(Name, Kind) ->
    [spawn_monitor(fun() -> call(Name, Kind, ?CALLS) end) || _ <- lists:seq(1, ?CALLERS)].

await_caller({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, normal} -> ok;
        {'DOWN', Monitor, process, Pid, Reason} -> exit(Reason)
    end.

call(_Name, _Kind, 0) ->
    ok;
call(Name, hosted, Left) ->
    Token = soak_ledger:issue(hosted, 1),
    Result = py_loop:call(Name, targets, echo_soon, [Token, Left]),
    soak_callers:judge(hosted, Token, {ok, {Token, Left}}, Result),
    call(Name, hosted, Left - 1);
call(Name, hosted_stopped, Left) ->
    Token = soak_ledger:issue(hosted_stopped, 1),
    case py_loop:call(Name, targets, echo_late, [Token, Left]) of
        {ok, {Token, Left}} ->
            soak_ledger:ended(hosted_stopped, Token, value),
            call(Name, hosted_stopped, Left - 1);
        {error, Reason} when
            Reason =:= disconnected;
            Reason =:= not_running;
            element(1, Reason) =:= 'CancelledError'
        ->
            %% So will all others.
            soak_ledger:ended(hosted_stopped, Token, unsure);
        Other ->
            soak_ledger:wrong(hosted_stopped, Token, {Token, Left}, Other)
    end.
