%% SPDX-License-Identifier: Apache-2.0
%% The pool of contexts: growing, queueing, shrinking, and contexts whose request was given up.
-module(context_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    _ = application:load(erlang_python),
    Options = #{contexts => 2, max_contexts => 4, context_idle_timeout => 200},
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, Options),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<
        "import os, threading, time\n"
        "seen = {}\n"
        "def spin():\n"
        "    while True: pass\n"
        "class Deaf:\n"
        "    def __del__(self):\n"
        "        try:\n"
        "            spin()\n"
        "        finally:\n"
        "            erlang.call('tell', 'swallowed')\n"
        "def swallow():\n"
        "    try:\n"
        "        Deaf()\n"
        "        spin()\n"
        "    finally:\n"
        "        erlang.call('tell', 'cleanup')\n"
        "def known_and_held(name):\n"
        "    seen[threading.get_native_id()] = threading.current_thread()\n"
        "    return erlang.call('hold', name)\n"
        %% Sleeps the whole time, even when interrupted.
        "def sleep(seconds):\n"
        "    end = time.monotonic() + seconds\n"
        "    try:\n"
        "        erlang.call('running')\n"
        "    except erlang.Interrupted:\n"
        "        pass\n"
        "    while (left := end - time.monotonic()) > 0:\n"
        "        try:\n"
        "            time.sleep(left)\n"
        "        except erlang.Interrupted:\n"
        "            pass\n"
    >>),
    [{options, maps:keys(Options)} | Config].

end_per_suite(Config) ->
    _ = application:stop(erlang_python),
    lists:foreach(
        fun(Key) -> application:unset_env(erlang_python, Key) end,
        proplists:get_value(options, Config)
    ).

%% A context's callback `hold' reports to the test, then waits until the test releases it.
init_per_testcase(_Case, Config) ->
    Test = self(),
    ok = py:register_function(hold, fun([Name]) ->
        Test ! {holding, Name, self()},
        receive
            let_go -> Name
        end
    end),
    Config.

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    settled(),
    mailbox:assert_empty().

the_pool_grows_when_all_are_busy(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3, 4]],
    ?assertMatch(#{total := 4, busy := 4, idle := 0}, counts()),
    let_go(Holders).

waiting_in_erlang_does_not_use_up_the_pool(_Config) ->
    %% Three contexts wait in Erlang, for a request of another process.
    Holders = [hold(N) || N <- [1, 2, 3]],
    ?assertEqual({ok, 1}, py:eval(<<"1">>, #{}, 5000)),
    let_go(Holders).

beyond_the_limit_requests_wait_in_order(_Config) ->
    Test = self(),
    Holders = [hold(N) || N <- [1, 2, 3, 4]],
    ok = py:register_function(arrived, fun([N]) -> Test ! {arrived, N}, N end),
    Queued = [
        begin
            Pid = spawn_monitor(fun() ->
                exit(py:eval(<<"erlang.call('arrived', n)">>, #{n => N}, infinity))
            end),
            eventually:equal(N, fun() -> maps:get(waiting, counts()) end),
            Pid
        end
     || N <- lists:seq(1, 10)
    ],
    %% The only free context serves the requests in their order.
    let_go([hd(Holders)]),
    Arrived = [
        receive
            {arrived, N} -> N
        end
     || _ <- Queued
    ],
    ?assertEqual(lists:seq(1, 10), Arrived),
    ?assertEqual([{ok, N} || N <- lists:seq(1, 10)], [reason(Pid) || Pid <- Queued]),
    let_go(tl(Holders)).

waiting_for_a_context_obeys_the_timeout(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3, 4]],
    ?assertEqual({error, timeout}, py:eval(<<"1">>, #{}, 30)),
    ?assertEqual({error, timeout}, py:eval(<<"1">>, #{}, 0)),
    eventually:equal(0, fun() -> maps:get(waiting, counts()) end),
    mailbox:assert_empty(),
    let_go(Holders).

a_caller_that_dies_in_the_queue_is_forgotten(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3, 4]],
    Queued = [spawn(fun() -> py:eval(<<"1">>, #{}, infinity) end) || _ <- lists:seq(1, 5)],
    eventually:equal(5, fun() -> maps:get(waiting, counts()) end),
    [death:kill(Pid) || Pid <- Queued],
    eventually:equal(0, fun() -> maps:get(waiting, counts()) end),
    let_go(Holders).

a_caller_that_dies_frees_its_context(_Config) ->
    Spin = fun() -> py:call('__main__', spin, [], #{}, infinity) end,
    Callers = [spawn(Spin) || _ <- [1, 2, 3, 4]],
    eventually:equal(4, fun() -> maps:get(busy, counts()) end),
    [death:kill(Pid) || Pid <- Callers],
    ?assertEqual({ok, 1}, py:eval(<<"1">>)),
    settled().

endless_code_is_interrupted_again_and_again(_Config) ->
    ?assertEqual(
        lists:duplicate(12, {error, timeout}),
        [
            py:eval(<<"[None for _ in iter(int, 1)]">>, #{}, 20)
         || _ <- lists:seq(1, 12)
        ]
    ),
    ?assertEqual({ok, 1}, py:eval(<<"1">>, #{}, 5000)).

%% Only one context is free for the requests: the test holds the others.
the_same_context_serves_after_a_timeout(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3]],
    Thread = thread(),
    ?assertEqual({error, timeout}, py:eval(<<"[None for _ in iter(int, 1)]">>, #{}, 100)),
    no_longer_stale(),
    ?assertEqual(Thread, thread()),
    let_go(Holders).

the_same_context_serves_after_its_caller_died(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3]],
    Thread = thread(),
    kill_caller(<<"(erlang.call('running'), [None for _ in iter(int, 1)])">>),
    no_longer_stale(),
    ?assertEqual(Thread, thread()),
    let_go(Holders).

another_context_serves_while_one_sleeps(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3]],
    Thread = thread(),
    ?assertEqual({error, timeout}, py:call(time, sleep, [1000], #{}, 100)),
    ?assertNotEqual(Thread, thread()),
    let_go(Holders).

another_context_serves_when_the_sleepers_caller_died(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3]],
    Thread = thread(),
    kill_caller(<<"sleep(1000)">>),
    ?assertNotEqual(Thread, thread()),
    let_go(Holders).

callers_of_sleepers_may_die_one_after_another(_Config) ->
    #{given_up := Before} = counts(),
    Count = 12,
    [kill_caller(<<"sleep(8)">>) || _ <- lists:seq(1, Count)],
    ?assertEqual({ok, 1}, py:eval(<<"1">>, #{}, 5000)),
    eventually:equal(Before + Count, fun() -> maps:get(given_up, counts()) end).

%% Python ignores every exception in `__del__', also an interruption.
code_that_swallows_its_interruption_gets_replaced_and_ends(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3]],
    Thread = thread(),
    ok = python_side:register_tell(),
    #{given_up := Before} = counts(),
    ?assertEqual({error, timeout}, py:call('__main__', swallow, [], #{}, 50)),
    ?assertNotEqual(Thread, thread()),
    ?assertEqual(<<"swallowed">>, python_side:told()),
    ?assertEqual(<<"cleanup">>, python_side:told()),
    ?assertEqual(Before + 1, maps:get(given_up, counts())),
    let_go(Holders).

what_is_given_up_is_reported_with_its_stack(_Config) ->
    ok = log_to_test:start(),
    kill_caller(<<"sleep(3)">>),
    #{level := warning, text := Text} = log_to_test:next(),
    ok = log_to_test:stop(),
    [
        ?assertNotEqual(nomatch, binary:match(Text, Part))
     || Part <- [<<"did not end when it was interrupted">>, <<"in <module>">>, <<"in sleep">>]
    ],
    ?assertEqual(nomatch, binary:match(Text, <<"_context.py">>)).

%% CPython makes an object for each foreign thread whose code asks for the current thread.
threads_that_have_ended_are_unknown_to_python(_Config) ->
    let_go([hold(N) || N <- [1, 2, 3, 4]]),
    %% Threads that are idle for long end.
    eventually:true(fun() -> length(ended()) >= 2 end),
    Known = <<"[n for n in ended if seen[n] in threading.enumerate()]">>,
    ?assertEqual({ok, []}, py:eval(Known, #{ended => ended()})),
    Current = <<"threading.current_thread() in threading.enumerate()">>,
    ?assertEqual({ok, true}, py:eval(Current)).

ended() ->
    {ok, Ended} = py:eval(<<"sorted(set(seen) - {int(n) for n in os.listdir('/proc/self/task')})">>),
    Ended.

no_longer_stale() ->
    eventually:equal({3, 0, 1}, fun() ->
        #{busy := Busy, stale := Stale, idle := Idle} = counts(),
        {Busy, Stale, Idle}
    end).

thread() ->
    {ok, Thread} = py:call(threading, get_ident, [], #{}, 5000),
    Thread.

%% Kills the caller while the expression is being evaluated. The expression calls `running'.
kill_caller(Expression) ->
    Test = self(),
    ok = py:register_function(running, fun([]) -> Test ! running end),
    Caller = spawn(fun() -> py:eval(Expression, #{}, infinity) end),
    receive
        running -> ok
    end,
    death:kill(Caller).

%% The context's thread is busy and has not yet seen the end. It would not run a later request.
a_context_that_is_closed_refuses_at_once(_Config) ->
    Ref = make_ref(),
    Context = py_nif:new_context(Ref),
    ok = receive_result(Ref, ready),
    Sleep = {call, <<"time">>, <<"sleep">>, [0.2], #{}},
    [First, Second] = [make_ref(), make_ref()],
    {ok, _} = py_nif:submit_to_context(Context, First, Sleep),
    ok = py_nif:close_context(Context),
    ?assertEqual(closed, py_nif:submit_to_context(Context, Second, Sleep)),
    ok = receive_result(First, {ok, none}),
    mailbox:assert_empty().

receive_result(Ref, Result) ->
    receive
        {py_result, Ref, Result} -> ok
    after 10000 ->
        error({no_result, process_info(self(), messages)})
    end.

idle_contexts_are_closed(_Config) ->
    let_go([hold(N) || N <- [1, 2, 3, 4]]),
    eventually:equal(2, fun() -> maps:get(total, counts()) end),
    eventually:equal(2, fun() -> maps:get(idle, counts()) end),
    ?assertEqual({ok, 1}, py:eval(<<"1">>)).

a_killed_pool_comes_back(_Config) ->
    Before = threads(),
    lists:foreach(
        fun(N) ->
            Holder = hold(N),
            death:kill(py_context_pool),
            eventually:true(fun() -> is_pid(whereis(py_context_pool)) end),
            ?assertEqual({ok, 1}, py:eval(<<"1">>)),
            %% The holder's request does not need the pool.
            let_go([Holder])
        end,
        lists:seq(1, 5)
    ),
    %% Threads that the killed pools had started are closed.
    eventually:true(fun() -> threads() =< Before + 1 end).

callers_in_the_queue_of_a_killed_pool_hear_of_it(_Config) ->
    Holders = [hold(N) || N <- [1, 2, 3, 4]],
    Queued = spawn_monitor(fun() -> exit(py:eval(<<"1">>, #{}, infinity)) end),
    eventually:equal(1, fun() -> maps:get(waiting, counts()) end),
    death:kill(py_context_pool),
    ?assertEqual({error, disconnected}, reason(Queued)),
    eventually:true(fun() -> is_pid(whereis(py_context_pool)) end),
    let_go(Holders).

a_context_is_one_thread(_Config) ->
    %% Each caller gets the context that was used last.
    Threads = [py:call(threading, get_ident, []) || _ <- lists:seq(1, 20)],
    ?assertMatch([{ok, _}], lists:usort(Threads)).

%% A caller whose request waits in Erlang.
%% A holder ends with a case that fails.
hold(Name) ->
    Caller = spawn_opt(
        fun() -> exit(py:call('__main__', known_and_held, [Name], #{}, infinity)) end,
        [link, monitor]
    ),
    receive
        {holding, Name, Callback} -> {Name, Callback, Caller}
    end.

let_go(Holders) ->
    lists:foreach(
        fun({Name, Callback, Caller}) ->
            {Pid, _Monitor} = Caller,
            true = unlink(Pid),
            Callback ! let_go,
            ?assertEqual({ok, Name}, reason(Caller))
        end,
        Holders
    ).

reason({Pid, Monitor}) ->
    receive
        {'DOWN', Monitor, process, Pid, Reason} -> Reason
    end.

counts() ->
    maps:get(contexts, py:info()).

settled() ->
    eventually:true(fun() ->
        #{busy := Busy, stale := Stale, starting := Starting} = counts(),
        Busy + Stale + Starting =:= 0
    end).

threads() ->
    {ok, Count} = py:eval(<<"len(__import__('os').listdir('/proc/self/task'))">>),
    Count.
