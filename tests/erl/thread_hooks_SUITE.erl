%% SPDX-License-Identifier: Apache-2.0
%% Functions that observe Python code. Hooks for all threads apply to requests; a hook that a
%% request sets ends with the request.
-module(thread_hooks_SUITE).

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
    {ok, none} = call(no_hooks),
    ok = py:release_context(),
    lists:foreach(fun py:unregister_function/1, py:registered()),
    mailbox:assert_empty().

source() ->
    <<"import sys, threading\n"
      "traced, profiled = [], []\n"
      "\n"
      "def trace(frame, event, arg): traced.append(frame.f_code.co_name)\n"
      "def other_trace(frame, event, arg): traced.append('other ' + frame.f_code.co_name)\n"
      "def profile(frame, event, arg): profiled.append(frame.f_code.co_name)\n"
      "def observe(tracer, profiler):\n"
      "    sys.settrace(globals().get(tracer))\n"
      "    sys.setprofile(globals().get(profiler))\n"
      "def observed():\n"
      "    names = [getattr(f, '__name__', None) for f in (sys.gettrace(), sys.getprofile())]\n"
      "    return names\n"
      "async def aobserved(): return observed()\n"
      "def hook(tracer, profiler):\n"
      "    threading.settrace(globals().get(tracer))\n"
      "    threading.setprofile(globals().get(profiler))\n"
      "def no_hooks():\n"
      "    hook(None, None)\n"
      "    traced.clear()\n"
      "    profiled.clear()\n"
      "def seen(name): return [name in traced, name in profiled, 'other ' + name in traced]\n"
      "def marked(): return 'marked'\n"
      "def call_marked(): return erlang.call('nest')\n"
      "async def amarked(): return marked()\n"
      "def wait_in_thread():\n"
      "    values = []\n"
      "    def work():\n"
      "        threading.settrace(trace)\n"
      "        threading.setprofile(profile)\n"
      "        values.append(erlang.call('nest'))\n"
      "        values.extend(observed())\n"
      "    thread = threading.Thread(target=work)\n"
      "    thread.start()\n"
      "    thread.join()\n"
      "    return values\n">>.

call(Function) ->
    call(Function, []).

call(Function, Args) ->
    py:call('__main__', Function, Args).

with_loop(Options, Fun) ->
    {ok, Loop} = py_loop:start_link(Options),
    Fun(Loop),
    ok = py_loop:stop(Loop).

a_trace_function_ends_with_its_request(_Config) ->
    {ok, none} = call(observe, [trace, profile]),
    ?assertEqual({ok, [none, none]}, call(observed)).

a_held_context_keeps_its_trace_function(_Config) ->
    Main = <<"__import__('__main__').__dict__">>,
    py_context:with(fun() ->
        {ok, none} = py:eval(<<Main/binary, "['observe']('trace', 'profile')">>),
        ?assertEqual(
            {ok, [<<"trace">>, <<"profile">>]}, py:eval(<<Main/binary, "['observed']()">>)
        )
    end),
    ?assertEqual({ok, [none, none]}, call(observed)).

hooks_for_threads_hold_in_requests(_Config) ->
    {ok, none} = call(hook, [trace, profile]),
    {ok, <<"marked">>} = call(marked),
    ?assertEqual({ok, [true, true, false]}, call(seen, [marked])),
    {ok, none} = call(no_hooks),
    %% The same in a nested request.
    {ok, none} = call(hook, [trace, profile]),
    ok = py:register_function(nest, fun([]) ->
        {ok, Value} = call(marked),
        Value
    end),
    {ok, <<"marked">>} = call(call_marked),
    ?assertEqual({ok, [true, true, false]}, call(seen, [marked])).

a_changed_hook_is_followed(_Config) ->
    {ok, none} = call(hook, [trace, profile]),
    {ok, <<"marked">>} = call(marked),
    {ok, none} = call(no_hooks),
    {ok, <<"marked">>} = call(marked),
    ?assertEqual({ok, [false, false, false]}, call(seen, [marked])),
    {ok, none} = call(hook, [trace, none]),
    {ok, <<"marked">>} = call(marked),
    {ok, none} = call(hook, [other_trace, none]),
    {ok, none} = py:eval(<<"traced.clear()">>),
    {ok, <<"marked">>} = call(marked),
    ?assertEqual({ok, [false, false, true]}, call(seen, [marked])).

a_request_clears_no_hook_for_the_next(_Config) ->
    {ok, none} = call(hook, [trace, profile]),
    {ok, none} = call(observe, [none, none]),
    {ok, <<"marked">>} = call(marked),
    ?assertEqual({ok, [true, true, false]}, call(seen, [marked])),
    {ok, none} = call(observe, [other_trace, none]),
    ?assertEqual({ok, [<<"trace">>, <<"profile">>]}, call(observed)).

hooks_for_threads_hold_in_coroutines(_Config) ->
    [
        with_loop(#{loop => Kind}, fun(Loop) ->
            {ok, [none, none]} = py_loop:call(Loop, '__main__', aobserved, []),
            %% A loop that already runs uses the new hooks.
            ok = py:exec(<<"hook('trace', 'profile')">>),
            {ok, <<"marked">>} = py_loop:call(Loop, '__main__', amarked, []),
            ok = py:exec(<<"hook(None, None)">>),
            ?assertEqual({ok, [true, true, false]}, py:eval(<<"seen('amarked')">>)),
            {ok, none} = py:eval(<<"no_hooks()">>)
        end)
     || Kind <- [asyncio, uvloop]
    ].

%% A thread that began before the hooks were set has no hooks.
a_waiting_thread_goes_on_without(_Config) ->
    ok = py:register_function(nest, fun([]) ->
        {ok, Value} = call(marked),
        Value
    end),
    [
        begin
            ?assertEqual({ok, [<<"marked">>, none, none]}, call(wait_in_thread)),
            ?assertEqual({ok, [true, true, false]}, call(seen, [marked])),
            {ok, none} = call(no_hooks)
        end
     || _ <- [1, 2]
    ].
