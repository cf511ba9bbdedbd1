%% SPDX-License-Identifier: Apache-2.0
%% @doc An application with a FastAPI service, greeter.py. Each side calls a function of the other.
-module(hello).

-behaviour(application).
-behaviour(supervisor).

-export([start/0, visit/1, greeting/1]).
-export([start/2, stop/1, init/1]).

-spec start() -> ok.
start() ->
    {ok, _} = application:ensure_all_started(?MODULE),
    ok.

start(_Type, _Args) ->
    %% Python finds greeter.py beside this module.
    Folder = filename:dirname(code:which(?MODULE)),
    {ok, _} = py:call(site, addsitedir, [unicode:characters_to_binary(Folder)]),
    ok = py:register_function(visit, fun ?MODULE:visit/1),
    supervisor:start_link(?MODULE, []).

stop(_State) ->
    py:unregister_function(visit).

init([]) ->
    visits = ets:new(visits, [named_table, public]),
    {ok, Port} = application:get_env(hello, port),
    Address = #{host => <<"127.0.0.1">>, port => Port},
    Main = {'erlang.hosting', uvicorn, [<<"greeter:app">>], Address},
    {ok, {#{}, [py_loop:child_spec(#{name => hello_web, main => Main})]}}.

%% Python calls Erlang: the route in greeter.py awaits this function.
-spec visit([Name :: binary()]) -> Visits :: pos_integer().
visit([Name]) ->
    ets:update_counter(visits, Name, 1, {Name, 0}).

%% Erlang calls Python: the function `greeting' in greeter.py.
-spec greeting(Name :: binary()) -> binary().
greeting(Name) ->
    {ok, Greeting} = py:call(greeter, greeting, [Name]),
    Greeting.
