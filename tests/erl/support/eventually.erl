%% SPDX-License-Identifier: Apache-2.0
%% Waits for something that can only be looked at, not be told: with a deadline.
-module(eventually).

-export([true/1, equal/2]).

-define(LIMIT_MS, 10000).
-define(PAUSE_MS, 2).

-spec true(fun(() -> boolean())) -> ok.
true(Check) ->
    equal(true, Check).

-spec equal(Expected :: term(), fun(() -> term())) -> ok.
equal(Expected, Look) ->
    equal(Expected, Look, erlang:monotonic_time(millisecond) + ?LIMIT_MS).

equal(Expected, Look, Deadline) ->
    case Look() of
        Expected ->
            ok;
        Seen ->
            case erlang:monotonic_time(millisecond) < Deadline of
                true ->
                    receive
                    after ?PAUSE_MS -> equal(Expected, Look, Deadline)
                    end;
                false ->
                    error({never_seen, Expected, {last, Seen}})
            end
    end.
