%% SPDX-License-Identifier: Apache-2.0
%% A hook of Common Test: a case fails when its end_per_testcase fails. Common Test itself only
%% writes a warning.
-module(cth_case_ends).

-export([id/1, init/2, post_end_per_testcase/5]).

-spec id(term()) -> module().
id(_Options) ->
    ?MODULE.

-spec init(term(), term()) -> {ok, none}.
init(_Id, _Options) ->
    {ok, none}.

-spec post_end_per_testcase(module(), atom(), term(), term(), State) -> {term(), State}.
post_end_per_testcase(_Suite, _Case, _Config, {failed, Reason}, State) ->
    {{fail, Reason}, State};
post_end_per_testcase(_Suite, _Case, _Config, Return, State) ->
    {Return, State}.
