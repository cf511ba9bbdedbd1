%% SPDX-License-Identifier: Apache-2.0
%% Values of every kind on their way through Python and back, by PropEr.
-module(conversion_SUITE).

-include_lib("proper/include/proper.hrl").
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(RUNS, 500).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<
        "def same(value):\n"
        "    return value\n"
        "def by_callback(value):\n"
        "    return erlang.call('echo', value)\n"
        "def reason_of(value):\n"
        "    try:\n"
        "        erlang.call('fail', value)\n"
        "    except erlang.Error as error:\n"
        "        return error.reason\n"
    >>),
    ok = py:register_function(echo, fun([Value]) -> Value end),
    ok = py:register_function(fail, fun([Value]) -> error(Value) end),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

check(Property) ->
    %% `quickcheck' returns true or the counterexample.
    ?assertEqual(true, proper:quickcheck(Property, [quiet, long_result, {numtests, ?RUNS}])).

%% A map has no two keys that are equal in Python, such as 1, 1.0 and True.
value() ->
    value_with(text()).

%% Binary generates the binaries.
value_with(Binary) ->
    ?SIZED(Size, value(Size, Binary)).

value(0, Binary) ->
    simple(Binary);
value(Size, Binary) ->
    Smaller = value(Size div 3, Binary),
    frequency([
        {4, simple(Binary)},
        {1, list(Smaller)},
        {1, ?LET(Values, list(Smaller), list_to_tuple(Values))},
        {1, ?LET(Pairs, list({key(), Smaller}), maps:from_list(Pairs))}
    ]).

simple(Binary) ->
    oneof([
        integer(),
        big_integer(),
        float(),
        boolean(),
        none,
        plain_atom(),
        Binary,
        <<>>,
        [],
        {}
    ]).

key() ->
    oneof([integer(2, inf), text(), tagged_atom(), {integer(2, inf), text()}]).

big_integer() ->
    ?LET({Bits, Offset, Sign}, {range(60, 5000), range(-2, 2), oneof([1, -1])},
        Sign * ((1 bsl Bits) + Offset)).

%% No atom that stands for None, a boolean, NaN or an infinity.
plain_atom() ->
    oneof([ok, error, '', 'Hello World', 'größe', foo@bar, erlang:list_to_atom("\x{1F40D}")]).

%% An atom and a binary of the same text are the same key in Python.
tagged_atom() ->
    oneof([key_one, key_two, 'key three']).

text() ->
    ?LET(Text, list(oneof([range($\s, $~), range(0, 16#d7ff), range(16#e000, 16#10ffff)])),
        case unicode:characters_to_binary(Text) of
            Binary when is_binary(Binary) -> Binary
        end).

any_value_comes_back_as_it_was(_Config) ->
    check(?FORALL(Value, value(), {ok, Value} =:= py:call('__main__', same, [Value]))).

integers_at_every_edge_come_back(_Config) ->
    Integers = [
        Sign * ((1 bsl Bits) + Offset)
     || Bits <- lists:seq(0, 200) ++ lists:seq(256, 5000, 8),
        Offset <- [-1, 0, 1],
        Sign <- [1, -1]
    ],
    ?assertEqual({ok, Integers}, py:call('__main__', same, [Integers])).

binaries_of_every_size_come_back(_Config) ->
    lists:foreach(
        fun(Size) ->
            Text = binary:copy(<<"x">>, Size),
            ?assertEqual({ok, Text}, py:call('__main__', same, [Text])),
            Bytes = binary:copy(<<255>>, Size),
            ?assertEqual({ok, Bytes}, py:call('__main__', same, [{bytes, Bytes}])),
            %% A binary that is a part of another binary.
            <<_, Part/binary>> = binary:copy(<<254>>, Size + 1),
            ?assertEqual({ok, Part}, py:call('__main__', same, [{bytes, Part}]))
        end,
        [0, 1, 63, 64, 65, 4095, 4096, 65535, 65536, 5000000]
    ).

the_three_names_of_none_become_one(_Config) ->
    ?assertEqual({ok, [none, none, none]}, py:call('__main__', same, [[none, nil, undefined]])),
    ?assertEqual(
        {ok, [true, true, true]},
        py:eval(<<"[x is None for x in v]">>, #{v => [none, nil, undefined]})
    ).

bytes_come_back_as_binaries(_Config) ->
    check(
        ?FORALL(Binary, binary(), begin
            {ok, {<<"bytes">>, Binary}} =:=
                py:eval(<<"(type(v).__name__, v)">>, #{v => {bytes, Binary}})
        end)
    ).

text_comes_back_as_a_binary(_Config) ->
    check(
        ?FORALL(Text, text(), begin
            {ok, {<<"str">>, Text}} =:=
                py:eval(<<"(type(v).__name__, v)">>, #{v => {text, Text}})
        end)
    ).

opaque_terms_are_the_same_again(_Config) ->
    Port = hd(erlang:ports()),
    Fun = fun(X) -> X + 1 end,
    Terms = [self(), make_ref(), Port, Fun, fun lists:map/2],
    ?assertEqual({ok, Terms}, py:call('__main__', same, [Terms])),
    {ok, [_, _, _, Same, _]} = py:call('__main__', same, [Terms]),
    ?assertEqual(2, Same(1)).

numbers_mean_the_same_on_both_sides(_Config) ->
    check(
        ?FORALL({A, B}, {oneof([integer(), big_integer()]), oneof([integer(), big_integer()])},
            {ok, A * B} =:= py:call(operator, mul, [A, B]) andalso
                {ok, integer_to_binary(A)} =:= py:call(builtins, str, [A]))
    ),
    check(
        ?FORALL(F, float(), begin
            {ok, true} =:= py:eval(<<"float(t) == f">>, #{f => F, t => float_to_binary(F)})
        end)
    ).

a_callback_gets_and_returns_any_value(_Config) ->
    check(?FORALL(Value, value(), {ok, Value} =:= py:call('__main__', by_callback, [Value]))).

a_failure_may_have_any_reason(_Config) ->
    check(?FORALL(Value, value(), {ok, Value} =:= py:call('__main__', reason_of, [Value]))).

what_has_no_python_value_is_refused(_Config) ->
    Bad = [[1 | 2], <<1:1>>, #{[] => 1}, #{#{} => 1}],
    check(
        ?FORALL({Term, Depth}, {oneof(Bad), range(0, 5)}, begin
            Nested = lists:foldl(fun(_, Inner) -> [{Inner}] end, Term, lists:seq(1, Depth)),
            case py:call('__main__', same, [Nested]) of
                {error, {'TypeError', _}} -> true;
                _ -> false
            end
        end)
    ).
