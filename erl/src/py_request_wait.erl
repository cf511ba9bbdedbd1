%% SPDX-License-Identifier: Apache-2.0
%% @private
%% One request to a Python thread or loop, and the wait for its answer. However the wait ends, no
%% message is left in the caller's mailbox.
-module(py_request_wait).

-export([run_in_context/3, run_on_loop/3]).

-export_type([outcome/0]).

%% `abandoned': the thread may still run the request. `closed': the request never ran.
-type outcome() :: {free | abandoned, py_nif:answer() | {error, timeout}} | closed.

-spec run_in_context(
    py_nif:context(), py_nif:nested(py_nif:context_request()), py_deadline:deadline()
) -> outcome().
run_in_context(Context, Request, Deadline) ->
    Ref = make_ref(),
    await(Ref, py_nif:submit_to_context(Context, Ref, Request), Deadline).

-spec run_on_loop(py_nif:channel(), py_nif:nested(py_nif:loop_request()), py_deadline:deadline()) ->
    outcome().
run_on_loop(Channel, Request, Deadline) ->
    Ref = make_ref(),
    await(Ref, py_nif:submit_to_loop(Channel, Ref, Request), Deadline).

-spec await(reference(), {ok, py_nif:request_handle()} | closed, py_deadline:deadline()) ->
    outcome().
await(Ref, {ok, Handle}, Deadline) ->
    receive
        {py_result, Ref, Answer} -> {free, Answer}
    after py_deadline:left(Deadline) ->
        abandon(Ref, Handle)
    end;
await(_Ref, closed, _Deadline) ->
    closed.

-spec abandon(reference(), py_nif:request_handle()) -> outcome().
abandon(Ref, Handle) ->
    case py_nif:abandon(Handle) of
        abandoned ->
            {abandoned, {error, timeout}};
        replied ->
            receive
                {py_result, Ref, Answer} -> {free, Answer}
            end
    end.
