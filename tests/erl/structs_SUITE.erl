%% SPDX-License-Identifier: Apache-2.0
%% Structs on their way to Python in a node without Elixir, functions for structs, and None as nil.
%% The tests of Elixir have the rest.
-module(structs_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(ISO, 'Elixir.Calendar.ISO').

all() ->
    cases:of_suite(?MODULE).

end_per_testcase(_Case, _Config) ->
    ok = application:stop(erlang_python),
    application:unset_env(erlang_python, none).

start(None) ->
    _ = application:load(erlang_python),
    ok = application:set_env(erlang_python, none, None),
    {ok, _} = application:ensure_all_started(erlang_python).

structs_with_a_python_twin_become_it(_Config) ->
    start(none),
    Day = #{'__struct__' => 'Elixir.Date', calendar => ?ISO, year => 2024, month => 2, day => 29},
    ?assertEqual({ok, <<"2024-02-29">>}, py:eval(<<"v">>, #{v => Day})),
    ?assertEqual({ok, 60}, py:eval(<<"v[0].timetuple().tm_yday">>, #{v => [Day]})),
    Range = #{'__struct__' => 'Elixir.Range', first => 1, last => 7, step => 3},
    ?assertEqual({ok, [1, 4, 7]}, py:eval(<<"list(v)">>, #{v => Range})),
    Set = #{'__struct__' => 'Elixir.MapSet', map => #{one => [], 2 => []}},
    ?assertEqual({ok, {2, true}}, py:eval(<<"len(v), v == {'one', 2}">>, #{v => Set})).

a_struct_that_python_can_not_hold_is_refused_with_its_place(_Config) ->
    start(none),
    Day = #{'__struct__' => 'Elixir.Date', calendar => ?ISO, year => 99999, month => 1, day => 1},
    {error, {'ValueError', Text}} = py:eval(<<"v">>, #{v => [Day]}),
    ?assertNotEqual(nomatch, binary:match(Text, <<"99999">>)),
    {ok, Traceback} = py:last_traceback(),
    ?assertNotEqual(
        nomatch, binary:match(Traceback, <<"while converting locals['v'][0] to a Python value">>)
    ),
    ?assertEqual(
        {error,
            {'ValueError', <<"the fields of the struct Elixir.Date are no value: KeyError('day')">>}},
        py:eval(<<"v">>, #{v => maps:remove(day, Day)})
    ).

other_structs_are_dicts_and_come_back(_Config) ->
    start(none),
    User = #{'__struct__' => 'Elixir.User', name => <<"Joe">>},
    ?assertEqual({ok, <<"Joe">>}, py:eval(<<"v['name']">>, #{v => User})),
    ?assertEqual({ok, User}, py:eval(<<"v">>, #{v => User})),
    %% The name of a struct is an atom, but any map may have the key.
    Odd = #{'__struct__' => [1, 2]},
    ?assertEqual({ok, Odd}, py:eval(<<"v">>, #{v => Odd})).

an_adapter_replaces_its_structs_everywhere(_Config) ->
    start(none),
    Money = fun(Amount) -> #{'__struct__' => 'Elixir.Money', amount => Amount} end,
    ok = py_adapter:register('Elixir.Money', fun(#{amount := Amount}) -> {money, Amount} end),
    ?assertEqual(['Elixir.Money'], py_adapter:registered()),
    Deep = [#{Money(1) => {Money(2), [Money(3) | []]}}],
    ?assertEqual(
        {ok, [#{{money, 1} => {{money, 2}, [{money, 3}]}}]}, py:eval(<<"v">>, #{v => Deep})
    ),
    ?assertEqual({ok, {money, 4}}, py:call(operator, getitem, [[Money(4)], 0])),
    ?assertEqual(
        {ok, {money, 5}}, py:async_await(py:async_call(asyncio, sleep, [0, Money(5)]))
    ),
    ok = py:register_function(price, fun([]) -> #{price => Money(6)} end),
    ?assertEqual({ok, {money, 6}}, py:eval(<<"erlang.call('price')['price']">>)),
    ok = py_adapter:unregister('Elixir.Money'),
    ?assertEqual({ok, Money(7)}, py:eval(<<"v">>, #{v => Money(7)})).

a_function_may_return_its_own_struct(_Config) ->
    start(none),
    ok = py_adapter:register('Elixir.User', fun(User) -> maps:remove(password, User) end),
    User = #{'__struct__' => 'Elixir.User', name => <<"Joe">>},
    ?assertEqual({ok, User}, py:eval(<<"v">>, #{v => User#{password => <<"x">>}})).

a_function_that_fails_fails_the_call(_Config) ->
    start(none),
    ok = py_adapter:register('Elixir.User', fun(_) -> error(no_user) end),
    User = #{'__struct__' => 'Elixir.User'},
    ?assertError(no_user, py:call(builtins, len, [User])),
    ok = py:register_function(user, fun([]) -> User end),
    ?assertMatch(
        {error, {'Error', <<"user: error: no_user">>}}, py:eval(<<"erlang.call('user')">>)
    ).

functions_end_with_the_application(_Config) ->
    start(none),
    ok = py_adapter:register('Elixir.User', fun(_) -> user end),
    ok = application:stop(erlang_python),
    User = #{'__struct__' => 'Elixir.User'},
    ?assertEqual({error, not_running}, py:call(builtins, len, [User])),
    ?assertEqual({error, not_running}, py_adapter:register('Elixir.User', fun(_) -> user end)),
    ?assertEqual({error, not_running}, py_adapter:unregister('Elixir.User')),
    start(none),
    ?assertEqual([], py_adapter:registered()),
    ?assertEqual({ok, 1}, py:call(builtins, len, [User])).

improper_lists_pass_by_the_functions(_Config) ->
    start(none),
    ok = py_adapter:register('Elixir.User', fun(_) -> user end),
    ?assertMatch({error, {'TypeError', _}}, py:call(builtins, len, [[1 | 2]])).

none_is_spelt_as_configured(_Config) ->
    start(nil),
    ?assertEqual({ok, nil}, py:eval(<<"None">>)),
    ?assertEqual({ok, #{nil => [nil]}}, py:eval(<<"{None: [None]}">>)),
    [?assertEqual({ok, true}, py:eval(<<"v is None">>, #{v => V})) || V <- [nil, none, undefined]],
    application:stop(erlang_python),
    start(none),
    ?assertEqual({ok, none}, py:eval(<<"None">>)).

%% The application's own requests answer with None, too.
nothing_else_depends_on_the_spelling(Config) ->
    start(nil),
    ?assertEqual(ok, py:exec(<<"pass">>)),
    ?assertEqual({ok, [1, 2]}, py:stream(builtins, iter, [[1, 2]])),
    ?assertEqual({ok, lists:seq(0, 999)}, py:stream_eval(<<"range(1000)">>)),
    ?assertEqual(ok, py:deactivate_venv()),
    Folder = filename:join(proplists:get_value(priv_dir, Config), "no_venv"),
    ?assertMatch({error, {invalid_venv, _}}, py:activate_venv(Folder)),
    ?assertMatch({ok, #{}}, py:venv_info()),
    ?assertMatch(
        {ok, [nil, 1]}, py:async_gather([{asyncio, sleep, [0]}, {asyncio, sleep, [0, 1]}])
    ),
    ?assertEqual(ok, py_context:with(fun() -> py:exec(<<"x = 1">>) end)).

pythons_output_is_logged_with_any_spelling(_Config) ->
    _ = application:load(erlang_python),
    ok = application:set_env(erlang_python, python_logging, logger),
    start(nil),
    ok = log_probe:start(),
    try
        ok = py:exec(<<"print('as nil')">>),
        ?assertMatch({notice, _}, log_probe:expect(<<"stdout">>, <<"as nil">>))
    after
        log_probe:stop(),
        application:unset_env(erlang_python, python_logging)
    end.
