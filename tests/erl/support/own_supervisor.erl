%% SPDX-License-Identifier: Apache-2.0
%% The supervisor of a user's own application.
-module(own_supervisor).
-behaviour(supervisor).

-export([start_link/1, init/1]).

start_link(Children) ->
    supervisor:start_link(?MODULE, Children).

init(Children) ->
    {ok, {#{strategy => one_for_one, intensity => 5, period => 10}, Children}}.
