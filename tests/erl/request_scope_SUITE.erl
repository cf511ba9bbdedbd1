%% SPDX-License-Identifier: Apache-2.0
%% Context variables and the values that depend on them: no request sees those of another request.
-module(request_scope_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

%% One context, so that all requests share a thread.
init_per_suite(Config) ->
    _ = application:load(erlang_python),
    Options = #{contexts => 1, max_contexts => 1},
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, Options),
    python_side:start(source(), [{options, maps:keys(Options)} | Config]).

end_per_suite(Config) ->
    _ = application:stop(erlang_python),
    lists:foreach(
        fun(Key) -> application:unset_env(erlang_python, Key) end,
        proplists:get_value(options, Config)
    ).

end_per_testcase(_Case, _Config) ->
    ok = py:release_context(),
    lists:foreach(fun py:unregister_function/1, py:registered()),
    mailbox:assert_empty().

source() ->
    <<"import asyncio, decimal, sys, threading, time\n"
      "from contextvars import ContextVar\n"
      "user = ContextVar('user', default='nobody')\n"
      "ended, unraisable = [], []\n"
      "\n"
      "def swap(value):\n"
      "    before = user.get()\n"
      "    user.set(str(value))\n"
      "    return before\n"
      "def set_and_spin(value):\n"
      "    user.set(str(value))\n"
      "    while True: pass\n"
      "def set_precision(digits):\n"
      "    before = decimal.getcontext().prec\n"
      "    decimal.getcontext().prec = digits\n"
      "    return before\n"
      "def set_and_call(value, function):\n"
      "    user.set(str(value))\n"
      "    return [erlang.call(function), user.get()]\n"
      "def in_thread(function, *args):\n"
      "    values = []\n"
      "    work = lambda: values.append(globals()[function](*args))\n"
      "    thread = threading.Thread(target=work)\n"
      "    thread.start()\n"
      "    thread.join()\n"
      "    return values[0]\n"
      "\n"
      "class Whose: pass\n"
      "erlang.register_adapter(Whose, lambda _: user.get())\n"
      "def whose(value):\n"
      "    user.set(str(value))\n"
      "    return Whose()\n"
      "async def whose_async(value):\n"
      "    user.set(str(value))\n"
      "    return Whose()\n"
      "\n"
      "async def aswap(value):\n"
      "    return swap(value)\n"
      "def plain_then_coroutine(value):\n"
      "    before = swap(value)\n"
      "    return aget(before)\n"
      "async def aget(before):\n"
      "    return [before, user.get()]\n"
      "async def main(value):\n"
      "    erlang.call('tell', swap(value))\n"
      "    await asyncio.get_running_loop().create_future()\n"
      "\n"
      "def slow_stream(value):\n"
      "    yield user.get()\n"
      "    token = user.set(str(value))\n"
      "    time.sleep(1.1)\n"
      "    yield user.get()\n"
      "    time.sleep(1.1)\n"
      "    yield user.get()\n"
      "    user.reset(token)\n"
      "    yield user.get()\n"
      "def unconvertible(value):\n"
      "    token = user.set(str(value))\n"
      "    try:\n"
      "        time.sleep(1.1)\n"
      "        yield object()\n"
      "    finally:\n"
      "        ended.append(user.get())\n"
      "        user.reset(token)\n">>.

call(Function, Args) ->
    py:call('__main__', Function, Args).

swap(Value) ->
    call(swap, [Value]).

nobody() ->
    {ok, <<"nobody">>}.

%% Registers a function that calls Python from the process for which Python waits.
register_nested(Name, Function, Args) ->
    ok = py:register_function(Name, fun([]) ->
        {ok, Value} = call(Function, Args),
        Value
    end).

with_loop(Options, Fun) ->
    {ok, Loop} = py_loop:start_link(Options),
    Fun(Loop),
    ok = py_loop:stop(Loop).

kinds() ->
    [asyncio, uvloop].

a_variable_ends_with_its_request(_Config) ->
    ?assertEqual(nobody(), swap(alice)),
    ?assertEqual(nobody(), swap(bob)),
    [Before] = in_processes:values(1, fun(_) -> swap(carol) end),
    ?assertEqual(nobody(), Before),
    ok = py:exec(<<"user.set('dave')">>),
    ?assertEqual({ok, <<"nobody">>}, py:eval(<<"user.get()">>)),
    {error, _} = py:eval(<<"(user.set('erin'), 1 / 0)">>),
    ?assertEqual(nobody(), swap(fred)).

a_variable_of_an_interrupted_request_ends_too(_Config) ->
    ?assertEqual({error, timeout}, py:call('__main__', set_and_spin, [alice], #{}, 100)),
    ?assertEqual(nobody(), swap(bob)).

decimal_settings_end_with_their_request(_Config) ->
    ?assertEqual({ok, 28}, call(set_precision, [5])),
    ?assertEqual({ok, 28}, call(set_precision, [6])).

a_held_context_keeps_its_variables(_Config) ->
    _ = swap(alice),
    py_context:with(fun() ->
        ?assertEqual(nobody(), eval_swap(bob)),
        ?assertEqual({ok, <<"bob">>}, eval_swap(carol)),
        {error, _} = py:eval(<<"1 / 0">>),
        ?assertEqual({ok, <<"carol">>}, eval_swap(dave))
    end).

%% A held context has globals of its own.
eval_swap(Value) ->
    py:eval(<<"__import__('__main__').__dict__['swap'](v)">>, #{v => Value}).

a_held_context_keeps_them_after_a_timeout(_Config) ->
    py_context:with(fun() ->
        {error, timeout} = py:eval(
            <<"__import__('__main__').__dict__['set_and_spin'](v)">>, #{v => alice}, 1000
        ),
        ?assertEqual({ok, <<"alice">>}, eval_swap(bob))
    end).

a_held_context_leaves_nothing(_Config) ->
    py_context:with(fun() -> eval_swap(alice) end),
    ?assertEqual(nobody(), swap(bob)),
    py_context:with(fun() -> ?assertEqual(nobody(), eval_swap(carol)) end),
    %% A process that dies leaves nothing either.
    _ = in_processes:values(1, fun(_) ->
        ok = py:context(),
        eval_swap(dave)
    end),
    py_context:with(fun() -> ?assertEqual(nobody(), eval_swap(erin)) end),
    ?assertEqual(nobody(), swap(fred)).

a_nested_request_sees_the_callers_variables(_Config) ->
    register_nested(nest, swap, [bob]),
    ?assertMatch({ok, [<<"alice">>, _]}, call(set_and_call, [alice, nest])),
    %% The same two levels further in.
    register_nested(deep, set_and_call, [carol, nest]),
    ?assertEqual(
        {ok, [[<<"carol">>, <<"carol">>], <<"alice">>]}, call(set_and_call, [alice, deep])
    ).

a_nested_request_changes_none_of_them(_Config) ->
    register_nested(nest, swap, [bob]),
    ?assertMatch({ok, [_, <<"alice">>]}, call(set_and_call, [alice, nest])).

a_nested_request_of_a_thread_sees_the_threads(_Config) ->
    register_nested(nest, swap, [bob]),
    ?assertEqual(
        {ok, [<<"alice">>, <<"alice">>]}, call(in_thread, [set_and_call, alice, nest])
    ).

a_held_context_in_a_callback_keeps_its_own(_Config) ->
    Two = #{contexts => 1, max_contexts => 2},
    restart(Two),
    ok = py:register_function(hold, fun([]) ->
        py_context:with(fun() ->
            {ok, First} = eval_swap(bob),
            {ok, Second} = eval_swap(carol),
            [First, Second]
        end)
    end),
    ?assertEqual(
        {ok, [[<<"nobody">>, <<"bob">>], <<"alice">>]}, call(set_and_call, [alice, hold])
    ),
    restart(Two#{max_contexts => 1}).

restart(Options) ->
    ok = application:stop(erlang_python),
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, Options),
    {ok, _} = application:ensure_all_started(erlang_python).

an_adapter_sees_the_requests_variables(_Config) ->
    ?assertEqual({ok, <<"alice">>}, call(whose, [alice])),
    [
        with_loop(#{loop => Kind}, fun(Loop) ->
            ?assertEqual({ok, <<"bob">>}, py_loop:call(Loop, '__main__', whose_async, [bob]))
        end)
     || Kind <- kinds()
    ].

coroutines_of_a_loop_share_nothing(_Config) ->
    [
        with_loop(#{loop => Kind}, fun(Loop) ->
            ?assertEqual(nobody(), py_loop:call(Loop, '__main__', aswap, [alice])),
            ?assertEqual(nobody(), py_loop:call(Loop, '__main__', aswap, [bob]))
        end)
     || Kind <- kinds()
    ],
    Async = fun(Function) -> py:async_await(py:async_call('__main__', Function, [alice])) end,
    %% On this loop, a plain function runs in no task.
    [?assertEqual(nobody(), Async(Function)) || Function <- [aswap, swap, swap, aswap]].

a_coroutine_sees_what_its_function_set(_Config) ->
    with_loop(#{}, fun(Loop) ->
        Call = fun(Value) -> py_loop:call(Loop, '__main__', plain_then_coroutine, [Value]) end,
        ?assertEqual({ok, [<<"nobody">>, <<"alice">>]}, Call(alice)),
        ?assertEqual({ok, [<<"nobody">>, <<"bob">>]}, Call(bob))
    end).

a_main_coroutine_shares_nothing(_Config) ->
    python_side:register_tell(),
    _ = swap(alice),
    with_loop(#{main => {'__main__', main, [bob], #{}}}, fun(Loop) ->
        ?assertEqual(<<"nobody">>, python_side:told()),
        ?assertEqual(nobody(), py_loop:call(Loop, '__main__', aswap, [carol]))
    end),
    ?assertEqual(nobody(), swap(dave)).

a_stream_keeps_its_variables(_Config) ->
    Items = [<<"nobody">>, <<"alice">>, <<"alice">>, <<"nobody">>],
    ?assertEqual({ok, Items}, py:stream('__main__', slow_stream, [alice])),
    ?assertEqual(nobody(), swap(bob)).

a_stream_in_a_held_context_begins_with_its_variables(_Config) ->
    py_context:with(fun() ->
        _ = eval_swap(bob),
        Items = [<<"bob">>, <<"alice">>, <<"alice">>, <<"bob">>],
        ?assertEqual(
            {ok, Items},
            py:stream_eval(<<"__import__('__main__').__dict__['slow_stream']('alice')">>)
        ),
        ?assertEqual({ok, <<"bob">>}, eval_swap(carol))
    end).

a_dropped_stream_cleans_up_in_its_own_context(_Config) ->
    ok = py:exec(<<"sys.unraisablehook = lambda u: unraisable.append(repr(u.exc_value))">>),
    {error, _} = py:stream('__main__', unconvertible, [alice]),
    ?assertEqual({ok, {[<<"alice">>], []}}, py:eval(<<"(ended, unraisable)">>)),
    ok = py:exec(<<"sys.unraisablehook = sys.__unraisablehook__">>).
