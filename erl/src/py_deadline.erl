%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Timeouts as points in time, for waits of several steps.
-module(py_deadline).

-export([in/1, check/1, check_finite/1, is_timeout/1, left/1, earlier/2]).

-export_type([deadline/0]).

%% In milliseconds of monotonic time.
-type deadline() :: integer() | infinity.

%% The longest timeout of a receive, 49 days.
-define(LONGEST, 16#ffffffff).

%% Fails with `badarg' for a bad timeout, before anything is started.
-spec in(timeout()) -> deadline().
in(infinity) ->
    infinity;
in(Milliseconds) ->
    ok = check(Milliseconds),
    erlang:monotonic_time(millisecond) + Milliseconds.

%% For public functions, which fail with `badarg' before they do anything.
-spec check(timeout()) -> ok.
check(infinity) ->
    ok;
check(Milliseconds) ->
    check_finite(Milliseconds).

-spec check_finite(non_neg_integer()) -> ok.
check_finite(Milliseconds) ->
    is_timeout(Milliseconds) orelse error(badarg),
    ok.

%% Whether the term is a number of milliseconds that a receive accepts.
-spec is_timeout(term()) -> boolean().
is_timeout(Milliseconds) ->
    is_integer(Milliseconds) andalso Milliseconds >= 0 andalso Milliseconds =< ?LONGEST.

-spec left(deadline()) -> timeout().
left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

-spec earlier(deadline(), deadline()) -> deadline().
earlier(infinity, Deadline) -> Deadline;
earlier(Deadline, infinity) -> Deadline;
earlier(One, Other) -> min(One, Other).
