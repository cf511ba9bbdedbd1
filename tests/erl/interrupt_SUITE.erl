%% SPDX-License-Identifier: Apache-2.0
%% Code whose caller no longer waits is interrupted once, so that the code can clean up.
-module(interrupt_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    _ = application:load(erlang_python),
    ok = application:set_env(erlang_python, contexts, 1),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<
        "import time\n"
        "def spin():\n"
        "    while True: pass\n"
        "def cleaning(f, *args):\n"
        "    try:\n"
        "        f(*args)\n"
        "    finally:\n"
        "        erlang.call('tell', 'cleanup')\n"
        "def cleaning_a_lot():\n"
        "    try:\n"
        "        spin()\n"
        "    finally:\n"
        "        erlang.call('tell', [erlang.call('echo', n) for n in range(3)])\n"
        "        erlang.call('tell', erlang.call('echo', 3, timeout=5))\n"
        "def going_on(seconds):\n"
        "    count = 0\n"
        "    end = time.monotonic() + seconds\n"
        "    while time.monotonic() < end:\n"
        "        try:\n"
        "            while time.monotonic() < end:\n"
        "                erlang.call('echo', 1)\n"
        "        except erlang.Interrupted:\n"
        "            count += 1\n"
        "    erlang.call('tell', count)\n"
    >>),
    Config.

end_per_suite(_Config) ->
    _ = application:stop(erlang_python),
    application:unset_env(erlang_python, contexts).

init_per_testcase(_Case, Config) ->
    ok = python_side:register_tell(),
    ok = py:register_function(echo, fun([X]) -> X end),
    ok = python_side:register_hang(),
    #{contexts := #{given_up := GivenUp}} = py:info(),
    [{given_up, GivenUp} | Config].

end_per_testcase(_Case, Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    %% All requests end by themselves and leave the context as it was.
    eventually:equal({0, 0}, fun() ->
        #{contexts := #{busy := Busy, stale := Stale}} = py:info(),
        {Busy, Stale}
    end),
    ?assertEqual({ok, 2}, py:eval(<<"1 + 1">>)),
    #{contexts := #{given_up := GivenUp}} = py:info(),
    ?assertEqual(proplists:get_value(given_up, Config), GivenUp),
    mailbox:assert_empty().

told() ->
    python_side:told(10000).

code_that_timed_out_cleans_up_with_erlang(_Config) ->
    ?assertEqual({error, timeout}, py:eval(<<"cleaning(spin)">>, #{}, 50)),
    ?assertEqual(<<"cleanup">>, told()).

code_whose_caller_died_cleans_up_with_erlang(_Config) ->
    Caller = spawn(fun() -> py:eval(<<"cleaning(erlang.call, 'hang')">>, #{}, infinity) end),
    _ = python_side:hanging(),
    death:kill(Caller),
    ?assertEqual(<<"cleanup">>, told()).

a_call_that_waits_is_interrupted_and_cleans_up(_Config) ->
    ?assertEqual({error, timeout}, py:eval(<<"cleaning(erlang.call, 'hang')">>, #{}, 100)),
    _ = python_side:hanging(),
    ?assertEqual(<<"cleanup">>, told()).

cleaning_up_may_take_several_calls(_Config) ->
    ?assertEqual({error, timeout}, py:eval(<<"cleaning_a_lot()">>, #{}, 50)),
    ?assertEqual([0, 1, 2], told()),
    ?assertEqual(3, told()).

code_that_goes_on_is_not_interrupted_again(_Config) ->
    ?assertEqual({error, timeout}, py:eval(<<"going_on(0.5)">>, #{}, 50)),
    ?assertEqual(1, told()).

calls_in_a_row_without_bytecode_are_interrupted(_Config) ->
    ok = py:exec(<<"import itertools">>),
    Code = <<"cleaning(list, map(erlang.call, itertools.repeat('echo'), iter(int, 1)))">>,
    ?assertEqual({error, timeout}, py:eval(Code, #{}, 50)),
    ?assertEqual(<<"cleanup">>, told()).

an_outer_timeout_interrupts_all_that_waits_further_in(_Config) ->
    ok = py:register_function(between, fun([]) ->
        py:eval(<<"erlang.call('hang')">>, #{}, infinity)
    end),
    ?assertEqual({error, timeout}, py:eval(<<"erlang.call('between')">>, #{}, 100)),
    _ = python_side:hanging().

each_level_cleans_up(_Config) ->
    ok = py:register_function(between, fun([]) ->
        _ = py:eval(<<"cleaning(erlang.call, 'hang')">>, #{}, infinity),
        none
    end),
    ?assertEqual({error, timeout}, py:eval(<<"cleaning(erlang.call, 'between')">>, #{}, 100)),
    _ = python_side:hanging(),
    ?assertEqual([<<"cleanup">>, <<"cleanup">>], [told(), told()]).

%% The interruption runs Python code before it looks at a thread. Here this code releases the GIL
%% for long.
requests_may_end_while_they_are_interrupted(_Config) ->
    ok = py:exec(
        <<"from erlang._interruption import Attempt\n"
          "begin = Attempt.__init__\n"
          "Attempt.__init__ = lambda *arguments: (time.sleep(0.003), begin(*arguments))[1]\n">>
    ),
    ok = py:register_function(nest, fun([Seconds]) -> py:call(time, sleep, [Seconds]) end),
    Nested = <<"erlang.call('nest', 0.002)">>,
    lists:foreach(
        fun(Limit) ->
            case py:eval(Nested, #{}, Limit) of
                {ok, _} -> ok;
                {error, timeout} -> ok
            end
        end,
        [N rem 6 || N <- lists:seq(1, 300)]
    ),
    ok = py:exec(<<"Attempt.__init__ = begin\n">>).

code_that_follows_a_cancelled_loop_cleans_up(_Config) ->
    ok = py:exec(
        <<"import asyncio, contextlib, uvloop\n"
          "class OtherLoop(asyncio.SelectorEventLoop):\n"
          "    def run_forever(self):\n"
          "        with self.running():\n"
          "            while not self._stopping:\n"
          "                self._run_once()\n"
          "    @contextlib.contextmanager\n"
          "    def running(self):\n"
          "        asyncio.events._set_running_loop(self)\n"
          "        try:\n"
          "            yield\n"
          "        finally:\n"
          "            asyncio.events._set_running_loop(None)\n"
          "            self._stopping = False\n"
          "async def waiting():\n"
          "    try:\n"
          "        await asyncio.sleep(600)\n"
          "    finally:\n"
          "        erlang.call('tell', 'in the loop')\n"
          "def in_loop(run):\n"
          "    cleaning(run, waiting())\n">>
    ),
    lists:foreach(
        fun(Code) ->
            ?assertEqual({error, timeout}, py:eval(Code, #{}, 50)),
            ?assertEqual([<<"in the loop">>, <<"cleanup">>], [told(), told()])
        end,
        [
            <<"in_loop(asyncio.run)">>,
            <<"in_loop(uvloop.run)">>,
            <<"in_loop(OtherLoop().run_until_complete)">>
        ]
    ).

%% CPython 3.11 makes thread states without the GIL; for a moment the newest one is its whole list of
%% threads. A thread that is not found counts as ended, and is never interrupted.
a_thread_is_found_while_other_threads_begin(_Config) ->
    ok = py:exec(<<
        "import _erlang, sys, threading\n"
        "def miss(ended):\n"
        "    interval = sys.getswitchinterval()\n"
        "    sys.setswitchinterval(1e-5)\n"
        "    waits = threading.Event()\n"
        "    other = threading.Thread(target=waits.wait)\n"
        "    other.start()\n"
        "    misses = 0\n"
        "    try:\n"
        "        while not erlang.call(ended):\n"
        "            for _ in range(2000):\n"
        "                misses += not _erlang.frames_of_thread(other.ident)\n"
        "    finally:\n"
        "        sys.setswitchinterval(interval)\n"
        "        waits.set()\n"
        "        other.join()\n"
        "    return misses\n"
    >>),
    Beginners = [spawn_monitor(fun() -> begin_threads(300) end) || _ <- lists:seq(1, 4)],
    Pids = [Pid || {Pid, _} <- Beginners],
    ok = py:register_function(beginners_ended, fun([]) ->
        not lists:any(fun is_process_alive/1, Pids)
    end),
    ?assertEqual({ok, 0}, py:eval(<<"miss('beginners_ended')">>, #{})),
    [normal = death:reason(Beginner, infinity) || Beginner <- Beginners].

begin_threads(0) ->
    ok;
begin_threads(Left) ->
    Ref = make_ref(),
    Context = py_nif:new_context(Ref),
    receive
        {py_result, Ref, ready} -> ok
    end,
    ok = py_nif:close_context(Context),
    begin_threads(Left - 1).
