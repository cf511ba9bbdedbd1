%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Makes one request to Python and waits for its answer: on the thread that waits for the calling
%% process if there is one (see `py_nested'), else on a context of the pool. However it ends, no
%% message is left in the caller's mailbox.
-module(py_context).

-export([request/2]).

-export_type([result/0, reason/0]).

-type reason() ::
    {ExceptionName :: atom() | binary(), Text :: binary()}
    | timeout
    | disconnected
    | not_running
    | term().
-type result() :: {ok, term()} | ok | {error, reason()}.

%% Timeout in milliseconds, over everything: waiting for a free context and running.
-spec request(py_nif:request(), timeout()) -> result().
request(Request, Timeout) ->
    Deadline = py_deadline:in(Timeout),
    case py_nested:channel() of
        {ok, Channel} -> result(py_nested:request(Channel, Request, Deadline));
        none -> result(pooled(Request, Deadline))
    end.

-spec pooled(py_nif:request(), py_deadline:deadline()) -> py_nif:answer() | {error, reason()}.
pooled(Request, Deadline) ->
    case py_contexts:checkout(Deadline) of
        {ok, Lease, Context} ->
            Ref = make_ref(),
            case py_nif:submit(Context, Ref, Request) of
                {ok, Handle} ->
                    {State, Answer} = wait(Ref, Handle, Deadline),
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

-spec wait(reference(), py_nif:request_handle(), py_deadline:deadline()) ->
    {py_contexts:state(), py_nif:answer() | {error, timeout}}.
wait(Ref, Handle, Deadline) ->
    receive
        {py_result, Ref, Answer} -> {free, Answer}
    after py_deadline:left(Deadline) ->
        case py_nif:abandon(Handle) of
            abandoned -> {abandoned, {error, timeout}};
            replied -> wait(Ref, Handle, infinity)
        end
    end.

-spec result(py_nif:answer() | {error, reason()}) -> result().
result({error, {Name, Text, Traceback}}) ->
    logger:debug(#{python_exception => Name, text => Text, traceback => Traceback}, #{
        domain => [erlang_python], report_cb => fun report/1
    }),
    {error, {Name, Text}};
result(Answer) ->
    Answer.

-spec report(logger:report()) -> {io:format(), [term()]}.
report(#{traceback := Traceback}) ->
    {"Python code called from Erlang raised:~n~ts", [Traceback]}.
