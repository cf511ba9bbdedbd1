%% SPDX-License-Identifier: Apache-2.0
%% The registry of Erlang functions, and Python's view of the registry.
-module(registry_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).
%% A function that the suite registers.
-export([sum/1, pair/2]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()).

sum(Numbers) ->
    lists:sum(Numbers).

pair(One, Other) ->
    {One, Other}.

a_fun_gets_the_list_of_arguments(_Config) ->
    ok = py:register_function(arguments, fun(Args) -> {length(Args), Args} end),
    ?assertEqual({ok, {0, []}}, py:eval(<<"erlang.call('arguments')">>)),
    ?assertEqual(
        {ok, {3, [1, <<"two">>, [3.0]]}}, py:eval(<<"erlang.call('arguments', 1, 'two', [3.0])">>)
    ).

a_module_and_function_get_the_list_of_arguments(_Config) ->
    ok = py:register_function(sum, ?MODULE, sum),
    ?assertEqual({ok, 6}, py:eval(<<"erlang.call('sum', 1, 2, 3)">>)).

a_fun_of_another_arity_gets_the_arguments(_Config) ->
    ok = py:register_function(none, fun() -> here end),
    ok = py:register_function(pair, fun pair/2),
    ?assertEqual({ok, here}, py:eval(<<"erlang.call('none')">>)),
    ?assertEqual({ok, {1, 2}}, py:eval(<<"erlang.call('pair', 1, 2)">>)).

the_option_apply_chooses(_Config) ->
    ok = py:register_function(same, fun(X) -> X end, #{apply => true}),
    ok = py:register_function(pair, ?MODULE, pair, [apply]),
    ok = py:register_function(sum, ?MODULE, sum, #{apply => false}),
    ok = py:register_function(list, fun(X) -> X end, [{apply, false}]),
    ?assertEqual({ok, 7}, py:eval(<<"erlang.call('same', 7)">>)),
    ?assertEqual({ok, {1, 2}}, py:eval(<<"erlang.call('pair', 1, 2)">>)),
    ?assertEqual({ok, 3}, py:eval(<<"erlang.call('sum', 1, 2)">>)),
    ?assertEqual({ok, [7]}, py:eval(<<"erlang.call('list', 7)">>)),
    ?assertEqual(
        {error, {bad_option, apply, false, not_a_fun_of_one_argument}},
        py:register_function(pair, fun pair/2, #{apply => false})
    ),
    ?assertEqual(
        {error, {bad_option, apply, yes, {not_one_of, [true, false]}}},
        py:register_function(pair, fun pair/2, #{apply => yes})
    ).

options_of_a_list_are_those_of_a_map(_Config) ->
    ok = py:register_function(sum, ?MODULE, sum, [{concurrency, 1}, {concurrency, 0}]),
    ?assertEqual({ok, 3}, py:eval(<<"erlang.call('sum', 1, 2)">>)),
    ?assertEqual(
        {error, {bad_option, concurrency, 0, {not_one_of, ['pos_integer()', infinity]}}},
        py:register_function(sum, ?MODULE, sum, [{concurrency, 0}])
    ).

%% The text says how the function was called, so that a user sees what to mend.
a_function_that_does_not_take_the_arguments_is_explained(_Config) ->
    ok = py:register_function(missing, ?MODULE, pair),
    says(<<"erlang.call('missing', 1, 2)">>, [
        "missing: error: undef; there is no function registry_SUITE:pair/1; it gets one list",
        "with the option apply => true, registry_SUITE:pair/2 gets 2 arguments"
    ]),
    ok = py:register_function(missing, ?MODULE, pair, #{apply => true}),
    says(<<"erlang.call('missing', 1)">>, [
        "missing: error: undef; there is no function registry_SUITE:pair/1"
    ]),
    ok = py:register_function(one, fun([X]) -> X end),
    says(<<"erlang.call('one')">>, [
        "one: error: function_clause; no clause of the fun takes what it got",
        "one list, here of 0 arguments"
    ]),
    ok = py:register_function(pair, fun pair/2),
    says(<<"erlang.call('pair', 1)">>, ["; the fun takes 2 arguments, the call has 1"]),
    ok = py:register_function(sum, ?MODULE, sum, #{apply => true}),
    says(<<"erlang.call('sum', 1)">>, ["function_clause; no clause of lists:sum"]).

says(Code, Parts) ->
    {error, {'Error', Text}} = py:eval(Code),
    [?assertNotEqual(nomatch, binary:match(Text, list_to_binary(Part)), Text) || Part <- Parts].

atom_binary_and_string_name_the_same_function(_Config) ->
    ok = py:register_function(one, fun(_) -> 1 end),
    ok = py:register_function(<<"one">>, fun(_) -> 2 end),
    ok = py:register_function("one", fun(_) -> 3 end),
    ?assertEqual([<<"one">>], py:registered()),
    ?assertEqual({ok, 3}, py:eval(<<"erlang.call('one')">>)),
    ok = py:unregister_function("one"),
    ?assertEqual([], py:registered()).

registering_again_replaces(_Config) ->
    ok = py:register_function(value, fun(_) -> old end),
    ?assertEqual({ok, old}, py:eval(<<"erlang.call('value')">>)),
    ok = py:register_function(value, fun(_) -> new end),
    ?assertEqual({ok, new}, py:eval(<<"erlang.call('value')">>)).

an_unregistered_function_is_unknown(_Config) ->
    ok = py:register_function(gone, fun(_) -> ok end),
    ok = py:unregister_function(<<"gone">>),
    ?assertMatch(
        {error, {'UndefinedFunction', _}}, py:eval(<<"erlang.call('gone')">>)
    ).

unregistering_what_is_not_there_is_fine(_Config) ->
    ?assertEqual(ok, py:unregister_function(never_was)).

names_are_listed_sorted_and_as_binaries(_Config) ->
    [ok = py:register_function(Name, fun(_) -> ok end) || Name <- [c, <<"a">>, b]],
    ?assertEqual([<<"a">>, <<"b">>, <<"c">>], py:registered()).

names_may_be_any_text(_Config) ->
    Names = [<<"a b">>, <<"größe"/utf8>>, <<"">>, binary:copy(<<"n">>, 300)],
    lists:foreach(
        fun(Name) ->
            ok = py:register_function(Name, fun([X]) -> {Name, X} end),
            ?assertEqual({ok, {Name, 1}}, py:eval(<<"erlang.call(name, 1)">>, #{name => Name}))
        end,
        Names
    ).

bad_arguments_are_refused(_Config) ->
    ?assertError(badarg, py:register_function(17, fun(_) -> ok end)),
    ?assertError(badarg, py:register_function(name, not_a_fun)),
    ?assertError(badarg, py:register_function(name, fun(_) -> ok end, [17])),
    ?assertError(badarg, py:register_function(name, ?MODULE, <<"sum">>)),
    ?assertError(badarg, py:unregister_function({name})),
    ?assertEqual([], py:registered()).

unknown_options_are_refused(_Config) ->
    ?assertEqual(ok, py:register_function(name, fun(_) -> ok end, #{})),
    ?assertEqual(
        {error, {bad_option, colour, red, unknown_option}},
        py:register_function(name, fun(_) -> ok end, #{colour => red})
    ),
    ?assertEqual(
        {error, {bad_option, binaries, str, {not_one_of, [text, bytes]}}},
        py:register_function(name, fun(_) -> ok end, #{binaries => str})
    ).

a_crash_of_the_registry_loses_nothing(_Config) ->
    ok = py:register_function(stays, fun(_) -> here end),
    death:kill(py_function_registry),
    %% Calls don't need the process.
    ?assertEqual({ok, here}, py:eval(<<"erlang.call('stays')">>)),
    eventually:true(fun() -> is_pid(whereis(py_function_registry)) end),
    ok = py:register_function(comes, fun(_) -> too end),
    ?assertEqual([<<"comes">>, <<"stays">>], py:registered()).

python_finds_registered_functions_as_attributes(_Config) ->
    ok = py:register_function(double_it, fun([X]) -> X * 2 end),
    ?assertEqual({ok, 42}, py:eval(<<"erlang.double_it(21)">>)),
    ok = py:exec(<<"from erlang import double_it as imported_double_it">>),
    ?assertEqual({ok, 42}, py:eval(<<"imported_double_it(21)">>)),
    ?assertEqual({ok, false}, py:eval(<<"hasattr(erlang, 'not_registered_anywhere')">>)),
    ?assertMatch({error, {'ImportError', _}}, py:exec(<<"from erlang import no_such_thing">>)).

%% The table of functions ends with the supervisor, perhaps before the process that answers.
a_question_while_the_application_dies_is_no_answer(_Config) ->
    {ok, IsRegistered, unlimited, text} = py_function_registry:lookup(<<"$is_registered">>),
    ok = application:stop(erlang_python),
    Answer = py_function_target:run(IsRegistered, [<<"name">>]),
    ok = application:start(erlang_python),
    ?assertEqual(not_running, Answer),
    ok = py:register_function('$is_registered', fun([_]) -> Answer end),
    ?assertMatch(
        {error, {'Disconnected', <<"name: the application erlang_python is not running">>}},
        py:eval(<<"erlang.name">>)
    ),
    %% The name of a module of the package, which is always imported.
    ?assertEqual({ok, false}, py:eval(<<"hasattr(erlang, '_name')">>)).

a_closure_keeps_what_it_holds(_Config) ->
    Big = binary:copy(<<"x">>, 100000),
    Pid = self(),
    ok = py:register_function(holds, fun(_) -> {byte_size(Big), Pid =:= Pid} end),
    ?assertEqual({ok, {100000, true}}, py:eval(<<"erlang.call('holds')">>)).
