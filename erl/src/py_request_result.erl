%% SPDX-License-Identifier: Apache-2.0
%% @private
%% Turns Python's answers into results for users. An exception becomes `{Name, Text}'. Its traceback
%% is kept for the requesting process until its next exception. The caller decides whether the
%% exception is worth a line in the log, so it is not logged here, unless a user asks for it:
%% `logger:set_module_level(py_request_result, debug)'.
-module(py_request_result).

-include_lib("kernel/include/logger.hrl").

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
    _ = [log(debug, Answer) || is_asked_for()],
    {error, {Name, Text}};
result(Answer) ->
    Answer.

-spec last_traceback() -> {ok, binary()} | {error, none}.
last_traceback() ->
    case py_caller:traceback() of
        none -> {error, none};
        Traceback -> {ok, Traceback}
    end.

%% The primary level does not count: Elixir's is `debug' by default.
-spec is_asked_for() -> boolean().
is_asked_for() ->
    case logger:get_module_level(?MODULE) of
        [{?MODULE, Level}] -> Level =:= debug orelse Level =:= all;
        [] -> false
    end.

-spec log(logger:level(), answer()) -> ok.
log(Level, {error, {Name, Text, Traceback}}) ->
    Report = #{python_exception => Name, text => Text, traceback => Traceback},
    ?LOG(Level, Report, #{report_cb => fun report/1});
log(Level, {error, Reason}) ->
    ?LOG(Level, "a request from Erlang to Python failed: ~tp", [Reason]);
log(_Level, _Success) ->
    ok.

-spec report(logger:report()) -> {io:format(), [term()]}.
report(#{traceback := Traceback}) ->
    {"Python code called from Erlang raised:~n~ts", [Traceback]}.
