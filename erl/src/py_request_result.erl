%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Turns Python's answers into results for users. An exception becomes `{Name, Text}'. Its traceback
%% goes to the logger, and is kept for the requesting process until its next exception.
-module(py_request_result).

-export([result/1, last_traceback/0, log/2]).

-export_type([answer/0, result/0, reason/0]).

-type reason() ::
    {ExceptionName :: atom() | binary(), Text :: binary()}
    | timeout
    | disconnected
    | not_running
    | term().

%% `answer()' still has the traceback; `result()' does not.
-type answer() :: py_nif:answer() | {error, reason()}.
-type result() :: {ok, term()} | {error, reason()}.

-spec result(answer()) -> result().
result({error, {Name, Text, Traceback}} = Answer) when is_binary(Text), is_binary(Traceback) ->
    py_caller:set_traceback(Traceback),
    log(debug, Answer),
    {error, {Name, Text}};
result(Answer) ->
    Answer.

-spec last_traceback() -> {ok, binary()} | {error, none}.
last_traceback() ->
    case py_caller:traceback() of
        none -> {error, none};
        Traceback -> {ok, Traceback}
    end.

-spec log(logger:level(), answer()) -> ok.
log(Level, {error, {Name, Text, Traceback}}) ->
    Report = #{python_exception => Name, text => Text, traceback => Traceback},
    logger:log(Level, Report, #{report_cb => fun report/1});
log(Level, {error, Reason}) ->
    logger:log(Level, "a request from Erlang to Python failed: ~tp", [Reason]);
log(_Level, _Success) ->
    ok.

-spec report(logger:report()) -> {io:format(), [term()]}.
report(#{traceback := Traceback}) ->
    {"Python code called from Erlang raised:~n~ts", [Traceback]}.
