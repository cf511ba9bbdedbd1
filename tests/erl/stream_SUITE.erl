%% SPDX-License-Identifier: Apache-2.0
%% Iterators collected into lists.
-module(stream_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

source() ->
    <<"import erlang, sys, threading, time\n"
      "ended = []\n"
      "def count(start, stop=3):\n"
      "    yield from range(start, stop)\n"
      "def fail_after(count):\n"
      "    yield from range(count)\n"
      "    raise ValueError('enough')\n"
      "def slow(count, seconds):\n"
      "    for _ in range(count):\n"
      "        time.sleep(seconds)\n"
      "        yield threading.get_ident()\n"
      "def endless(name):\n"
      "    try:\n"
      "        erlang.call('tell', 'started')\n"
      "        while True:\n"
      "            yield time.sleep(0.01)\n"
      "    finally:\n"
      "        ended.append(name)\n"
      "def unconvertible(name):\n"
      "    try:\n"
      "        time.sleep(1.1)\n"
      "        yield object()\n"
      "        yield 'more'\n"
      "    finally:\n"
      "        ended.append(name)\n"
      "sys.modules['stream_suite'] = sys.modules['__main__']\n"
      "def threads():\n"
      "    yield threading.get_ident()\n"
      "def call_back():\n"
      "    return [threading.get_ident(), *erlang.call('collect')]\n">>.

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    eventually:true(fun() ->
        #{contexts := #{busy := Busy, stale := Stale}} = py:info(),
        Busy + Stale =:= 0
    end),
    mailbox:assert_empty().

generators_and_iterables_are_collected(_Config) ->
    ?assertEqual({ok, [0, 1, 2]}, py:stream('__main__', count, [0])),
    ?assertEqual({ok, [1, 2, 3]}, py:stream(<<"__main__">>, "count", [1], #{stop => 4})),
    ?assertEqual({ok, [<<"a">>, <<"b">>]}, py:stream(builtins, iter, [<<"ab">>])),
    ?assertEqual({ok, []}, py:stream(builtins, dict, [])),
    {ok, Many} = py:stream(builtins, range, [100000]),
    ?assertEqual(lists:seq(0, 99999), Many).

expressions_see_their_locals(_Config) ->
    ?assertEqual({ok, [0, 1, 4, 9, 16]}, py:stream_eval(<<"(x**2 for x in range(5))">>)),
    ?assertEqual({ok, [3, 4]}, py:stream_eval("[a, b]", #{a => 3, b => 4})),
    %% The body of a comprehension is a function, which sees no locals of eval().
    ?assertEqual(
        {ok, [0, 2]}, py:stream_eval(<<"(x * i for i in range(n))">>, #{n => 2, x => 2})
    ),
    ?assertEqual({ok, [7, 7]}, py:eval(<<" [x for _ in range(2)]">>, #{x => 7})).

failures_are_errors(_Config) ->
    ?assertEqual({error, {'ValueError', <<"enough">>}}, py:stream('__main__', fail_after, [3])),
    ?assertMatch({error, {'TypeError', _}}, py:stream(math, sqrt, [4])),
    ?assertMatch({error, {'TypeError', _}}, py:stream_eval(<<"17">>)),
    ?assertMatch({error, {'SyntaxError', _}}, py:stream_eval(<<"(">>)),
    ?assertMatch({error, {'AttributeError', _}}, py:stream(math, no_such, [])),
    %% The error names the item by its position.
    {error, {'TypeError', Text}} = py:stream_eval(<<"iter([0, {'k': object()}])">>),
    ?assertMatch(<<"result[1]['k']: ", _/binary>>, Text),
    ?assertError(badarg, py:stream(math, sqrt, 4)).

slow_iterators_come_in_batches_on_one_thread(_Config) ->
    %% The whole iteration takes longer than one batch may take.
    {ok, Threads} = py:stream('__main__', slow, [6, 0.25]),
    ?assertMatch({6, [_]}, {length(Threads), lists:usort(Threads)}).

a_dead_caller_ends_its_iterator(_Config) ->
    ok = python_side:register_tell(),
    Caller = spawn(fun() -> py:stream('__main__', endless, [1]) end),
    receive
        {told, Started} -> ?assertEqual(<<"started">>, Started)
    end,
    death:kill(Caller),
    eventually:equal({ok, [1]}, fun() -> py:eval(<<"ended">>) end).

%% On a context of the pool, on a held context, on a waiting thread.
an_item_without_an_erlang_value_ends_its_iterator(_Config) ->
    ok = py:exec(<<"ended.clear()">>),
    Stream = fun(Name) ->
        ?assertMatch({error, {'TypeError', _}}, py:stream(stream_suite, unconvertible, [Name])),
        %% The iterator ends while its context still exists.
        ?assertEqual({ok, [Name]}, py:call(stream_suite, 'ended.copy', [])),
        py:call(stream_suite, 'ended.clear', [])
    end,
    ok = py:register_function(stream, fun([Name]) -> element(1, Stream(Name)) end),
    {ok, none} = Stream(<<"pooled">>),
    {ok, none} = py_context:with(fun() -> Stream(<<"held">>) end),
    ?assertEqual({ok, ok}, py:eval(<<"erlang.call('stream', 'waiting')">>)).

a_callbacks_stream_runs_on_the_waiting_thread(_Config) ->
    ok = py:register_function(collect, fun([]) ->
        {ok, Threads} = py:stream('__main__', threads, []),
        Threads
    end),
    {ok, Threads} = py:call('__main__', call_back, []),
    ?assertMatch([_], lists:usort(Threads)).
