%% SPDX-License-Identifier: Apache-2.0
%% @private
%% A timeout made absolute, for a wait that has several steps.
-module(py_deadline).

-export([in/1, left/1, earlier/2]).

-export_type([deadline/0]).

%% In milliseconds of monotonic time.
-type deadline() :: integer() | infinity.

-spec in(timeout()) -> deadline().
in(infinity) -> infinity;
in(Milliseconds) -> erlang:monotonic_time(millisecond) + Milliseconds.

-spec left(deadline()) -> timeout().
left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

-spec earlier(deadline(), deadline()) -> deadline().
earlier(infinity, Deadline) -> Deadline;
earlier(Deadline, infinity) -> Deadline;
earlier(One, Other) -> min(One, Other).
