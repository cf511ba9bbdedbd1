%% SPDX-License-Identifier: Apache-2.0
%% Hosted loops under a supervisor: started, called by several processes at once, and stopped. One
%% loop is stopped in the middle of its calls. Another loop ends by itself repeatedly and is
%% restarted.
-module(soak_hosting).
-behaviour(supervisor).

-export([until/1]).
-export([init/1]).

-define(NAMES, [soak_loop_quiet, soak_loop_stopped, soak_loop_restarted]).
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
    {ok, {#{strategy => one_for_one, intensity => 10000, period => 1}, []}}.

repeat(Stopped, Supervisor) ->
    lists:foreach(fun(Name) -> start(Supervisor, Name) end, ?NAMES),
    Quiet = callers(soak_loop_quiet, hosted),
    Interrupted = callers(soak_loop_stopped, hosted_stopped),
    Restarted = callers(soak_loop_restarted, hosted_restarted),
    lists:foreach(fun await_caller/1, Quiet),
    lists:foreach(fun(Name) -> stop(Supervisor, Name) end, ?NAMES),
    lists:foreach(fun await_caller/1, Interrupted ++ Restarted),
    Stopped() orelse repeat(Stopped, Supervisor).

start(Supervisor, Name) ->
    Options = #{name => Name, loop => lists:nth(rand:uniform(3), [asyncio, uvloop, auto])},
    Specification = py_loop:child_spec(main(Name, Options)),
    {ok, _} = supervisor:start_child(Supervisor, Specification).

main(soak_loop_restarted, Options) ->
    Options#{main => {targets, serve_briefly, [], #{}}};
main(_, Options) ->
    case rand:uniform(2) of
        1 -> Options;
        2 -> Options#{main => {targets, serve, [], #{}}}
    end.

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
call(Name, Kind, Left) ->
    Token = soak_ledger:issue(Kind, 1),
    case py_loop:call(Name, targets, echo_late, [Token, Left]) of
        {ok, {Token, Left}} ->
            soak_ledger:ended(Kind, Token, value),
            call(Name, Kind, Left - 1);
        {error, Reason} when Reason =:= disconnected; Reason =:= not_running ->
            soak_ledger:ended(Kind, Token, unsure),
            %% Without a restart, all later calls would end in this way too.
            Kind =:= hosted_restarted andalso call(Name, Kind, Left - 1);
        Other ->
            soak_ledger:wrong(Kind, Token, {Token, Left}, Other)
    end.
