%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Opens a handler for each channel that Python begins to use, and stops one whose thread does not
%% wait any more. It only passes things on and never waits for a handler.
%%
%% When it is restarted it registers again, and the native side then repeats the requests for
%% channels that have no handler yet; so none is lost with its mailbox.
-module(py_coordinator).
-behaviour(gen_server).

-export([start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-spec start_link() -> gen_server:start_ret().
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

-spec init([]) -> {ok, []}.
init([]) ->
    ok = py_nif:set_coordinator(),
    {ok, []}.

-spec handle_info(term(), []) -> {noreply, []}.
handle_info({open_channel, Channel}, State) ->
    _Pid = py_handler_sup:start_handler(Channel),
    {noreply, State};
handle_info({stop_handler, Pid}, State) ->
    %% It runs a function whose call timed out or was interrupted; the channel gets a new one.
    exit(Pid, kill),
    {noreply, State};
handle_info(_Message, State) ->
    {noreply, State}.

-spec handle_call(term(), gen_server:from(), []) -> {noreply, []}.
handle_call(_Request, _From, State) ->
    {noreply, State}.

-spec handle_cast(term(), []) -> {noreply, []}.
handle_cast(_Message, State) ->
    {noreply, State}.
