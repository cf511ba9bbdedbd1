%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Two web services on two event loops, supervised like any other children. The supervisor owns the
%% users' table, so the table outlives every crash of a child.
-module(demo_sup).

-behaviour(supervisor).

-export([start_link/0, init/1]).

-spec start_link() -> supervisor:startlink_ret().
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    ok = demo_users:new(),
    {WebPort, ChatPort} = demo_app:ports(),
    Web = #{
        name => demo_web,
        loop => uvloop,
        main =>
            {'erlang.hosting', uvicorn, [<<"service:app">>], #{
                host => <<"127.0.0.1">>,
                port => WebPort,
                access_log => false,
                log_level => <<"warning">>,
                timeout_graceful_shutdown => 3
            }},
        stop_timeout => 5000
    },
    Chat = #{
        name => demo_chat,
        loop => asyncio,
        main =>
            {'erlang.hosting', aiohttp, [<<"chat:make_app">>], #{
                host => <<"127.0.0.1">>,
                port => ChatPort,
                shutdown_timeout => 3
            }},
        stop_timeout => 5000
    },
    Announcer = #{
        id => demo_announcer,
        start => {demo_announcer, start_link, []},
        restart => transient
    },
    {ok, {
        #{strategy => one_for_one, intensity => 5, period => 10},
        [py_loop:child_spec(Web), py_loop:child_spec(Chat), Announcer]
    }}.
