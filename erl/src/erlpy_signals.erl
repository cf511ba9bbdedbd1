%% SPDX-License-Identifier: Apache-2.0
%% @private
%% For erlpy, in place of OTP's handler of process signals. As with OTP's handler, SIGTERM ends the
%% node in an orderly way, but with the signal's exit status. All other signals go to OTP's handler.
-module(erlpy_signals).
-behaviour(gen_event).

-export([install/1]).
-export([init/1, handle_event/2, handle_call/2, handle_info/2]).

-define(SIGTERM, 15).

%% Ends the node. A negative code is the number of the signal that the node's parent must see.
-type finish() :: fun((Code :: integer()) -> no_return()).

-type state() :: {finish(), OfOtp :: term()}.

-spec install(finish()) -> ok.
install(Finish) ->
    ok = gen_event:swap_handler(
        erl_signal_server, {erl_signal_handler, []}, {?MODULE, Finish}
    ).

-spec init({finish(), OfOldHandler :: term()}) -> {ok, state()}.
init({Finish, _OfOldHandler}) ->
    {ok, OfOtp} = erl_signal_handler:init([]),
    {ok, {Finish, OfOtp}}.

-spec handle_event(Signal :: atom(), state()) -> {ok, state()}.
handle_event(sigterm, State = {Finish, _OfOtp}) ->
    _ = spawn(fun() -> Finish(-?SIGTERM) end),
    {ok, State};
handle_event(Signal, {Finish, OfOtp}) ->
    {ok, OfOtp1} = erl_signal_handler:handle_event(Signal, OfOtp),
    {ok, {Finish, OfOtp1}}.

-spec handle_call(term(), state()) -> {ok, ok, state()}.
handle_call(_Request, State) ->
    {ok, ok, State}.

-spec handle_info(term(), state()) -> {ok, state()}.
handle_info(_Info, State) ->
    {ok, State}.
