%% SPDX-License-Identifier: Apache-2.0
%% Polls, with a deadline, for a state of which no message tells.
-module(eventually).

-export([true/1, equal/2, within/3]).

-define(LIMIT_MS, 10000).
-define(PAUSE_MS, 2).

-spec true(fun(() -> boolean())) -> ok.
true(Check) ->
    equal(true, Check).

-spec equal(Expected :: term(), fun(() -> term())) -> ok.
equal(Expected, Look) ->
    case within(?LIMIT_MS, Expected, Look) of
        Expected -> ok;
        Seen -> error({never_seen, Expected, {last, Seen}})
    end.

%% Returns the last value: the expected value if `Look' returned it within `Limit' milliseconds.
-spec within(Limit :: non_neg_integer(), Expected :: term(), fun(() -> Seen)) -> Seen.
within(Limit, Expected, Look) ->
    look(erlang:monotonic_time(millisecond) + Limit, Expected, Look).

look(Deadline, Expected, Look) ->
    case Look() of
        Expected ->
            Expected;
        Seen ->
            case erlang:monotonic_time(millisecond) < Deadline of
                true ->
                    receive
                    after ?PAUSE_MS -> look(Deadline, Expected, Look)
                    end;
                false ->
                    Seen
            end
    end.
