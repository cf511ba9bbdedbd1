%% SPDX-License-Identifier: Apache-2.0
%% @doc The demo: registers Erlang functions for Python and starts the services that call them.
%%
%% Application environment: `port' (default 8000) is the port of the FastAPI service on 127.0.0.1;
%% the aiohttp service uses the next port.
-module(demo_app).

-behaviour(application).

-export([start/2, stop/1, ports/0]).

-spec start(Type :: application:start_type(), Args :: term()) ->
    {ok, pid()} | {error, Reason :: term()}.
start(_Type, _Args) ->
    %% The folder of service.py and chat.py.
    {ok, _} = py:call(site, addsitedir, [list_to_binary(code:priv_dir(demo))]),
    ok = demo_functions:register(),
    demo_sup:start_link().

-spec stop(State :: term()) -> ok.
stop(_State) ->
    demo_functions:unregister().

%% @doc The ports of the FastAPI and of the aiohttp service.
-spec ports() -> {Web :: inet:port_number(), Chat :: inet:port_number()}.
ports() ->
    {ok, Port} = application:get_env(demo, port),
    {Port, Port + 1}.
