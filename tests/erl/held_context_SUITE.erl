%% SPDX-License-Identifier: Apache-2.0
%% Contexts that one process holds exclusively.
-module(held_context_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    _ = application:load(erlang_python),
    Options = #{contexts => 2, max_contexts => 3},
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, Options),
    {ok, _} = application:ensure_all_started(erlang_python),
    [{options, maps:keys(Options)} | Config].

end_per_suite(Config) ->
    _ = application:stop(erlang_python),
    lists:foreach(
        fun(Key) -> application:unset_env(erlang_python, Key) end,
        proplists:get_value(options, Config)
    ).

end_per_testcase(_Case, _Config) ->
    ok = py:release_context(),
    lists:foreach(fun py:unregister_function/1, py:registered()),
    settled(),
    ?assertEqual([<<"main">>], main_only()),
    mailbox:assert_empty().

settled() ->
    eventually:true(fun() ->
        #{contexts := #{busy := Busy, stale := Stale}} = py:info(),
        Busy + Stale =:= 0
    end).

%% Requests on free contexts never see the globals of a held context.
main_only() ->
    ok = py:exec(<<"where = 'main'">>),
    lists:usort([
        Value
     || {ok, Value} <- in_processes:values(6, fun(_) -> py:eval(<<"where">>) end)
    ]).

all_calls_run_on_one_thread(_Config) ->
    ok = py:context(),
    Others = [spawn_monitor(fun() -> py:call(time, sleep, [0.01]) end) || _ <- [1, 2]],
    Threads = [py:call(threading, get_ident, []) || _ <- lists:seq(1, 20)],
    ?assertMatch([{ok, _}], lists:usort(Threads)),
    [
        receive
            {'DOWN', Monitor, process, Pid, _} -> ok
        end
     || {Pid, Monitor} <- Others
    ].

its_globals_are_its_own(_Config) ->
    ok = py:exec(<<"shared = 1">>),
    Values = in_processes:values(3, fun(N) ->
        ok = py:context(),
        {error, {'NameError', _}} = py:eval(<<"shared">>),
        ok = py:exec(<<"mine = 0">>),
        [ok = py:exec(<<"mine += 1">>) || _ <- lists:seq(1, N)],
        {ok, [One]} = py:stream_eval(<<"[mine for _ in range(1)]">>),
        {ok, One} = py:eval(<<"mine">>),
        {ok, <<"__main__">>} = py:eval(<<"__name__">>),
        One
    end),
    ?assertEqual([1, 2, 3], Values),
    ?assertMatch({error, {'NameError', _}}, py:eval(<<"mine">>)),
    ?assertEqual({ok, 1}, py:eval(<<"shared">>)).

functions_of_its_own_are_called_by_main(_Config) ->
    ok = py:exec(<<"def which(): return 'everybody'">>),
    Value = py_context:with(fun() ->
        ?assertMatch({error, {'AttributeError', _}}, py:call('__main__', which, [])),
        ok = py:exec(<<"def which(): return 'mine'">>),
        py:call('__main__', which, [])
    end),
    ?assertEqual({ok, <<"mine">>}, Value),
    ?assertEqual({ok, <<"everybody">>}, py:call('__main__', which, [])).

its_globals_end_with_it(_Config) ->
    ok = py:context(),
    ok = py:exec(<<"mine = 1">>),
    ok = py:release_context(),
    ok = py:release_context(),
    ok = py:context(),
    ?assertMatch({error, {'NameError', _}}, py:eval(<<"mine">>)).

a_dead_process_releases_it(_Config) ->
    Test = self(),
    Holders = [
        spawn(fun() ->
            Test ! {self(), py:context()},
            _ = py:exec(<<"where = 'held'">>),
            receive
                never -> ok
            end
        end)
     || _ <- [1, 2, 3]
    ],
    [
        receive
            {Holder, Result} -> ?assertEqual(ok, Result)
        end
     || Holder <- Holders
    ],
    ?assertEqual({error, timeout}, py:eval(<<"1">>, #{}, 20)),
    [death:kill(Holder) || Holder <- Holders],
    ?assertEqual({ok, 1}, py:eval(<<"1">>, #{}, 5000)).

with_releases_it_when_the_function_fails(_Config) ->
    ?assertError(oops, py_context:with(fun() -> error(oops) end)),
    ?assertThrow(oops, py_context:with(fun() -> throw(oops) end)),
    ?assertEqual(done, py_context:with(fun() -> done end, 1000)),
    ?assertError(badarg, py_context:with(not_a_function)).

holding_again_changes_nothing(_Config) ->
    ok = py:context(),
    ok = py:exec(<<"mine = 1">>),
    ok = py:context(0),
    ?assertEqual({ok, 1}, py_context:with(fun() -> py:eval(<<"mine">>) end)),
    ?assertEqual({ok, 1}, py:eval(<<"mine">>)).

held_contexts_count_for_the_limit(_Config) ->
    Test = self(),
    Holders = [
        spawn(fun() ->
            ok = py:context(),
            Test ! {holds, self()},
            receive
                stop -> ok
            end
        end)
     || _ <- [1, 2, 3]
    ],
    [
        receive
            {holds, Holder} -> ok
        end
     || Holder <- Holders
    ],
    ?assertEqual({error, timeout}, py:context(20)),
    ?assertEqual({error, timeout}, py_context:with(fun() -> ok end, 20)),
    hd(Holders) ! stop,
    ?assertEqual(ok, py:context(5000)),
    [Holder ! stop || Holder <- Holders].

interrupted_code_leaves_the_globals(_Config) ->
    ok = py:context(),
    ok = py:exec(<<"mine = 1">>),
    ?assertEqual(
        lists:duplicate(5, {error, timeout}),
        [py:eval(<<"[None for _ in iter(int, 1)]">>, #{}, 20) || _ <- lists:seq(1, 5)]
    ),
    ?assertEqual({ok, 1}, py:eval(<<"mine">>)).

stuck_code_gets_the_context_replaced(_Config) ->
    ok = py:context(),
    ok = py:exec(<<"mine = 1">>),
    {ok, Thread} = py:call(threading, get_ident, []),
    ?assertEqual({error, timeout}, py:call(time, sleep, [3], #{}, 20)),
    %% The interrupted code may still end during the next request.
    ?assertEqual({error, timeout}, py:eval(<<"mine">>, #{}, 20)),
    ?assertMatch({error, {'NameError', _}}, py:eval(<<"mine">>, #{}, 5000)),
    ?assertNotEqual({ok, Thread}, py:call(threading, get_ident, [])),
    ok = py:exec(<<"mine = 2">>),
    ?assertEqual({ok, 2}, py:eval(<<"mine">>)).

a_callback_does_not_keep_it(_Config) ->
    ok = py:register_function(hold, fun([]) ->
        ok = py:context(),
        ok = py:exec(<<"where = 'held'">>),
        {ok, Where} = py:eval(<<"where">>),
        Where
    end),
    ?assertEqual({ok, <<"held">>}, py:eval(<<"erlang.call('hold')">>)),
    ?assertEqual({ok, <<"held">>}, py:eval(<<"erlang.call('hold')">>)).

a_callback_may_hold_one(_Config) ->
    %% The inner function runs in the same process while the outer function holds no context.
    ok = py:register_function(outer, fun([]) -> element(2, py:eval(<<"erlang.call('inner')">>)) end),
    ok = py:register_function(inner, fun([]) ->
        py_context:with(fun() ->
            ok = py:exec(<<"where = 'inner'">>),
            element(2, py:eval(<<"where">>))
        end)
    end),
    ?assertEqual({ok, <<"inner">>}, py:eval(<<"erlang.call('outer')">>)).

a_killed_pool_replaces_it(_Config) ->
    ok = py:context(),
    ok = py:exec(<<"mine = 1">>),
    death:kill(py_context_pool),
    %% A process has its name before it starts to work.
    eventually:true(fun() -> is_pid(whereis(py_context_pool)) end),
    _ = py_context_pool:info(),
    ?assertMatch({error, {'NameError', _}}, py:eval(<<"mine">>)),
    ok = py:exec(<<"mine = 2">>),
    ?assertEqual({ok, 2}, py:eval(<<"mine">>)).
