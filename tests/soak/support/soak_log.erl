%% SPDX-License-Identifier: Apache-2.0
%% A log handler that notes the soak test's own lines by their tokens, and counts events at level
%% error and above. The load causes no errors of this application.
-module(soak_log).

-export([install/0, errors/0]).
-export([log/2]).

-define(TABLE, soak_log_errors).

%% The table belongs to the process that calls this.
-spec install() -> ok.
install() ->
    ?TABLE = ets:new(?TABLE, [named_table, public, ordered_set]),
    logger:add_handler(?MODULE, ?MODULE, #{level => info}).

%% The errors that were logged since the last call.
-spec errors() -> [binary()].
errors() ->
    Errors = ets:tab2list(?TABLE),
    [ets:delete(?TABLE, Key) || {Key, _} <- Errors],
    [Text || {_, Text} <- Errors].

-spec log(logger:log_event(), logger:handler_config()) -> ok.
log(#{meta := #{py_logger := <<"soak">>}, msg := {string, Text}}, _Config) ->
    soak_ledger:executed(binary_to_integer(iolist_to_binary(Text)));
log(#{level := Level, msg := Message}, _Config) ->
    case logger:compare_levels(Level, error) =:= lt orelse is_expected(Message) of
        true -> ok;
        false -> keep(Message)
    end.

%% The load kills handlers, and has a loop that ends repeatedly.
is_expected({report, #{label := {supervisor, _}, report := Report}}) ->
    case {lists:keyfind(supervisor, 1, Report), lists:keyfind(reason, 1, Report)} of
        {{_, {local, py_handler_sup}}, {_, killed}} -> true;
        {{_, {_, soak_hosting}}, {_, normal}} -> true;
        _ -> false
    end;
is_expected(_) ->
    false.

keep(What) ->
    Text = unicode:characters_to_binary(io_lib:format("~0P", [What, 60])),
    ets:insert(?TABLE, {erlang:unique_integer([monotonic]), Text}),
    ok.
