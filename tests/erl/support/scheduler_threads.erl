%% SPDX-License-Identifier: Apache-2.0
%% The threads of the normal schedulers of this node, as the system sees them. Their time on a
%% processor stands still while the system lets somebody else run.
-module(scheduler_threads).

-export([times/0, since/1]).

-export_type([times/0]).

%% Of all of them together, in microseconds: on a processor; ready to run, without one.
-type times() :: #{worked := integer(), kept_waiting := integer()}.

-spec times() -> times().
times() ->
    Folders = [Folder || Folder <- filelib:wildcard("/proc/self/task/*"), is_normal(Folder)],
    Times = [nanoseconds(Folder) || Folder <- Folders],
    #{
        worked => lists:sum([Worked || {Worked, _} <- Times]) div 1000,
        kept_waiting => lists:sum([Waited || {_, Waited} <- Times]) div 1000
    }.

-spec since(Before :: times()) -> times().
since(Before) ->
    maps:map(fun(Key, Now) -> Now - map_get(Key, Before) end, times()).

%% `1_scheduler', from OTP 26 on `erts_sched_1'.
is_normal(Folder) ->
    Pattern = "^([0-9]+_scheduler|erts_sched_[0-9]+)$",
    re:run(string:trim(read(Folder, "comm")), Pattern, [{capture, none}]) =:= match.

nanoseconds(Folder) ->
    [Worked, Waited | _] = string:lexemes(read(Folder, "schedstat"), " \n"),
    {binary_to_integer(Worked), binary_to_integer(Waited)}.

%% A thread may end meanwhile, but none of these does.
read(Folder, Name) ->
    case file:read_file(filename:join(Folder, Name)) of
        {ok, Text} -> Text;
        {error, _} -> <<>>
    end.
