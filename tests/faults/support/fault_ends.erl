%% SPDX-License-Identifier: Apache-2.0
%% The possible ends of the load's calls under given faults. A call ends with the fate of the
%% processes that it depends on, passed on by each function in between.
-module(fault_ends).

-export([unexplained/2]).

%% The number of calls inside the outermost call, as fault_load.py makes them.
-define(NESTED, 3).
-define(LIMITED, 1).

%% The part of a ledger that the faults do not explain.
-spec unexplained(fault_load:ledger(), fault_plan:ends()) -> fault_load:ledger().
unexplained(Ledger, Ends) ->
    maps:filter(fun({Kind, End}, _) -> not lists:member(End, explained(Kind, Ends)) end, Ledger).

explained(Kind, Ends) ->
    [<<"issued">>, <<"value">>] ++ own(Kind, Ends) ++ by_faults(fault_load:goes_to(Kind), Ends).

%% Ends of calls that need no fault.
own(<<"interrupted">>, _) -> [<<"timeout">>];
own(<<"timed loop">>, _) -> [<<"timeout">>];
own(<<"timed">>, _) -> [<<"Timeout">>];
own(<<"asyncio timed">>, _) -> [<<"Timeout">>];
own(<<"uvloop timed">>, _) -> [<<"Timeout">>];
own(<<"asyncio cancelled">>, _) -> [<<"CancelledError">>];
own(<<"uvloop cancelled">>, _) -> [<<"CancelledError">>];
own(<<"closed ", _/binary>>, _) -> [<<"LoopClosed">>];
%% A new context with empty globals replaces a context whose thread is gone.
own(<<"held context">>, #{pool := [_ | _]}) -> [<<"NameError">>];
own(_, _) -> [].

by_faults(pool, Ends) -> at([pool, caller], Ends);
by_faults(loop, Ends) -> at([loop, caller], Ends);
by_faults(pool_and_back, Ends) -> at([pool, caller, python], Ends);
by_faults(python, Ends) -> at([python], Ends);
by_faults(python_and_back, Ends) -> at([python], Ends) ++ passed_on(1, at([pool, within], Ends));
by_faults(nested, Ends) -> at([python], Ends) ++ passed_on(?NESTED, at([nested], Ends));
by_faults(limited, Ends) ->
    at([python, gates], Ends) ++ passed_on(?LIMITED, at([gates, nested], Ends)).

at(Places, Ends) ->
    lists:append([maps:get(Place, Ends, []) || Place <- Places]).

%% At most this number of functions pass an error on. Each function fails with the name of the error
%% inside.
passed_on(0, _Ends) ->
    [];
passed_on(Functions, Ends) ->
    Failures = [failure(End) || End <- Ends],
    Failures ++ passed_on(Functions - 1, Failures).

failure(<<"Error:", _/binary>>) -> <<"Error:Error">>;
failure(Name) -> <<"Error:", Name/binary>>.
