%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The coordinator and the handlers that it opens. Without the handlers' supervisor the coordinator
%% can't do anything, so it is restarted after it; its own end leaves the handlers alone.
-module(py_channel_sup).
-behaviour(supervisor).

-export([start_link/0]).
-export([init/1]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Handlers = #{
        id => py_handler_sup, start => {py_handler_sup, start_link, []}, type => supervisor
    },
    Coordinator = #{id => py_coordinator, start => {py_coordinator, start_link, []}},
    %% Restarting is cheap and loses nothing, so only a storm of deaths is passed on.
    {ok, {#{strategy => rest_for_one, intensity => 100, period => 5}, [Handlers, Coordinator]}}.
