%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Calls that nest on one Python thread. While a handler runs the function of a sync call, its
%% thread waits in `erlang.call'. A `py:call' of that function runs on the waiting thread. The
%% Python code may call Erlang again, and that call arrives here during the wait. So one Erlang
%% process mirrors one Python thread, and their stacks nest.
%%
%% The mark is `{Channel, Deadline}' in the process dictionary of the handler. It exists only while
%% a function runs. An inner wait never outlasts an outer one: an outer wait can't time out before
%% the inner wait has returned.
-module(py_nested).

-export([serve/5, channel/0, request/3]).

-define(MARK, '$erlang_python_waiting_thread').

%% Runs the function of a sync call in the calling process, which is the channel's handler.
-spec serve(py_nif:channel(), py_nif:call_id(), binary(), Args :: [term()], Options) -> ok when
    Options :: py_function_call:options().
serve(Channel, Id, Name, Args, Options) ->
    put(?MARK, {Channel, infinity}),
    py_scope:run(fun() -> py_function_call:run(Channel, Id, Name, Args, Options) end),
    erase(?MARK),
    ok.

%% The channel of the Python thread that waits for the calling process.
-spec channel() -> {ok, py_nif:channel()} | none.
channel() ->
    case get(?MARK) of
        undefined -> none;
        {Channel, _Deadline} -> {ok, Channel}
    end.

%% Makes a request on the waiting thread and waits for its answer.
-spec request(py_nif:channel(), py_nif:request(), py_deadline:deadline()) ->
    py_nif:answer() | {error, timeout}.
request(Channel, Request, Deadline) ->
    Ref = make_ref(),
    case py_nif:submit(Channel, Ref, Request) of
        closed ->
            %% The thread is gone. This process is about to be stopped.
            {error, disconnected};
        {ok, Handle} ->
            Outer = {Channel, OuterDeadline} = get(?MARK),
            Bounded = py_deadline:earlier(Deadline, OuterDeadline),
            put(?MARK, {Channel, Bounded}),
            Answer = wait(Channel, Ref, Handle, Bounded),
            put(?MARK, Outer),
            Answer
    end.

-spec wait(py_nif:channel(), reference(), py_nif:request_handle(), py_deadline:deadline()) ->
    py_nif:answer() | {error, timeout}.
wait(Channel, Ref, Handle, Deadline) ->
    receive
        {py_result, Ref, Answer} ->
            Answer;
        {call, Id, Name, Args, Options} ->
            py_scope:run(fun() -> py_function_call:run(Channel, Id, Name, Args, Options) end),
            wait(Channel, Ref, Handle, Deadline)
    after py_deadline:left(Deadline) ->
        abandon(Channel, Ref, Handle)
    end.

%% The thread may have called one more function just now. Its answer comes after that call.
-spec abandon(py_nif:channel(), reference(), py_nif:request_handle()) ->
    py_nif:answer() | {error, timeout}.
abandon(Channel, Ref, Handle) ->
    case py_nif:abandon(Handle) of
        abandoned -> {error, timeout};
        replied -> wait(Channel, Ref, Handle, infinity)
    end.
