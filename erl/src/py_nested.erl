%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Calls that nest on one Python thread. While a handler runs the function of a sync call, its
%% thread waits in `erlang.call'. A `py:call' made by that very function runs on that same thread;
%% the Python code may call Erlang again, which arrives here while we wait. So one Erlang process
%% mirrors one Python thread and their stacks nest.
%%
%% The mark that says so is `{Channel, Deadline}' in the process dictionary of the handler, present
%% only while a function runs. A wait further in never outlasts the ones further out, since those
%% can't time out before it has returned.
-module(py_nested).

-export([serve/5, channel/0, request/3]).

-define(MARK, '$erlang_python_waiting_thread').

%% Runs the function of a sync call in the calling process, which is the channel's handler.
-spec serve(py_nif:channel(), py_nif:call_id(), binary(), Args :: [term()], Options) -> ok when
    Options :: py_call:options().
serve(Channel, Id, Name, Args, Options) ->
    put(?MARK, {Channel, infinity}),
    py_scope:run(fun() -> py_call:run(Channel, Id, Name, Args, Options) end),
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
            %% The thread is gone, this process is about to be stopped.
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
            py_scope:run(fun() -> py_call:run(Channel, Id, Name, Args, Options) end),
            wait(Channel, Ref, Handle, Deadline)
    after py_deadline:left(Deadline) ->
        abandon(Channel, Ref, Handle)
    end.

%% The thread may just have asked for one more function, and its answer then comes after that.
-spec abandon(py_nif:channel(), reference(), py_nif:request_handle()) ->
    py_nif:answer() | {error, timeout}.
abandon(Channel, Ref, Handle) ->
    case py_nif:abandon(Handle) of
        abandoned -> {error, timeout};
        replied -> wait(Channel, Ref, Handle, infinity)
    end.
