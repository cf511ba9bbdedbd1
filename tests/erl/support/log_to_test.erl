%% SPDX-License-Identifier: Apache-2.0
%% Sends the application's log events, from a level on (`warning'), to the process that called start/0.
-module(log_to_test).

-export([start/0, start/1, stop/0, next/0, log/2]).

-spec start() -> ok.
start() ->
    start(warning).

-spec start(logger:level()) -> ok.
start(Level) ->
    logger:add_handler(?MODULE, ?MODULE, #{level => Level, config => #{to => self()}}).

-spec stop() -> ok.
stop() ->
    logger:remove_handler(?MODULE).

-spec next() -> #{level := logger:level(), text := binary()}.
next() ->
    receive
        {?MODULE, Event} -> Event
    after 10000 ->
        error(nothing_logged)
    end.

log(#{meta := #{domain := [otp | _]}}, _Config) ->
    ok;
log(#{level := Level} = Event, #{config := #{to := To}}) ->
    Text = logger_formatter:format(Event, #{template => [msg], single_line => false}),
    To ! {?MODULE, #{level => Level, text => unicode:characters_to_binary(Text)}},
    ok.
