%% SPDX-License-Identifier: Apache-2.0
%% @private
%% For erlpy, in place of OTP's handler of process signals. As with OTP's handler, SIGTERM ends the
%% node in an orderly way, but with the signal's exit status. All other signals go to OTP's handler.
-module(erlpy_signals).
-behaviour(gen_event).

-export([install/0]).
-export([init/1, handle_event/2, handle_call/2, handle_info/2]).

-define(SIGTERM, 15).

-spec install() -> ok.
install() ->
    ok = gen_event:swap_handler(
        erl_signal_server, {erl_signal_handler, []}, {?MODULE, []}
    ).

-spec init(term()) -> {ok, term()}.
init(_) ->
    {ok, State} = erl_signal_handler:init([]),
    {ok, State}.

-spec handle_event(Signal :: atom(), term()) -> {ok, term()}.
handle_event(sigterm, State) ->
    _ = spawn(erlpy_main, finish, [-?SIGTERM]),
    {ok, State};
handle_event(Signal, State) ->
    erl_signal_handler:handle_event(Signal, State).

-spec handle_call(term(), term()) -> {ok, ok, term()}.
handle_call(_Request, State) ->
    {ok, ok, State}.

-spec handle_info(term(), term()) -> {ok, term()}.
handle_info(_Info, State) ->
    {ok, State}.
