%% SPDX-License-Identifier: Apache-2.0
%% @private
%% One request to a Python thread or loop, and the wait for its answer. However the wait ends, no
%% message is left in the caller's mailbox.
-module(py_request_wait).

-export([run/3]).

-export_type([outcome/0]).

%% `abandoned': the thread may still run the request. `closed': the request never ran.
-type outcome() :: {free | abandoned, py_nif:answer() | {error, timeout}} | closed.

-spec run(py_nif:context() | py_nif:channel(), py_nif:request(), py_deadline:deadline()) ->
    outcome().
run(Target, Request, Deadline) ->
    Ref = make_ref(),
    case py_nif:submit(Target, Ref, Request) of
        {ok, Handle} ->
            receive
                {py_result, Ref, Answer} -> {free, Answer}
            after py_deadline:left(Deadline) ->
                abandon(Ref, Handle)
            end;
        closed ->
            closed
    end.

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
