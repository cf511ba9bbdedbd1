%% SPDX-License-Identifier: Apache-2.0
%% @doc A context, i.e. a Python thread of the pool, for one process alone.
%%
%% Usually each request of a process takes a free context while the request runs, and all requests
%% share one `__main__'. A process that holds a context makes all its requests on the thread of that
%% context, with globals of its own. See {@link py:context/1}.
-module(py_context).

-export([with/1, with/2]).
-export([request/2, request_on_loop/3, answer/2, answer_on_default_loop/2, is_bound/0]).

-define(DEFAULT_TIMEOUT, 30000).

%% @equiv with(Fun, 30000)
-spec with(fun(() -> Value)) -> Value | {error, py_request_result:reason()}.
with(Fun) ->
    with(Fun, ?DEFAULT_TIMEOUT).

%% @doc Runs `Fun()' while the calling process holds a context; returns its value.
%%
%% `Timeout', in milliseconds or `infinity', bounds the wait for a free context: if none becomes
%% free, the result is `{error, timeout}'. However `Fun' ends, the context's globals are gone
%% afterwards. If the process holds a context already, `Fun' uses that one.
%%
%% ```
%% {ok, 42} = py_context:with(fun() ->
%%     ok = py:exec(<<"x = 42">>),
%%     py:eval(<<"x">>)
%% end).
%% '''
-spec with(fun(() -> Value), timeout()) -> Value | {error, py_request_result:reason()}.
with(Fun, Timeout) when is_function(Fun, 0) ->
    case py_context_held:hold(private, py_deadline:in(Timeout)) of
        {ok, mine} ->
            try
                Fun()
            after
                py_context_held:release()
            end;
        {ok, outer} ->
            Fun();
        {error, _} = Error ->
            Error
    end;
with(_Fun, _Timeout) ->
    error(badarg).

%% @private Makes one request and waits for its result: on the context that the calling process
%% holds, else on the thread that waits for it (see `py_nested'), else on a context of the pool.
%%
%% Timeout in milliseconds, for the wait for a free context and the run together.
-spec request(py_nif:plain_request(), timeout()) -> py_request_result:result().
request(Request, Timeout) ->
    py_request_result:result(answer(Request, Timeout)).

%% @private The coroutine is cancelled when the time is over.
-spec request_on_loop(py_nif:channel(), py_nif:plain_request(), timeout()) ->
    py_request_result:result().
request_on_loop(Channel, Request, Timeout) ->
    py_request_result:result(answer_on_loop(Channel, Request, Timeout)).

%% @private
-spec answer_on_default_loop(py_nif:plain_request(), timeout()) -> py_request_result:answer().
answer_on_default_loop(Request, Timeout) ->
    case py_loop_sup:default_channel() of
        {ok, Channel} -> answer_on_loop(Channel, Request, Timeout);
        {error, _} = Error -> Error
    end.

%% @private
-spec answer(py_nif:plain_request(), timeout()) -> py_request_result:answer().
answer(Plain, Timeout) ->
    Deadline = py_deadline:in(Timeout),
    Request = py_ancestors:around(Plain),
    case py_context_held:request(Request, Deadline) of
        {ok, Answer} ->
            Answer;
        none ->
            case py_nested:channel() of
                {ok, Channel} -> py_nested:request(Channel, Request, Deadline);
                none -> pooled(Request, Deadline)
            end
    end.

-spec answer_on_loop(py_nif:channel(), py_nif:plain_request(), timeout()) ->
    py_request_result:answer().
answer_on_loop(Channel, Plain, Timeout) ->
    Request = py_ancestors:around(Plain),
    case py_request_wait:run(Channel, Request, py_deadline:in(Timeout)) of
        closed -> {error, disconnected};
        {_State, Answer} -> Answer
    end.

%% @private Whether all requests of the calling process go to the same thread.
-spec is_bound() -> boolean().
is_bound() ->
    py_context_held:is_holding() orelse py_nested:channel() =/= none.

-spec pooled(py_nif:request(), py_deadline:deadline()) -> py_request_result:answer().
pooled(Request, Deadline) ->
    case py_context_pool:checkout(Deadline) of
        {ok, Lease, Context} ->
            case py_request_wait:run(Context, Request, Deadline) of
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
