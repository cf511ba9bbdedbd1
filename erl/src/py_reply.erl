%% SPDX-License-Identifier: Apache-2.0
%% @private
%% How a call ends: with a value or a failure, for a caller inside the node or beside it.
-module(py_reply).

-export([value/4, failure/7]).

-export_type([caller/0]).

%% A channel of the node's own Python, or the connection of another process.
-type caller() :: py_nif:channel() | py_process_frame:connection().

-spec value(caller(), py_nif:call_id(), Value :: term(), py_function_call:binaries()) -> ok.
value({connection, _} = Connection, Id, Value, Binaries) ->
    py_process_frame:send_value(Connection, Id, Value, Binaries);
value(Channel, Id, Value, Binaries) ->
    py_nif:reply(Channel, Id, Value, Binaries).

-spec failure(caller(), py_nif:call_id(), Kind, Reason, Stack, Text, Binaries) -> ok when
    Kind :: py_process_frame:fail_kind(),
    Reason :: term(),
    Stack :: [binary()],
    Text :: binary(),
    Binaries :: py_function_call:binaries().
failure({connection, _} = Connection, Id, Kind, Reason, Stack, Text, Binaries) ->
    py_process_frame:send_failure(Connection, Id, Kind, Reason, Stack, Text, Binaries);
failure(Channel, Id, Kind, Reason, Stack, Text, Binaries) ->
    py_nif:fail(Channel, Id, Kind, Reason, Stack, Text, Binaries).
