%% SPDX-License-Identifier: Apache-2.0
%% Python's output, logging and warnings as events of Erlang's logger.
-module(logging_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_logging:configure(Config).

end_per_suite(Config) ->
    python_logging:restore(Config).

init_per_testcase(_Case, Config) ->
    python_logging:start(source(), Config).

end_per_testcase(_Case, _Config) ->
    python_logging:stop().

source() ->
    <<"import asyncio, logging, os, subprocess, sys, threading, time, warnings\n"
      "log = logging.getLogger('shop.cart')\n"
      "\n"
      "def in_thread(work, name=None):\n"
      "    t = threading.Thread(target=work, name=name)\n"
      "    t.start()\n"
      "    t.join()\n"
      "\n"
      "def descend(n):\n"
      "    print('down', n)\n"
      "    if n: erlang.call('descend', n - 1)\n"
      "    log.warning('up %d', n)\n"
      "\n"
      "class Asks:\n"
      "    def __str__(self): return erlang.call('ask_elsewhere')\n"
      "\n"
      "async def in_loop():\n"
      "    print('before')\n"
      "    await asyncio.sleep(0)\n"
      "    print('after')\n">>.

a_print_is_one_event(_Config) ->
    Before = erlang:system_time(microsecond),
    ok = py:exec(<<"in_thread(lambda: print('one', 2, [3]), 'printer')">>),
    {notice, Meta} = log_probe:expect(<<"stdout">>, <<"one 2 [3]">>),
    #{domain := [python], py_thread := <<"printer">>, time := Time} = Meta,
    ?assert(Time >= Before),
    ?assert(Time =< erlang:system_time(microsecond)),
    ok = py:exec(<<"print('to', 'stderr', file=sys.stderr)">>),
    {warning, _} = log_probe:expect(<<"stderr">>, <<"to stderr">>).

contexts_and_loops_have_names(_Config) ->
    ok = py:exec(<<"print('in a context')">>),
    {notice, #{py_thread := <<"py-context-", _/binary>>}} =
        log_probe:expect(<<"stdout">>, <<"in a context">>),
    ok = py:exec(<<"logging.getLogger('shop').error('a record')">>),
    {error, #{py_thread := <<"py-context-", _/binary>>}} =
        log_probe:expect(<<"shop">>, <<"a record">>),
    ok = py:exec(<<"async def say(): print('in a loop')">>),
    {ok, none} = py:async_await(py:async_call('__main__', say, [])),
    {notice, #{py_thread := <<"py-loop-", _/binary>>}} =
        log_probe:expect(<<"stdout">>, <<"in a loop">>).

pieces_of_a_line_are_put_together(_Config) ->
    ok = py:exec(<<
        "def work():\n"
        "    for piece in ('a', 'b\\n', 'c\\r\\n\\nd', 'e\\rf', '\\r\\n', '10%\\r20%'):\n"
        "        sys.stdout.write(piece)\n"
        "    sys.stdout.flush()\n"
        "    sys.stdout.flush()\n"
        "    sys.stdout.writelines(['g', 'h\\n', 'end of thread'])\n"
        "in_thread(work)\n"
        "print('done')"
    >>),
    _ = log_probe:expect(<<"stdout">>, <<"ab">>),
    _ = log_probe:expect(<<"stdout">>, <<"done">>),
    ?assertEqual(
        [<<"c">>, <<>>, <<"de">>, <<"f">>, <<"10%">>, <<"20%">>, <<"gh">>, <<"end of thread">>],
        log_probe:texts(<<"stdout">>)
    ).

threads_do_not_mix_their_lines(_Config) ->
    ok = py:exec(<<
        "def work(n):\n"
        "    for _ in range(50):\n"
        "        for _ in range(10):\n"
        "            sys.stdout.write(str(n))\n"
        "            time.sleep(0)\n"
        "        sys.stdout.write('\\n')\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]\n"
        "[t.start() for t in threads]\n"
        "[t.join() for t in threads]"
    >>),
    ok = py_logger:flush(10000),
    Lines = log_probe:texts(<<"stdout">>),
    Numbers = [integer_to_binary(N) || N <- lists:seq(0, 7), _ <- lists:seq(1, 50)],
    Expected = [binary:copy(Number, 10) || Number <- Numbers],
    ?assertEqual(Expected, lists:sort(Lines)).

text_of_any_kind_arrives(_Config) ->
    ok = py:exec(<<"print('na\\u00efve \\u2603 \\U0001f600 \\0 end')">>),
    _ = log_probe:expect(<<"stdout">>, <<"naïve ☃ 😀 \0 end"/utf8>>),
    ok = py:exec(<<"print('a\\udc80b'); log.warning('c\\udc80')">>),
    _ = log_probe:expect(<<"stdout">>, <<"a\\udc80b">>),
    _ = log_probe:expect(<<"shop.cart">>, <<"c\\udc80">>),
    ok = py:exec(<<
        "for n in '\\u2603!\\n'.encode() + b'\\xff\\n':\n"
        "    sys.stdout.buffer.write(bytes([n]))"
    >>),
    _ = log_probe:expect(<<"stdout">>, <<"☃!"/utf8>>),
    _ = log_probe:expect(<<"stdout">>, <<"\\xff">>),
    ok = py:exec(<<"print('x' * 3_000_000)">>),
    _ = log_probe:expect(<<"stdout">>, binary:copy(<<"x">>, 3000000)).

a_log_record_keeps_what_is_known_of_it(_Config) ->
    Before = erlang:system_time(microsecond),
    Source = <<
        "def buy():\n"
        "    log.error('sold %s\\nto %s', 'one', 'me')\n"
        "try:\n"
        "    in_thread(buy, 'till')\n"
        "    1 / 0\n"
        "except ZeroDivisionError:\n"
        "    log.exception('oh')"
    >>,
    {ok, _} = py:eval(
        <<"exec(compile(source, '/shop/cart.py', 'exec'), globals())">>, #{source => Source}
    ),
    {error, Meta} = log_probe:expect(<<"shop.cart">>, <<"sold one\nto me">>),
    #{
        py_thread := <<"till">>,
        py_level := 40,
        py_function := <<"buy">>,
        file := "/shop/cart.py",
        line := 2,
        time := Time
    } = Meta,
    %% Python keeps the time as a float, which is exact to about a microsecond.
    ?assert(Time >= Before - 1000),
    receive
        {log_probe, #{msg := {string, <<"oh\nTraceback", Rest/binary>>}}} ->
            ?assertNotEqual(nomatch, binary:match(Rest, <<"ZeroDivisionError">>))
    after 10000 -> error(no_exception)
    end.

levels_follow_their_numbers(_Config) ->
    Levels = [
        {20, info}, {24, info}, {25, notice}, {30, warning}, {35, warning}, {40, error},
        {50, critical}, {60, alert}, {70, emergency}, {1000, emergency}
    ],
    lists:foreach(
        fun({Number, Level}) ->
            {ok, _} = py:eval(<<"log.log(n, 'at %d', n)">>, #{n => Number}),
            {Seen, #{py_level := Number}} =
                log_probe:expect(<<"shop.cart">>, <<"at ", (integer_to_binary(Number))/binary>>),
            ?assertEqual({Number, Level}, {Number, Seen})
        end,
        Levels
    ),
    ?assertEqual([debug, debug, debug], [py_logger:level(N) || N <- [-1, 10, 19]]).

what_erlang_would_not_log_is_not_made(_Config) ->
    ?assertEqual({ok, false}, py:eval(<<"log.isEnabledFor(10)">>)),
    ?assertEqual({ok, true}, py:eval(<<"log.isEnabledFor(20)">>)),
    ok = application:stop(erlang_python),
    ok = logger:set_primary_config(level, error),
    try
        {ok, _} = application:ensure_all_started(erlang_python),
        ?assertEqual({ok, false}, py:eval(<<"log.isEnabledFor(30)">>))
    after
        logger:set_primary_config(level, info)
    end.

warnings_are_logged(_Config) ->
    ok = py:exec(<<
        "warnings.simplefilter('always')\n"
        "warnings.warn('old idea', DeprecationWarning)"
    >>),
    receive
        {log_probe, #{level := warning, msg := {string, Text}, meta := Meta}} ->
            #{py_logger := <<"py.warnings">>} = Meta,
            ?assertNotEqual(nomatch, binary:match(Text, <<"DeprecationWarning: old idea">>))
    after 10000 -> error(no_warning)
    end.

an_uncaught_exception_is_one_event(_Config) ->
    ok = py:exec(<<"in_thread(lambda: {}['gone'], 'doomed')">>),
    receive
        {log_probe, #{level := error, msg := {string, Text}, meta := Meta}} ->
            #{py_logger := <<"py.exceptions">>, py_thread := <<"doomed">>} = Meta,
            ?assertMatch(<<"Exception in thread doomed\nTraceback", _/binary>>, Text),
            ?assertNotEqual(nomatch, binary:match(Text, <<"KeyError: 'gone'">>))
    after 10000 -> error(no_exception)
    end,
    ok = py_logger:flush(10000),
    ?assertEqual([], log_probe:texts(<<"stderr">>)).

callbacks_may_print_and_log(_Config) ->
    ok = py:register_function(descend, fun([N]) ->
        {ok, _} = py:call('__main__', descend, [N]),
        none
    end),
    {ok, _} = py:call('__main__', descend, [20]),
    ok = py_logger:flush(10000),
    Down = [<<"down ", (integer_to_binary(N))/binary>> || N <- lists:seq(20, 0, -1)],
    Up = [<<"up ", (integer_to_binary(N))/binary>> || N <- lists:seq(0, 20)],
    ?assertEqual(Down, log_probe:texts(<<"stdout">>)),
    ?assertEqual(Up, log_probe:texts(<<"shop.cart">>)),
    py:unregister_function(descend).

%% Python's own handlers hold a lock while they format. With such a lock this case would deadlock.
formatting_may_call_erlang_which_logs_elsewhere(_Config) ->
    ok = py:register_function(ask_elsewhere, fun([]) ->
        {Pid, Monitor} = spawn_monitor(fun() ->
            {ok, _} = py:eval(<<"(print('elsewhere'), log.warning('elsewhere'))">>)
        end),
        receive
            {'DOWN', Monitor, process, Pid, normal} -> <<"answer">>
        end
    end),
    {ok, _} = py:eval(<<"log.warning('%s', Asks())">>, #{}, 10000),
    _ = log_probe:expect(<<"stdout">>, <<"elsewhere">>),
    _ = log_probe:expect(<<"shop.cart">>, <<"elsewhere">>),
    _ = log_probe:expect(<<"shop.cart">>, <<"answer">>),
    py:unregister_function(ask_elsewhere).

a_log_handler_may_call_python(_Config) ->
    Calling = fun
        (#{msg := {string, <<"ask">>}} = Event, _) ->
            {ok, _} = py:eval(<<"print('asked')">>, #{}, 10000),
            Event;
        (_, _) ->
            ignore
    end,
    ok = logger:add_handler_filter(log_probe, calling, {Calling, none}),
    ok = py:exec(<<"print('ask')">>),
    _ = log_probe:expect(<<"stdout">>, <<"ask">>),
    _ = log_probe:expect(<<"stdout">>, <<"asked">>).

a_loop_prints(_Config) ->
    {ok, Loop} = py_loop:start_link(#{loop => asyncio}),
    {ok, _} = py_loop:call(Loop, '__main__', in_loop, []),
    _ = log_probe:expect(<<"stdout">>, <<"before">>),
    _ = log_probe:expect(<<"stdout">>, <<"after">>),
    ok = py_loop:stop(Loop).

%% The configuration of uvicorn itself would print to standard error, and would hide its records
%% from other handlers.
a_hosted_uvicorn_logs_by_its_loggers(_Config) ->
    ok = py:exec(<<
        "async def empty_app(scope, receive, send):\n"
        "    assert scope['type'] != 'lifespan'\n"
        "def log_as_uvicorn_does():\n"
        "    import logging.config, uvicorn.config\n"
        "    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)\n"
        "async def serve():\n"
        "    from erlang import hosting\n"
        "    await hosting.uvicorn(empty_app, port=0)\n"
    >>),
    %% A uvicorn has run before the application was configured to log to Erlang.
    {ok, none} = py:call('__main__', log_as_uvicorn_does, []),
    {ok, Loop} = py_loop:start_link(#{main => {'__main__', serve, [], #{}}}),
    {info, #{domain := [python]}} =
        log_probe:expect(<<"uvicorn.error">>, <<"Waiting for application startup.">>),
    ok = py_loop:stop(Loop),
    ok = py_logger:flush(10000),
    ?assertEqual([], log_probe:texts(<<"stderr">>)),
    ?assertEqual({ok, []}, py:eval(<<"logging.getLogger('uvicorn').handlers">>)).
