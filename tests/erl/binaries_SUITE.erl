%% SPDX-License-Identifier: Apache-2.0
%% What binaries become in Python: a choice of the node, never of the data.
-module(binaries_SUITE).

-include_lib("proper/include/proper.hrl").
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(NOT_TEXT, <<255, 0>>).

all() ->
    cases:of_suite(?MODULE).

init_per_testcase(_Case, Config) ->
    _ = application:load(erlang_python),
    Config.

end_per_testcase(_Case, _Config) ->
    ok = application:stop(erlang_python),
    application:unset_env(erlang_python, binaries).

start(Binaries) ->
    ok = application:set_env(erlang_python, binaries, Binaries),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<
        "def same(value, **named):\n"
        "    return named or value\n"
        "def types(*values, **named):\n"
        "    return [type(v).__name__ for v in (*values, *named, *named.values())]\n"
        "async def types_later(*values, **named):\n"
        "    return types(*values, **named)\n"
        "def by_callback(value):\n"
        "    return type(erlang.call('echo', value)).__name__\n"
    >>),
    ok = py:register_function(echo, fun([Value]) -> Value end).

a_binary_is_text_if_nobody_says_otherwise(_Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ?assertEqual({ok, <<"str">>}, py:eval(<<"type(v).__name__">>, #{v => <<"text">>})),
    {error, {'TypeError', Text}} = py:call(builtins, len, [[0, #{k => ?NOT_TEXT}]]),
    ?assertEqual(
        <<"args[0][1]['k']: the binary <<255,0>> is not UTF-8 text; "
            "use binaries=\"bytes\", or {bytes, Binary} in Erlang">>,
        Text
    ).

text_that_is_not_utf8_is_refused_with_its_place(_Config) ->
    start(text),
    lists:foreach(
        fun({Place, Result}) ->
            {error, {'TypeError', Text}} = Result,
            ?assertEqual(Place, hd(string:split(Text, ": ")))
        end,
        [
            {<<"args[1]">>, py:call('__main__', types, [1, ?NOT_TEXT])},
            {<<"args[0]">>, py:call('__main__', types, [{text, ?NOT_TEXT}])},
            {<<"kwargs['x'][0]">>, py:call('__main__', types, [], #{x => [?NOT_TEXT]})},
            {<<"list(args[0])[0]">>, py:call('__main__', types, [#{?NOT_TEXT => 1}])},
            {<<"list(kwargs)[0]">>, py:call('__main__', types, [], #{?NOT_TEXT => 1})},
            {<<"module">>, py:call(?NOT_TEXT, types, [])},
            {<<"function">>, py:call('__main__', ?NOT_TEXT, [])},
            {<<"locals['v']">>, py:eval(<<"v">>, #{v => ?NOT_TEXT})},
            {<<"code">>, py:eval(?NOT_TEXT)},
            {<<"calls[1][2][0]">>,
                py:async_gather([
                    {'__main__', types, []}, {'__main__', types, [?NOT_TEXT]}
                ])},
            {<<"calls[0][3]['k']">>,
                py:async_gather([{'__main__', types, [], #{k => ?NOT_TEXT}}])}
        ]
    ).

the_choice_of_the_node_is_for_all_values_of_users(_Config) ->
    lists:foreach(
        fun({Binaries, Type}) ->
            start(Binaries),
            Named = {ok, [Type, Type, <<"str">>, Type]},
            Args = [<<"text">>, <<>>],
            Kwargs = #{<<"name">> => <<"value">>},
            ?assertEqual(Named, py:call('__main__', types, Args, Kwargs)),
            ?assertEqual(Named, py:call("__main__", <<"types">>, Args, Kwargs)),
            ?assertEqual(Named, py:async_await(py:async_call('__main__', types_later, Args, Kwargs))),
            ?assertEqual(
                {ok, [[Type], [Type, Type, <<"str">>, Type]]},
                py:async_gather([
                    {'__main__', types, [<<"a">>]}, {'__main__', types_later, Args, Kwargs}
                ])
            ),
            ?assertEqual({ok, [Type]}, py:eval(<<"types(v)">>, #{v => <<"text">>})),
            ?assertEqual({ok, [Type]}, py:stream('__main__', types, [<<"text">>])),
            ?assertEqual({ok, Type}, py:call('__main__', by_callback, [<<"text">>])),
            ?assertEqual(
                {ok, [<<"str">>, <<"bytes">>]},
                py:call('__main__', types, [{text, <<"t">>}, {bytes, <<"t">>}])
            ),
            ok = application:stop(erlang_python)
        end,
        [{text, <<"str">>}, {bytes, <<"bytes">>}]
    ),
    start(text).

a_hosted_loop_is_found_by_text_whatever_the_choice(_Config) ->
    start(bytes),
    {ok, Loop} = py_loop:start_link(#{
        name => of_bytes, loop => asyncio, main => {<<"asyncio">>, "sleep", [60], #{result => 1}}
    }),
    ?assertEqual(
        {ok, [<<"bytes">>]}, py_loop:call(of_bytes, '__main__', types_later, [<<"text">>])
    ),
    ok = py_loop:stop(Loop).

bytes_never_convert(_Config) ->
    start(bytes),
    Property = ?FORALL(Value, conversion_SUITE:value_with(binary()), begin
        {ok, Value} =:= py:call('__main__', same, [Value])
    end),
    ?assertEqual(true, proper:quickcheck(Property, [quiet, long_result, {numtests, 300}])).

the_application_works_with_either_choice(_Config) ->
    start(bytes),
    ?assertMatch({ok, #{}}, py:memory_stats()),
    ?assertMatch({ok, _}, py:gc()),
    ?assertMatch({ok, #{}}, py:venv_info()),
    ?assertEqual({ok, true}, py:eval(<<"hasattr(erlang, 'echo')">>)),
    ?assertEqual(
        {error, {'UndefinedFunction', <<"no: no Erlang function is registered under this name">>}},
        py:eval(<<"erlang.call('no')">>)
    ).
