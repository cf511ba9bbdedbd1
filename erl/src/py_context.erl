%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Makes one request to Python and waits for its answer: on the thread that waits for the calling
%% process if there is one (see `py_nested'), else on a context of the pool, or on a loop. However
%% it ends, no message is left in the caller's mailbox.
-module(py_context).

-export([request/2, request_on_loop/3]).

-export_type([result/0, reason/0]).

-type reason() ::
    {ExceptionName :: atom() | binary(), Text :: binary()}
    | timeout
    | disconnected
    | not_running
    | term().
%% Just `ok' for `exec'.
-type result() :: {ok, term()} | ok | {error, reason()}.

%% Timeout in milliseconds, over everything: waiting for a free context and running.
-spec request(py_nif:request(), timeout()) -> result().
request(Request, Timeout) ->
    Deadline = py_deadline:in(Timeout),
    case py_nested:channel() of
        {ok, Channel} -> result(py_nested:request(Channel, Request, Deadline));
        none -> result(pooled(Request, Deadline))
    end.

%% The coroutine is cancelled when the time is over.
-spec request_on_loop(py_nif:channel(), py_nif:request(), timeout()) -> result().
request_on_loop(Channel, Request, Timeout) ->
    Deadline = py_deadline:in(Timeout),
    case submit(Channel, Request, Deadline) of
        closed -> {error, disconnected};
        {_State, Answer} -> result(Answer)
    end.

-spec pooled(py_nif:request(), py_deadline:deadline()) -> py_nif:answer() | {error, reason()}.
pooled(Request, Deadline) ->
    case py_contexts:checkout(Deadline) of
        {ok, Lease, Context} ->
            case submit(Context, Request, Deadline) of
                {State, Answer} ->
                    py_contexts:checkin(Lease, State),
                    Answer;
                closed ->
                    %% Its thread is gone and nothing was run: another one will do.
                    py_contexts:checkin(Lease, closed),
                    pooled(Request, Deadline)
            end;
        {error, _} = Error ->
            Error
    end.

-spec submit(py_nif:context() | py_nif:channel(), py_nif:request(), py_deadline:deadline()) ->
    {free | abandoned, py_nif:answer() | {error, timeout}} | closed.
submit(Target, Request, Deadline) ->
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

-spec abandon(reference(), py_nif:request_handle()) ->
    {free | abandoned, py_nif:answer() | {error, timeout}}.
abandon(Ref, Handle) ->
    case py_nif:abandon(Handle) of
        abandoned ->
            {abandoned, {error, timeout}};
        replied ->
            receive
                {py_result, Ref, Answer} -> {free, Answer}
            end
    end.

-spec result(py_nif:answer() | {error, reason()}) -> result().
result({error, {Name, Text, Traceback}}) ->
    logger:debug(#{python_exception => Name, text => Text, traceback => Traceback}, #{
        report_cb => fun report/1
    }),
    {error, {Name, Text}};
result(Answer) ->
    Answer.

-spec report(logger:report()) -> {io:format(), [term()]}.
report(#{traceback := Traceback}) ->
    {"Python code called from Erlang raised:~n~ts", [Traceback]}.
