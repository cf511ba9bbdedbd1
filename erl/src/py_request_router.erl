%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Where a request of the calling process runs: on the context that the process holds, else on the
%% Python thread that waits for it (see py_nested), else on a context of the pool. A request for a
%% loop runs on that loop.
%%
%% Timeouts are in milliseconds, for the wait for a free context and the run together.
-module(py_request_router).

-export([request/2, request_on_loop/3, answer/2, answer_on_loop/3, is_bound/0]).

%% Makes one request and waits for its result.
-spec request(py_nif:context_request(), timeout()) -> py_request_result:result().
request(Request, Timeout) ->
    py_request_result:result(answer(Request, Timeout)).

%% The coroutine is cancelled when the time is over.
-spec request_on_loop(py_nif:channel(), py_nif:loop_request(), timeout()) ->
    py_request_result:result().
request_on_loop(Channel, Request, Timeout) ->
    py_request_result:result(answer_on_loop(Channel, Request, Timeout)).

-spec answer(py_nif:context_request(), timeout()) -> py_request_result:answer().
answer(Plain, Timeout) ->
    Deadline = py_deadline:in(Timeout),
    Request = py_ancestors:around(py_adapter:adapt(Plain)),
    case py_context_held:request(Request, Deadline) of
        {ok, Answer} ->
            Answer;
        none ->
            case py_nested:channel() of
                {ok, Channel} -> py_nested:request(Channel, Request, Deadline);
                none -> pooled(Request, Deadline)
            end
    end.

-spec answer_on_loop(py_nif:channel(), py_nif:loop_request(), timeout()) ->
    py_request_result:answer().
answer_on_loop(Channel, Plain, Timeout) ->
    Request = py_ancestors:around(py_adapter:adapt(Plain)),
    case py_request_wait:run_on_loop(Channel, Request, py_deadline:in(Timeout)) of
        closed -> {error, disconnected};
        {_State, Answer} -> Answer
    end.

%% Whether all requests of the calling process go to the same thread.
-spec is_bound() -> boolean().
is_bound() ->
    py_context_held:is_holding() orelse py_nested:channel() =/= none.

-spec pooled(py_nif:nested(py_nif:context_request()), py_deadline:deadline()) ->
    py_request_result:answer().
pooled(Request, Deadline) ->
    case py_context_pool:checkout(Deadline) of
        {ok, Lease, Context} ->
            case py_request_wait:run_in_context(Context, Request, Deadline) of
                {State, Answer} ->
                    py_context_pool:checkin(Lease, State),
                    Answer;
                closed ->
                    %% The context's thread is gone and has run nothing: take another context.
                    py_context_pool:checkin(Lease, closed),
                    pooled(Request, Deadline)
            end;
        {error, _} = Error ->
            Error
    end.
