%% SPDX-License-Identifier: Apache-2.0
%% py:call, eval and exec: values, errors, timeouts.
-module(call_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

a_call_returns_the_value(_Config) ->
    ?assertEqual({ok, 4.0}, py:call(math, sqrt, [16])),
    ?assertEqual({ok, none}, py:call(gc, enable, [])).

names_may_be_atoms_binaries_and_strings(_Config) ->
    [
        ?assertEqual({ok, 8}, py:call(Module, Function, [2, 3]))
     || Module <- [operator, <<"operator">>, "operator"], Function <- [pow, <<"pow">>, "pow"]
    ].

a_function_may_be_a_dotted_path(_Config) ->
    ?assertEqual({ok, <<"a/b">>}, py:call('os.path', join, [<<"a">>, <<"b">>])),
    ?assertEqual({ok, 1}, py:call(collections, 'OrderedDict.__len__', [#{a => 1}])).

keyword_arguments_are_passed_by_name(_Config) ->
    [
        ?assertEqual({ok, <<"[\n 1\n]">>}, py:call(json, dumps, [[1]], #{Name => 1}))
     || Name <- [indent, <<"indent">>, "indent"]
    ],
    ?assertEqual({ok, 255}, py:call(builtins, int, [<<"ff">>], #{base => 16}, 1000)).

keyword_arguments_may_be_a_list(_Config) ->
    ?assertEqual({ok, 255}, py:call(builtins, int, [<<"ff">>], [{base, 16}])),
    %% As in `proplists', an atom is true, and the first value of a name counts.
    ?assertEqual(
        {ok, #{<<"flag">> => true, <<"size">> => 1}},
        py:call(builtins, dict, [], [flag, {size, 1}, {size, 2}])
    ),
    ?assertEqual({ok, 3}, py:eval(<<"x + y">>, [{x, 1}, {<<"y">>, 2}])).

eval_sees_its_locals(_Config) ->
    ?assertEqual({ok, 42}, py:eval(<<"21 * 2">>)),
    ?assertEqual({ok, 42}, py:eval(<<"x * y">>, #{x => 6, <<"y">> => 7})),
    ?assertEqual({ok, 42}, py:eval("x * y", #{"x" => 6, y => 7}, 1000)).

exec_defines_for_every_context(_Config) ->
    ok = py:exec(<<"def call_suite_double(x):\n    return x * 2">>),
    Values = in_processes:values(20, fun(N) -> py:call('__main__', call_suite_double, [N]) end),
    ?assertEqual([{ok, N * 2} || N <- lists:seq(1, 20)], Values).

code_may_be_a_string_with_any_character(_Config) ->
    ?assertEqual({ok, <<"größer ⇒ 🐍"/utf8>>}, py:eval("'größer ⇒ 🐍'")).

an_exception_is_named_with_its_text(_Config) ->
    ?assertEqual({error, {'ValueError', <<"no">>}}, py:exec(<<"raise ValueError('no')">>)),
    %% The expected text comes from this version of Python.
    ok = py:exec(
        <<"import math\ntry:\n    math.sqrt(-1)\nexcept ValueError as error:\n    said = str(error)">>
    ),
    {ok, Said} = py:eval(<<"said">>),
    ?assertEqual({error, {'ValueError', Said}}, py:call(math, sqrt, [-1])),
    ?assertMatch({error, {'SyntaxError', _}}, py:eval(<<"1 +">>)),
    ?assertMatch({error, {'NameError', _}}, py:eval(<<"nowhere_defined">>)).

a_missing_module_or_function_is_an_error(_Config) ->
    ?assertMatch({error, {'ModuleNotFoundError', _}}, py:call(no_such_module, f, [])),
    ?assertMatch({error, {'AttributeError', _}}, py:call(math, no_such_function, [])).

arguments_that_python_can_not_hold_are_an_error(_Config) ->
    {error, {'TypeError', Text}} = py:call(builtins, len, [[1 | 2]]),
    ?assertNotEqual(nomatch, binary:match(Text, <<"[0]">>)).

results_that_erlang_can_not_hold_are_an_error(_Config) ->
    ?assertMatch({error, {'TypeError', _}}, py:eval(<<"object()">>)),
    ?assertMatch({error, {'TypeError', _}}, py:eval(<<"[{'k': len}]">>)),
    ?assertEqual({ok, 1}, py:eval(<<"1">>)).

exceptions_keep_their_name_whatever_they_say(_Config) ->
    ok = py:exec(<<
        "class Unspeakable(Exception):\n"
        "    def __init__(self, does): self.does = does\n"
        "    def __str__(self): return self.does()\n"
        "def fail(error): raise error\n"
    >>),
    ?assertEqual(
        {error, {'ValueError', <<"lone \\ud800 surrogate">>}},
        py:eval(<<"fail(ValueError('lone \\ud800 surrogate'))">>)
    ),
    {ok, Traceback} = py:last_traceback(),
    ?assertNotEqual(nomatch, binary:match(Traceback, <<"ValueError: lone \\ud800 surrogate">>)),
    Silent = <<"<Unspeakable without a text>">>,
    [
        ?assertEqual({error, {'Unspeakable', Silent}}, py:eval(Code))
     || Code <- [
            <<"fail(Unspeakable(lambda: 17))">>,
            <<"fail(Unspeakable(lambda: fail(KeyboardInterrupt())))">>,
            <<"fail(Unspeakable(lambda: fail(SystemExit())))">>
        ]
    ],
    Long = binary:copy(<<"N">>, 300),
    ?assertEqual(
        {error, {Long, <<"x">>}},
        py:eval(<<"fail(type(name, (Exception,), {})('x'))">>, #{name => Long})
    ),
    %% Bytes that are not UTF-8 are not code.
    ?assertMatch(
        {error, {'TypeError', <<"code: the binary <<255>> is not UTF-8", _/binary>>}},
        py:eval(<<255>>)
    ),
    ?assertMatch({error, {'TypeError', _}}, py:exec(<<255>>)).

a_coroutine_is_refused_with_the_way_to_run_it(_Config) ->
    ok = py:exec(<<
        "import warnings\n"
        "warned, shown, filters = [], warnings.showwarning, warnings.filters[:]\n"
        "warnings.showwarning = lambda message, *rest: warned.append(str(message))\n"
        "warnings.simplefilter('always')\n"
        "class Service:\n"
        "    async def run(self):\n"
        "        return 1\n"
        "async def later():\n"
        "    return 1\n"
    >>),
    Hint = <<" is a coroutine function; use py:async_call or py_loop:call">>,
    lists:foreach(
        fun({Name, Result}) ->
            ?assertEqual({error, {'TypeError', <<Name/binary, Hint/binary>>}}, Result)
        end,
        [
            {<<"sleep">>, py:call(asyncio, sleep, [0.01])},
            {<<"later">>, py:call('__main__', later, [])},
            {<<"later">>, py:eval(<<"later()">>)},
            {<<"Service.run">>, py:eval(<<"Service().run()">>)}
        ]
    ),
    ?assertMatch(
        {error, {'TypeError', <<"result[0]: 'coroutine' objects have no Erlang value; await it", _/binary>>}},
        py:eval(<<"[kept := later()]">>)
    ),
    ok = py:exec(<<"import gc\ngc.collect()">>),
    ?assertEqual({ok, []}, py:eval(<<"[text for text in warned if 'sleep' in text or 'run' in text]">>)),
    ok = py:exec(<<"warnings.showwarning, warnings.filters[:] = shown, filters">>).

system_exit_ends_the_request_only(_Config) ->
    ?assertMatch({error, {'SystemExit', _}}, py:exec(<<"raise SystemExit(3)">>)),
    ?assertMatch({error, {'KeyboardInterrupt', _}}, py:exec(<<"raise KeyboardInterrupt">>)),
    ?assertEqual({ok, 1}, py:eval(<<"1">>)).

arguments_of_the_wrong_type_fail(_Config) ->
    ?assertError(badarg, py:call(math, sqrt, 16)),
    ?assertError(badarg, py:call(math, sqrt, [16], [17])),
    ?assertError(badarg, py:call({math}, sqrt, [16])),
    ?assertError(badarg, py:call(math, sqrt, [16], #{1 => 2})),
    ?assertError(badarg, py:eval(42)),
    ?assertError(badarg, py:eval(<<"1">>, [17])),
    ?assertError(badarg, py:exec([foo])).

what_no_process_can_wait_for_is_no_timeout(_Config) ->
    Ref = py:call_async(math, sqrt, [16]),
    lists:foreach(
        fun(Timeout) ->
            ?assertError(badarg, py:call(math, sqrt, [16], #{}, Timeout)),
            ?assertError(badarg, py:eval(<<"1">>, #{}, Timeout)),
            ?assertError(badarg, py:await(Ref, Timeout)),
            ?assertError(badarg, py:context(Timeout)),
            ?assertError(badarg, py_context:with(fun() -> 1 end, Timeout))
        end,
        [-1, 1.5, soon, 16#100000000]
    ),
    ?assertEqual({ok, 4.0}, py:await(Ref, 16#FFFFFFFF)),
    eventually:equal(0, fun() -> maps:get(busy, maps:get(contexts, py:info())) end),
    mailbox:assert_empty().

running_out_of_time_is_an_error_and_stops_the_code(_Config) ->
    ok = py:exec(<<"call_suite_ticks = 0">>),
    Endless = <<"def call_suite_endless():\n"
                "    global call_suite_ticks\n"
                "    while True: call_suite_ticks += 1\n">>,
    ok = py:exec(Endless),
    ?assertEqual({error, timeout}, py:call('__main__', call_suite_endless, [], #{}, 50)),
    %% When the pool has seen the code's end, the counter must stand still.
    eventually:equal(0, fun() -> maps:get(stale, maps:get(contexts, py:info())) end),
    {ok, Ticks} = py:eval(<<"call_suite_ticks">>),
    ?assertEqual({ok, Ticks}, py:eval(<<"call_suite_ticks">>)).

a_timeout_leaves_no_message_behind(_Config) ->
    %% The time-outs are close to the duration of the code, so that both outcomes and their races
    %% occur.
    Sleep = <<"__import__('time').sleep(0.002)">>,
    Results = [py:eval(Sleep, #{}, N rem 5) || N <- lists:seq(1, 300)],
    ?assert(lists:member({error, timeout}, Results)),
    ?assertEqual({ok, 1}, py:eval(<<"1">>)),
    eventually:equal(0, fun() -> maps:get(stale, maps:get(contexts, py:info())) end),
    mailbox:assert_empty().

infinity_is_a_timeout(_Config) ->
    ?assertEqual({ok, 1}, py:eval(<<"1">>, #{}, infinity)).

many_callers_at_once_get_their_own_values(_Config) ->
    Values = in_processes:values(200, fun(N) ->
        [?assertEqual({ok, N * I}, py:call(operator, mul, [N, I])) || I <- lists:seq(1, 20)],
        mailbox:assert_empty()
    end),
    ?assertEqual(lists:duplicate(200, ok), Values).

version_and_info_tell(_Config) ->
    {ok, Version} = py:version(),
    ?assertEqual({ok, Version}, py:call(platform, python_version, [])),
    #{
        calls := _,
        in_flight := 0,
        channels := _,
        histogram := Histogram,
        handlers := Handlers,
        functions := 0,
        contexts := #{total := Total, busy := 0, waiting := 0}
    } = py:info(),
    ?assert(is_list(Histogram)),
    ?assert(is_integer(Handlers)),
    ?assert(Total >= erlang:system_info(schedulers)).
