%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Calls that nest on one Python thread. While a handler runs the function of a sync call, its
%% thread waits in `erlang.call'. A `py:call' of that function runs on the waiting thread. The
%% Python code may call Erlang again, and that call arrives here during the wait. So one Erlang
%% process mirrors one Python thread, and their stacks nest.
%%
%% While a function runs, py_caller has the waiting thread's channel and the deadline of the wait.
%% An inner wait never outlasts an outer one: an outer wait can't time out before the inner wait has
%% returned.
-module(py_nested).

-export([serve/5, channel/0, request/3]).

%% Runs the function of a sync call in the calling process, which is the channel's handler.
-spec serve(py_nif:channel(), py_nif:call_id(), binary(), Args :: [term()], Options) -> ok when
    Options :: py_function_call:options().
serve(Channel, Id, Name, Args, Options) ->
    run_isolated({Channel, infinity}, Id, Name, Args, Options).

%% The channel of the Python thread that waits for the calling process.
-spec channel() -> {ok, py_nif:channel()} | none.
channel() ->
    case py_caller:waiting() of
        none -> none;
        {Channel, _Deadline} -> {ok, Channel}
    end.

%% Makes a request on the waiting thread and waits for its answer.
-spec request(py_nif:channel(), py_nif:nested(py_nif:context_request()), py_deadline:deadline()) ->
    py_nif:answer() | {error, timeout}.
request(Channel, Request, Deadline) ->
    Ref = make_ref(),
    case py_nif:submit_to_thread(Channel, Ref, Request) of
        closed ->
            %% The thread is gone. This process is about to be stopped.
            {error, disconnected};
        {ok, Handle} ->
            Outer = {Channel, OuterDeadline} = py_caller:waiting(),
            Bounded = py_deadline:earlier(Deadline, OuterDeadline),
            py_caller:set_waiting({Channel, Bounded}),
            Answer = wait(Channel, Ref, Handle, Bounded),
            py_caller:set_waiting(Outer),
            Answer
    end.

-spec wait(py_nif:channel(), reference(), py_nif:request_handle(), py_deadline:deadline()) ->
    py_nif:answer() | {error, timeout}.
wait(Channel, Ref, Handle, Deadline) ->
    receive
        {py_result, Ref, Answer} ->
            Answer;
        {call, Id, Name, Args, Options} ->
            run_isolated(py_caller:waiting(), Id, Name, Args, Options),
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

%% Contexts and requests that the function leaves in this process are released at its end.
-spec run_isolated(py_caller:waiting(), py_nif:call_id(), binary(), [term()], Options) -> ok when
    Options :: py_function_call:options().
run_isolated({Channel, _} = Waiting, Id, Name, Args, Options) ->
    Outer = py_caller:begin_call(Waiting),
    py_function_call:run(Channel, Id, Name, Args, Options),
    py_context_held:release(),
    py_request_async:give_up_all(),
    py_caller:end_call(Outer).
