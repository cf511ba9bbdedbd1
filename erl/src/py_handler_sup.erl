%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Supervises the handlers. None is restarted: a channel whose handler died asks for a new one when
%% it is used again.
-module(py_handler_sup).
-behaviour(supervisor).

-export([start_link/0, start_handler/1, count/0]).
-export([init/1]).

%% Longer than a cancelled worker may take to clean up, in milliseconds.
-define(SHUTDOWN, 1500).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec start_handler(py_nif:channel()) -> pid().
start_handler(Channel) ->
    {ok, Pid} = supervisor:start_child(?MODULE, [Channel]),
    Pid.

-spec count() -> non_neg_integer().
count() ->
    proplists:get_value(active, supervisor:count_children(?MODULE)).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    Handler = #{
        id => py_handler,
        start => {py_handler, start_link, []},
        restart => temporary,
        shutdown => ?SHUTDOWN
    },
    {ok, {#{strategy => simple_one_for_one}, [Handler]}}.
