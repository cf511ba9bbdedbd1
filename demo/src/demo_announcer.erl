%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Prints the demo's addresses as soon as both services answer, then ends.
-module(demo_announcer).

-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(RETRY_MS, 50).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, undefined}.
init([]) ->
    self() ! look,
    {ok, undefined}.

-spec handle_call(term(), gen_server:from(), State) -> {reply, ok, State}.
handle_call(_Request, _From, State) ->
    {reply, ok, State}.

-spec handle_cast(term(), State) -> {noreply, State}.
handle_cast(_Request, State) ->
    {noreply, State}.

-spec handle_info(look, State) -> {noreply, State} | {stop, normal, State}.
handle_info(look, State) ->
    {Web, Chat} = demo_app:ports(),
    case answers(Web) andalso answers(Chat) of
        true ->
            io:format(
                "demo: http://127.0.0.1:~b/  (FastAPI on uvloop; aiohttp on port ~b)~n",
                [Web, Chat]
            ),
            {stop, normal, State};
        false ->
            _ = erlang:send_after(?RETRY_MS, self(), look),
            {noreply, State}
    end.

-spec answers(Port :: inet:port_number()) -> boolean().
answers(Port) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, [], 1000) of
        {ok, Socket} ->
            ok = gen_tcp:close(Socket),
            true;
        {error, _} ->
            false
    end.
