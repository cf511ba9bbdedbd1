%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The callers of the pool of contexts: the waiting callers in their order, and the contexts of the
%% other callers. The owner of this value monitors each caller, and gets `{{caller_down, Lease}, _,
%% process, _, _}' when the caller dies.
-module(py_context_leases).

-export([new/0, ask/3, grant/2, give_back/2, refuse_all/1, waiting/1]).

-export_type([lease/0, leases/0]).

-type lease() :: reference().

-record(caller, {
    monitor :: reference(),
    holds :: {waiting, Turn :: integer()} | {context, reference()}
}).

-record(leases, {
    callers = #{} :: #{lease() => #caller{}},
    waiting = gb_trees:empty() :: gb_trees:tree(Turn :: integer(), {lease(), gen_server:from()})
}).

-opaque leases() :: #leases{}.

-spec new() -> leases().
new() ->
    #leases{}.

%% Adds a caller, which waits.
-spec ask(lease(), gen_server:from(), leases()) -> leases().
ask(Lease, From = {Pid, _}, #leases{callers = Callers, waiting = Waiting}) ->
    Monitor = monitor(process, Pid, [{tag, {caller_down, Lease}}]),
    Turn = erlang:unique_integer([monotonic]),
    #leases{
        callers = Callers#{Lease => #caller{monitor = Monitor, holds = {waiting, Turn}}},
        waiting = gb_trees:insert(Turn, {Lease, From}, Waiting)
    }.

%% Gives this context to the caller that has waited longest. The pool must notify this caller.
-spec grant(Context :: reference(), leases()) -> {ok, gen_server:from(), leases()} | none.
grant(Context, #leases{callers = Callers, waiting = Waiting}) ->
    case gb_trees:is_empty(Waiting) of
        true ->
            none;
        false ->
            {_Turn, {Lease, From}, Rest} = gb_trees:take_smallest(Waiting),
            #{Lease := Caller} = Callers,
            Granted = Caller#caller{holds = {context, Context}},
            {ok, From, #leases{callers = Callers#{Lease := Granted}, waiting = Rest}}
    end.

%% The caller has finished or no longer waits. Returns what the caller had; `unknown' for a caller
%% from before a restart of the pool.
-spec give_back(lease(), leases()) -> {{context, reference()} | nothing | unknown, leases()}.
give_back(Lease, Leases = #leases{callers = Callers, waiting = Waiting}) ->
    case maps:take(Lease, Callers) of
        {#caller{monitor = Monitor, holds = Holds}, Rest} ->
            true = demonitor(Monitor, [flush]),
            Left = Leases#leases{callers = Rest},
            case Holds of
                {context, _} -> {Holds, Left};
                {waiting, Turn} -> {nothing, Left#leases{waiting = gb_trees:delete(Turn, Waiting)}}
            end;
        error ->
            {unknown, Leases}
    end.

%% Removes all waiting callers. The pool must notify them.
-spec refuse_all(leases()) -> {[gen_server:from()], leases()}.
refuse_all(Leases = #leases{waiting = Waiting}) ->
    lists:foldl(
        fun({Lease, From}, {Refused, Acc}) ->
            {nothing, Left} = give_back(Lease, Acc),
            {[From | Refused], Left}
        end,
        {[], Leases},
        gb_trees:values(Waiting)
    ).

-spec waiting(leases()) -> non_neg_integer().
waiting(#leases{waiting = Waiting}) ->
    gb_trees:size(Waiting).
