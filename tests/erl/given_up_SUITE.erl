%% SPDX-License-Identifier: Apache-2.0
%% Given-up contexts: their code goes on, and their threads stay until the code returns.
-module(given_up_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(CONTEXTS, 2).
-define(MAX_CONTEXTS, 4).
%% The pool's limit of threads.
-define(MAX_THREADS, (?MAX_CONTEXTS + 64)).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    _ = application:load(erlang_python),
    ok = application:set_env(erlang_python, contexts, ?CONTEXTS),
    ok = application:set_env(erlang_python, max_contexts, ?MAX_CONTEXTS),
    Config.

end_per_suite(_Config) ->
    ok = application:unset_env(erlang_python, contexts),
    ok = application:unset_env(erlang_python, max_contexts).

init_per_testcase(_Case, Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_testcase(_Case, _Config) ->
    ok = application:stop(erlang_python),
    mailbox:assert_empty().

code_that_can_not_be_interrupted_gets_replaced(_Config) ->
    %% A context runs, so it is one that can't be interrupted.
    ?assertEqual({ok, 1}, py:eval(<<"1">>)),
    #{given_up := Before} = counts(),
    Seconds = 3,
    Results = in_processes:values(12, fun(_) -> py:call(time, sleep, [Seconds], #{}, 20) end),
    ?assertEqual(lists:duplicate(12, {error, timeout}), Results),
    %% Before the code ends.
    ?assertEqual({ok, 1}, py:eval(<<"1">>, #{}, 1000 * Seconds - 1000)),
    eventually:equal(0, fun() -> maps:get(stale, counts()) end),
    ?assert(maps:get(given_up, counts()) > Before).

%% Without a limit, each caller of slow code would add one more thread that competes for the GIL.
threads_that_are_left_behind_have_a_limit(Config) ->
    {Fifo, Wait} = endless_wait(Config),
    in_processes:values(4, fun(_) -> until_refused(Wait) end),
    ?assertMatch(#{threads := ?MAX_THREADS, total := 0}, counts()),
    Refused = {error, {no_context, {too_many_threads, ?MAX_THREADS}}},
    ?assertEqual(Refused, py:eval(<<"1">>)),
    a_new_pool(),
    ?assertEqual(Refused, py:eval(<<"1">>)),
    ok = file:write_file(Fifo, <<>>),
    %% The configured number of contexts is there again.
    eventually:equal({?CONTEXTS, ?CONTEXTS}, fun() ->
        #{idle := Idle, threads := Threads} = counts(),
        {Idle, Threads}
    end),
    ?assertEqual({ok, 1}, py:eval(<<"1">>)).

%% The code comes out of C a moment before its context is given up.
clean_up_that_begins_late_has_a_second(_Config) ->
    ok = py:exec(
        <<"import time\n"
          "ended = []\n"
          "def cleaning_late():\n"
          "    try:\n"
          "        time.sleep(1.0)\n"
          "    finally:\n"
          "        end = time.monotonic() + 0.3\n"
          "        while time.monotonic() < end:\n"
          "            pass\n"
          "        ended.append(True)\n">>
    ),
    ?assertEqual({error, timeout}, py:eval(<<"cleaning_late()">>, #{}, 20)),
    eventually:equal({ok, [true]}, fun() -> py:eval(<<"ended">>) end).

%% The code that polls uses hardly any processor time.
code_that_polls_for_ever_ends(_Config) ->
    ok = py:exec(
        <<"import subprocess, time\n"
          "class Lock:\n"
          "    def acquire(self):\n"
          "        while True:\n"
          "            time.sleep(0.01)\n"
          "    def __enter__(self):\n"
          "        self.acquire()\n"
          "    def __exit__(self, *_):\n"
          "        pass\n"
          "def locked():\n"
          "    with Lock():\n"
          "        pass\n"
          "def process():\n"
          "    subprocess.run(['sleep', '600'], timeout=600)\n"
          "waits_in_c = hasattr(subprocess.Popen, '_wait_pidfd')\n">>
    ),
    {ok, WaitsInC} = py:eval(<<"waits_in_c">>),
    lists:foreach(
        fun(Code) ->
            ?assertEqual({error, timeout}, py:eval(Code, #{}, 50)),
            eventually:equal({0, ?CONTEXTS}, fun() ->
                #{stale := Stale, threads := Threads} = counts(),
                {Stale, Threads}
            end)
        end,
        [<<"locked()">>, <<"Lock().acquire()">>] ++ [<<"process()">> || not WaitsInC]
    ).

%% From CPython 3.12 on, profiling of one thread makes CPython tell of the calls of all threads.
a_thread_that_is_left_behind_slows_no_other(Config) ->
    #{given_up := Before} = counts(),
    {Fifo, Wait} = endless_wait(Config),
    ok = py:exec(
        <<"import dis\n"
          "def is_slowed():\n"
          "    def called(): pass\n"
          "    called()\n"
          "    code = called.__code__._co_code_adaptive[::2]\n"
          "    return any(dis.opname[one].startswith('INSTRUMENTED') for one in code)\n">>
    ),
    ?assertEqual({error, timeout}, Wait()),
    eventually:equal(Before + 1, fun() -> maps:get(given_up, counts()) end),
    eventually:equal({ok, false}, fun() -> py:eval(<<"is_slowed()">>) end),
    ok = file:write_file(Fifo, <<>>).

%% The code waits until another process opens the other end of a pipe. No exception ends this wait.
endless_wait(Config) ->
    Folder = proplists:get_value(priv_dir, Config),
    Name = "fifo" ++ integer_to_list(erlang:unique_integer([positive])),
    Fifo = unicode:characters_to_binary(filename:join(Folder, Name)),
    {ok, none} = py:call(os, mkfifo, [Fifo]),
    {Fifo, fun() -> py:call(io, open, [Fifo], #{}, 20) end}.

%% The other thread runs the same code meanwhile.
a_thread_that_rests_is_interrupted_when_its_c_code_returns(_Config) ->
    ok = py:exec(
        <<"import time\n"
          "effects = []\n"
          "def rest(seconds):\n"
          "    time.sleep(seconds)\n"
          "    effects.append(seconds)\n">>
    ),
    ?assertEqual({error, timeout}, py:eval(<<"rest(3)">>, #{}, 200)),
    ?assertEqual({ok, none}, py:eval(<<"rest(1)">>)),
    eventually:equal({0, ?CONTEXTS}, fun() ->
        #{stale := Stale, threads := Threads} = counts(),
        {Stale, Threads}
    end),
    ?assertEqual({ok, [1]}, py:eval(<<"effects">>)).

a_new_pool() ->
    Pool = whereis(py_context_pool),
    death:kill(Pool),
    eventually:true(fun() -> not lists:member(whereis(py_context_pool), [undefined, Pool]) end).

until_refused(Call) ->
    case Call() of
        {error, timeout} -> until_refused(Call);
        {error, {no_context, _}} -> ok
    end.

counts() ->
    maps:get(contexts, py:info()).
