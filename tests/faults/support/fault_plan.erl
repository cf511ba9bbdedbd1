%% SPDX-License-Identifier: Apache-2.0
%% Schedules of faults. Each schedule is made from one number, which repeats the schedule. This
%% module also states how the faults of a schedule may end calls.
-module(fault_plan).

-export([make/1, allowed/2]).

-export_type([plan/0, fault/0, ends/0]).

-type name() :: atom().
-type fault() ::
    {kill | shut_down, name()}
    | {suspend, name(), Milliseconds :: pos_integer()}
    | {flood, name(), Messages :: pos_integer()}
    | {hold_gil, Milliseconds :: pos_integer()}
    | kill_a_handler
    | kill_all_handlers
    | shut_down_a_handler
    | kill_a_worker
    | kill_all_workers
    | kill_a_caller
    | kill_all_callers
    | collect_garbage
    | restart
    | kill_top.

%% Each fault comes this number of microseconds after the fault before.
-type plan() :: [{Microseconds :: non_neg_integer(), fault()}].

%% How a call may end, other than with its value, by the process that the call depends on:
%%   python   the handler of a call from Python for which no other call waits
%%   within   another handler than the handler of the calls around
%%   nested   the handler of the calls around, which lives on
%%   gates    the process that admits calls of a function of limited concurrency
%%   pool     the context of a request from Erlang
%%   loop     the hosted loop of such a request
%%   caller   the process that makes such a request
-type place() :: python | within | nested | gates | pool | loop | caller.
-type ends() :: #{place() => [Outcome :: binary()]}.

-define(MOST_FAULTS, 8).
-define(MOST_MICROSECONDS, 50000).

-define(SERVERS, [
    py_function_registry, py_function_limiter, py_coordinator, py_context_pool, py_loop_registry
]).
-define(SUPERVISORS, [py_handler_sup, py_loop_sup]).
-define(LOOPS, [py_default_loop, fault_asyncio, fault_uvloop]).

-spec make(Seed :: integer()) -> plan().
make(Seed) ->
    {Count, State} = rand:uniform_s(?MOST_FAULTS, rand:seed_s(exsss, Seed)),
    {Plan, _} = lists:mapfoldl(fun(_, Acc) -> step(Acc) end, State, lists:seq(1, Count)),
    Plan.

step(State0) ->
    {Delay, State1} = rand:uniform_s(?MOST_MICROSECONDS, State0),
    {Maker, State2} = one_of(makers(), State1),
    {Fault, State3} = Maker(State2),
    {{Delay, Fault}, State3}.

one_of(List, State0) ->
    {Index, State} = rand:uniform_s(length(List), State0),
    {lists:nth(Index, List), State}.

%% A fault that is listed twice comes twice as often.
makers() ->
    Named = fun(Kind, Names) ->
        fun(State0) ->
            {Name, State} = one_of(Names, State0),
            {{Kind, Name}, State}
        end
    end,
    Sized = fun(Kind, Names, Most) ->
        fun(State0) ->
            {Name, State1} = one_of(Names, State0),
            {Size, State2} = rand:uniform_s(Most, State1),
            {{Kind, Name, Size}, State2}
        end
    end,
    Plain = fun(Faults) -> fun(State) -> one_of(Faults, State) end end,
    Handlers = Plain([
        kill_a_handler, kill_all_handlers, shut_down_a_handler, kill_a_worker, kill_all_workers
    ]),
    Servers = Named(kill, ?SERVERS),
    [
        Servers,
        Servers,
        Named(kill, ?SUPERVISORS),
        Named(kill, ?LOOPS),
        Named(shut_down, ?SERVERS ++ ?SUPERVISORS ++ ?LOOPS),
        Sized(suspend, ?SERVERS ++ ?SUPERVISORS, 40),
        Sized(flood, ?SERVERS ++ ?SUPERVISORS ++ ?LOOPS, 5000),
        Handlers,
        Handlers,
        Handlers,
        Plain([kill_a_caller, kill_all_callers]),
        Plain([kill_a_caller, kill_all_callers]),
        Plain([restart, restart, kill_top]),
        fun(State0) ->
            {Time, State} = rand:uniform_s(30, State0),
            {{hold_gil, Time}, State}
        end,
        Plain([collect_garbage])
    ].

-spec allowed(plan(), AnyWay :: ends()) -> ends().
allowed(Plan, AnyWay) ->
    lists:foldl(
        fun({_, Fault}, Acc) ->
            maps:merge_with(fun(_, A, B) -> lists:usort(A ++ B) end, Acc, may(Fault))
        end,
        AnyWay,
        Plan
    ).

-spec may(fault()) -> ends().
may({Kind, _, _}) when Kind =:= suspend; Kind =:= flood -> #{};
may({hold_gil, _}) -> #{};
may(collect_garbage) -> #{};
%% The table of functions outlives its process: lookups go on.
may({_, py_function_registry}) -> #{};
may({_, py_loop_registry}) -> #{};
may({_, py_context_pool}) -> #{pool => [<<"disconnected">>]};
%% Admitted calls go on.
may({_, py_function_limiter}) -> #{gates => [<<"Disconnected">>]};
may({_, Name}) when Name =:= py_handler_sup; Name =:= py_coordinator -> handlers_end();
may({_, _Loop}) -> #{loop => [<<"disconnected">>, <<"not_running">>]};
may(Callers) when Callers =:= kill_a_caller; Callers =:= kill_all_callers ->
    #{caller => [<<"killed">>]};
%% Handlers end before the table of functions is gone.
may(restart) -> all_ends();
%% The table goes first. A handler finds no function, and can still report this to the calling
%% function.
may(kill_top) -> (all_ends())#{nested => [<<"Disconnected">>]};
may(_Handlers) -> handlers_end().

handlers_end() ->
    #{python => [<<"Disconnected">>], within => [<<"Disconnected">>]}.

%% Functions are registered a little after the start.
all_ends() ->
    Python = [<<"Disconnected">>, <<"UndefinedFunction">>],
    Erlang = [<<"disconnected">>, <<"not_running">>],
    #{python => Python, within => Python, pool => Erlang, loop => Erlang}.
