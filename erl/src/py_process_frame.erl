%% SPDX-License-Identifier: Apache-2.0
%% @private
%% The frames between the node and a Python process beside it. `{packet, 4}' puts the size of a frame
%% in front of it. The Python side is pysrc/erlang/_outside/frames.py.
%%
%% | to the node         |                                                          |
%% | `1, Id:64, Limit:32, Overload, Binaries, Size:32, Name, T'                     |
%% |                     | a call; the limit is in ms, all bits: none               |
%% | `2, Id:64, ...'     | these calls are cancelled                                |
%% | `3, T'              | texts of atoms that the next calls have                  |
%% | from the node       |                                                          |
%% | `4, T'              | `{Protocol, Version, Node, MaxSize, Settings}'           |
%% | `5, Id:64, Binaries, T' | the value of a call                                  |
%% | `6, Id:64, Binaries, T' | `{Kind, Reason, Stack, Text}' of a call              |
%%
%% `T' is in the external term format. The arguments of a call are apart from its name and id: if they
%% can't be decoded, only this call fails.
-module(py_process_frame).

-export([max_size/0, connection/1, read/1, arguments/1, texts/1]).
-export([send_hello/2, send_value/4, send_failure/7]).

-export_type([connection/0, frame/0, fail_kind/0]).

-type connection() :: {connection, gen_tcp:socket()}.
-type options() :: {py_function_limiter:overload() | default, [], py_function_call:binaries()}.
-type fail_kind() :: py_nif:fail_kind() | timeout | undecodable.
-type frame() ::
    {call, py_nif:call_id(), timeout(), options(), Name :: binary(), Args :: binary()}
    | {cancel, [py_nif:call_id()]}
    | {atoms, Texts :: binary()}.

-define(PROTOCOL, 1).
%% In bytes. A frame is in memory as a whole.
-define(MAX_SIZE, 16#8000000).
-define(NO_LIMIT, 16#ffffffff).

%% The bytes before the term in a frame that ends a call.
-define(HEAD, 10).

-define(CALL, 1).
-define(CANCEL, 2).
-define(ATOMS, 3).
-define(HELLO, 4).
-define(VALUE, 5).
-define(FAILURE, 6).

-spec max_size() -> pos_integer().
max_size() ->
    ?MAX_SIZE.

-spec connection(gen_tcp:socket()) -> connection().
connection(Socket) ->
    {connection, Socket}.

%% `error': the peer does not speak this protocol.
-spec read(binary()) -> {ok, frame()} | error.
read(
    <<?CALL, Id:64, Limit:32, Overload, Binaries, Size:32, Name:Size/binary, Args/binary>>
) when Overload < 3, Binaries < 3 ->
    Options = {
        element(Overload + 1, {default, wait, refuse}),
        [],
        element(Binaries + 1, {default, text, bytes})
    },
    {ok, {call, Id, limit(Limit), Options, Name, Args}};
read(<<?CANCEL, Ids/binary>>) when byte_size(Ids) rem 8 =:= 0 ->
    {ok, {cancel, [Id || <<Id:64>> <= Ids]}};
read(<<?ATOMS, Texts/binary>>) ->
    {ok, {atoms, Texts}};
read(_Frame) ->
    error.

-spec limit(non_neg_integer()) -> timeout().
limit(?NO_LIMIT) -> infinity;
limit(Milliseconds) -> Milliseconds.

%% The arguments of a call. `error' also for unknown atoms: a peer makes its atoms known first.
-spec arguments(binary()) -> {ok, [term()]} | error.
arguments(Encoded) ->
    case decode(Encoded) of
        {ok, Args} when is_list(Args), length(Args) >= 0 -> {ok, Args};
        _ -> error
    end.

-spec texts(binary()) -> {ok, [binary()]} | error.
texts(Encoded) ->
    case decode(Encoded) of
        {ok, Texts} when is_list(Texts) ->
            case lists:all(fun is_binary/1, Texts) of
                true -> {ok, Texts};
                false -> error
            end;
        _ ->
            error
    end.

%% `safe' makes no atoms, and no funs of unknown modules. Compressed terms are refused: a short frame
%% must not become a term of gigabytes.
-spec decode(binary()) -> {ok, term()} | error.
decode(<<131, 80, _/binary>>) ->
    error;
decode(Encoded) ->
    Size = byte_size(Encoded),
    try binary_to_term(Encoded, [safe, used]) of
        {Term, Size} -> {ok, Term};
        {_Term, _Used} -> error
    catch
        error:badarg -> error
    end.

%% The settings of the node that conversions depend on.
-spec send_hello(connection(), Settings :: map()) -> ok.
send_hello(Connection, Settings) ->
    {ok, Version} = application:get_key(erlang_python, vsn),
    Hello = {?PROTOCOL, list_to_binary(Version), node(), ?MAX_SIZE, Settings},
    send(Connection, [<<?HELLO>> | encode(Hello)]).

%% A value that is larger than a frame becomes a failure.
-spec send_value(connection(), py_nif:call_id(), Value :: term(), py_function_call:binaries()) -> ok.
send_value(Connection, Id, Value, Binaries) ->
    Encoded = encode(Value),
    case iolist_size(Encoded) of
        Size when Size =< ?MAX_SIZE - ?HEAD ->
            send(Connection, [<<?VALUE, Id:64, (chosen(Binaries))>> | Encoded]);
        Size ->
            Text = too_large(Size),
            send_failure(Connection, Id, error, result_too_large, [], Text, default)
    end.

-spec send_failure(connection(), py_nif:call_id(), fail_kind(), Reason, Stack, Text, Binaries) ->
    ok
when
    Reason :: term(),
    Stack :: [binary()],
    Text :: binary(),
    Binaries :: py_function_call:binaries().
send_failure(Connection, Id, Kind, Reason, Stack, Text, Binaries) ->
    Encoded = encode({Kind, Reason, Stack, Text}),
    case iolist_size(Encoded) of
        Size when Size =< ?MAX_SIZE - ?HEAD ->
            send(Connection, [<<?FAILURE, Id:64, (chosen(Binaries))>> | Encoded]);
        _ ->
            send_failure(Connection, Id, Kind, Text, Stack, Text, text)
    end.

-spec chosen(py_function_call:binaries()) -> 1 | 2.
chosen(text) -> 1;
chosen(bytes) -> 2;
chosen(default) -> chosen(application:get_env(erlang_python, binaries, text)).

-spec too_large(Size :: pos_integer()) -> binary().
too_large(Size) ->
    iolist_to_binary([
        "the result has ",
        integer_to_list(Size),
        " bytes; a process beside the node gets at most ",
        integer_to_list(?MAX_SIZE)
    ]).

%% Atoms in UTF-8 on every OTP release. Large binaries are not copied.
-spec encode(term()) -> iodata().
encode(Term) ->
    term_to_iovec(Term, [{minor_version, 2}]).

%% The peer may be gone. Then its handler ends all its calls.
-spec send(connection(), iodata()) -> ok.
send({connection, Socket}, Frame) ->
    _ = gen_tcp:send(Socket, Frame),
    ok.
