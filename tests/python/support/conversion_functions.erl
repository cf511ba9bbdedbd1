%% SPDX-License-Identifier: Apache-2.0
%% @doc The Erlang side of the conversion tests: terms from their text, and Erlang's view of the
%% terms that Python sends.
-module(conversion_functions).

-export([register/0]).
-export([conversion_echo/1, conversion_term/1, conversion_text/1, conversion_same/1]).
-export([conversion_fail/1, conversion_order/1, conversion_collect/1]).

-define(NAMES, [
    conversion_echo,
    conversion_term,
    conversion_text,
    conversion_same,
    conversion_fail,
    conversion_order,
    conversion_collect
]).

-spec register() -> ok.
register() ->
    lists:foreach(fun(Name) -> ok = py:register_function(Name, ?MODULE, Name) end, ?NAMES),
    ok = py:register_function(echo_text, fun ?MODULE:conversion_echo/1, #{binaries => text}),
    ok = py:register_function(echo_bytes, fun ?MODULE:conversion_echo/1, #{binaries => bytes}).

-spec conversion_echo([Term :: term()]) -> term().
conversion_echo([Term]) ->
    Term.

%% @doc The value of an Erlang expression.
-spec conversion_term([Text :: binary()]) -> term().
conversion_term([Text]) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ "."),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, []),
    Value.

-spec conversion_text([Term :: term()]) -> binary().
conversion_text([Term]) ->
    unicode:characters_to_binary(io_lib:format("~0tp", [Term])).

%% @doc Whether a term from Python equals the value of an expression.
-spec conversion_same([term()]) -> boolean().
conversion_same([Term, Text]) ->
    Term =:= conversion_term([Text]).

-spec conversion_fail([Reason :: term()]) -> no_return().
conversion_fail([Reason]) ->
    error(Reason).

%% @doc The terms of a list in Erlang's order.
-spec conversion_order([Terms :: [term()]]) -> [term()].
conversion_order([Terms]) ->
    lists:sort(Terms).

%% @doc Collects garbage in every process, so that unused binaries are released.
-spec conversion_collect([]) -> ok.
conversion_collect([]) ->
    lists:foreach(fun(Pid) -> erlang:garbage_collect(Pid) end, erlang:processes()).
