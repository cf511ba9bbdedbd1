%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The hosted loop of `py:async_call' and `py:async_gather'. It starts at its first use, under the
%% application's supervisor.
-module(py_default_loop).

-export([answer/2, is_default/1]).

%% The name of the loop's process.
-define(NAME, ?MODULE).

%% Makes one request and waits for its answer.
-spec answer(py_nif:loop_request(), timeout()) -> py_request_result:answer().
answer(Request, Timeout) ->
    case channel() of
        {ok, Channel} -> py_request_router:answer_on_loop(Channel, Request, Timeout);
        {error, _} = Error -> Error
    end.

-spec is_default(pid()) -> boolean().
is_default(Loop) ->
    Loop =:= whereis(?NAME).

%% Starts the loop if it does not run.
-spec channel() -> {ok, py_nif:channel()} | {error, term()}.
channel() ->
    case py_loop_registry:channel(?NAME) of
        {ok, _} = Found -> Found;
        not_running -> start()
    end.

-spec start() -> {ok, py_nif:channel()} | {error, term()}.
start() ->
    try py_loop_sup:add_loop(?NAME, #{name => ?NAME}) of
        {ok, undefined} -> {error, not_running};
        {error, {Why, Child}} when element(1, Child) =:= child, Why =/= killed -> {error, Why};
        %% The loop runs already, or was killed and is about to be restarted.
        _ ->
            case py_loop_registry:channel(?NAME) of
                {ok, _} = Found -> Found;
                not_running -> {error, disconnected}
            end
    catch
        exit:_ -> {error, not_running}
    end.
