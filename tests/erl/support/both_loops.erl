%% SPDX-License-Identifier: Apache-2.0
%% Groups of Common Test that run their cases with asyncio's loop, then with uvloop's.
-module(both_loops).

-export([all/0, groups/1, kind/1]).

-type kind() :: asyncio | uvloop.

%% For all/0 of a suite.
-spec all() -> [{group, kind()}].
all() ->
    [{group, asyncio}, {group, uvloop}].

%% For groups/0 of a suite.
-spec groups(Cases :: [atom()]) -> [{kind(), Cases :: [atom()]}].
groups(Cases) ->
    [{asyncio, Cases}, {uvloop, Cases}].

%% The loop that a case runs with.
-spec kind(Config :: [{atom(), term()}]) -> kind().
kind(Config) ->
    proplists:get_value(name, proplists:get_value(tc_group_properties, Config)).
