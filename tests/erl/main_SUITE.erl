%% SPDX-License-Identifier: Apache-2.0
%% erlpy_main: a node whose main program is Python, started in the same way as by the launcher.
-module(main_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

the_command_line_is_taken_apart(_Config) ->
    ?assertEqual({of_the_build, [], []}, erlpy_main:parse([])),
    ?assertEqual({of_the_build, [], ["-c", "pass"]}, erlpy_main:parse(["--", "-c", "pass"])),
    ?assertEqual(
        {of_the_build, ["a", "b"], ["--", "--erl"]},
        erlpy_main:parse(["--erl", "a", "--erl", "b", "--", "--", "--erl"])
    ),
    ?assertEqual(
        {{chosen, "p"}, ["a"], ["--python"]},
        erlpy_main:parse(["--python", "p", "--erl", "a", "--", "--python"])
    ),
    ?assertEqual({{default, "v"}, [], []}, erlpy_main:parse(["--default-python", "v", "--"])).

the_exit_code_is_pythons(_Config) ->
    ?assertEqual({0, <<>>}, erlpy(["-c", "pass"])),
    ?assertEqual({7, <<>>}, erlpy(["-c", "import sys; sys.exit(7)"])),
    ?assertEqual({1, <<"bye\n">>}, erlpy(["-c", "raise SystemExit('bye')"])),
    ?assertEqual({255, <<>>}, erlpy(["-c", "raise SystemExit(-1)"])).

arguments_are_passed_as_they_are(_Config) ->
    ?assertEqual(
        {0, <<"['-c', 'a b', '', '--erl', '-x', 'größe']\n"/utf8>>},
        erlpy(["-c", "import sys; print(sys.argv)", "a b", "", "--erl", "-x", "größe"])
    ).

an_uncaught_exception_is_shown_and_the_code_is_one(_Config) ->
    {1, Output} = erlpy(["-c", "1/0"]),
    ?assertMatch({0, _}, binary:match(Output, <<"Traceback">>)),
    ?assertNotEqual(nomatch, binary:match(Output, <<"ZeroDivisionError: division by zero\n">>)).

expressions_are_evaluated_first_and_in_order(_Config) ->
    ?assertEqual(
        {0, <<"42\n">>},
        erlpy(
            ["F = fun([X]) -> X * 2 end", "py:register_function(double_it, F)"],
            ["-c", "import erlang; print(erlang.double_it(21))"]
        )
    ).

an_expression_that_fails_is_said_and_python_does_not_run(_Config) ->
    [
        begin
            {Code, Output} = erlpy([Expression], ["-c", "print('python ran')"]),
            ?assertEqual({Expression, 1}, {Expression, Code}),
            ?assertMatch({0, _}, binary:match(Output, <<"erlpy: --erl ">>)),
            ?assertEqual(nomatch, binary:match(Output, <<"python ran">>))
        end
     || Expression <- ["1 +", "\"open", "error(oops)", "no_such:function()", "Unbound"]
    ].

python_may_only_want_to_tell_its_version(_Config) ->
    {0, Output} = erlpy(["--version"]),
    ?assertMatch({0, _}, binary:match(Output, <<"Python 3.">>)).

wrong_options_of_python_have_its_own_code(_Config) ->
    {2, Output} = erlpy(["--no-such-option"]),
    ?assertNotEqual(nomatch, binary:match(Output, <<"no-such-option">>)).

a_bad_configuration_is_said(_Config) ->
    {1, Output} = node_with(["-erlang_python", "spin_us", "often"], [], ["-c", "pass"]),
    ?assertMatch({0, _}, binary:match(Output, <<"erlpy: can't start: ">>)),
    ?assertNotEqual(nomatch, binary:match(Output, <<"spin_us">>)).

exit_functions_run_and_output_is_flushed(_Config) ->
    Program =
        "import atexit, sys\n"
        "atexit.register(lambda: print('at exit'))\n"
        "sys.stdout.write('no newline, ')\n",
    ?assertEqual({0, <<"no newline, at exit\n">>}, erlpy(["-c", Program])).

nothing_else_is_printed(_Config) ->
    Program = "import erlang; print(erlang.call('one'))",
    ?assertEqual(
        {0, <<"1\n">>}, erlpy(["py:register_function(one, fun(_) -> 1 end)"], ["-c", Program])
    ).

a_hosted_loop_is_stopped_gracefully(_Config) ->
    Start =
        "py:register_function(start, fun(_) ->"
        "    spawn(fun() ->"
        "        {ok, _} = py_loop:start_link(#{main => {'__main__', forever, [], #{}}}),"
        "        timer:sleep(infinity)"
        "    end)"
        "end)",
    Program =
        "import asyncio, threading, erlang\n"
        "running = threading.Event()\n"
        "async def forever():\n"
        "    running.set()\n"
        "    try:\n"
        "        await asyncio.sleep(3600)\n"
        "    finally:\n"
        "        print('stopped gracefully', flush=True)\n"
        "erlang.call('start')\n"
        "running.wait()\n",
    ?assertEqual({0, <<"stopped gracefully\n">>}, erlpy([Start], ["-c", Program])).

halting_amid_calls_does_not_hang(_Config) ->
    Program =
        "import erlang, threading, os\n"
        "for _ in range(20):\n"
        "    threading.Thread(target=erlang.call, args=('hang',), daemon=True).start()\n"
        "while erlang.stats()['in_flight'] < 20: pass\n",
    {0, _} = erlpy(
        ["py:register_function(hang, fun(_) -> receive never -> ok end end)"], ["-c", Program]
    ).

erlpy(PythonArguments) ->
    erlpy([], PythonArguments).

erlpy(Expressions, PythonArguments) ->
    node_with([], Expressions, PythonArguments).

node_with(NodeArguments, Expressions, PythonArguments) ->
    Evaluated = lists:append([["--erl", Expression] || Expression <- Expressions]),
    os_node:run(
        NodeArguments ++ ["-eval", "erlpy_main:start()", "-extra" | Evaluated] ++
            ["--" | PythonArguments]
    ).
