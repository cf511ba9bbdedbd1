%% SPDX-License-Identifier: Apache-2.0
%% A log handler that sends Python's events to one process. Other handlers do not get them
%% meanwhile.
-module(log_probe).

-export([start/0, stop/0, expect/2, texts/1]).
-export([log/2]).

-define(QUIET, log_probe_quiet).

%% The calling process gets the events.
-spec start() -> ok.
start() ->
    Quiet = {fun logger_filters:domain/2, {stop, sub, [python]}},
    [ok = logger:add_handler_filter(Id, ?QUIET, Quiet) || Id <- logger:get_handler_ids()],
    ok = logger:add_handler(?MODULE, ?MODULE, #{config => #{receiver => self()}}).

-spec stop() -> ok.
stop() ->
    _ = logger:remove_handler(?MODULE),
    [logger:remove_handler_filter(Id, ?QUIET) || Id <- logger:get_handler_ids()],
    drain().

-spec log(logger:log_event(), logger:handler_config()) -> ok.
log(#{meta := #{domain := [python | _]}} = Event, #{config := #{receiver := Receiver}}) ->
    Receiver ! {log_probe, Event},
    ok;
log(_Event, _Config) ->
    ok.

%% Waits for the next event of this Python logger with this text.
-spec expect(Logger :: binary(), Text :: binary()) -> {logger:level(), logger:metadata()}.
expect(Logger, Text) ->
    receive
        {log_probe, #{
            level := Level, msg := {string, Text}, meta := Meta = #{py_logger := Logger}
        }} ->
            {Level, Meta}
    after 10000 ->
        error({not_logged, Logger, Text, process_info(self(), messages)})
    end.

%% All events of this Python logger until now, in order.
-spec texts(Logger :: binary()) -> [binary()].
texts(Logger) ->
    receive
        {log_probe, #{msg := {string, Text}, meta := #{py_logger := Logger}}} ->
            [Text | texts(Logger)]
    after 0 ->
        []
    end.

drain() ->
    receive
        {log_probe, _} -> drain()
    after 0 ->
        ok
    end.
