%% SPDX-License-Identifier: Apache-2.0
%% A nested call of the same function is admitted at once. Functions of limited concurrency call
%% themselves by way of Python in all possible ways.
-module(overload_nested_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(LIMIT, 20000).
%% Another name of `__main__'. Code in a held context finds the module by this name too.
-define(WAYS, overload_ways).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    Started = limited_calls:start(Config),
    ok = py:exec(<<
        "import contextvars, sys\n"
        "sys.modules['overload_ways'] = sys.modules['__main__']\n"
        "def down(ways):\n"
        "    return erlang.call('nest', ways)\n"
        "\n"
        "def down_timed(ways):\n"
        "    return erlang.call('nest', ways, timeout=20)\n"
        "\n"
        "def down_unlimited(ways):\n"
        "    return erlang.call('plain', ways)\n"
        "\n"
        "async def down_on_loop(ways):\n"
        "    return await erlang.async_call('nest', ways)\n"
        "\n"
        "def down_async(ways):\n"
        "    return asyncio.run(down_on_loop(ways))\n"
        "\n"
        "def down_to_thread(ways):\n"
        "    return asyncio.run(asyncio.to_thread(down, ways))\n"
        "\n"
        "def down_stream(ways):\n"
        "    yield down(ways)\n"
        "\n"
        "async def siblings(count):\n"
        "    return await asyncio.gather(*(async_outcome('leaf', n, {}) for n in range(count)))\n"
        "\n"
        "kept = []\n"
        "def keep():\n"
        "    kept[:] = [contextvars.copy_context()]\n"
        "    return in_kept()\n"
        "\n"
        "def in_kept():\n"
        "    return kept[0].run(outcome, 'once', None, {})\n"
    >>),
    Started.

end_per_suite(_Config) ->
    application:stop(erlang_python).

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    limited_calls:await_nobody().

ways() ->
    [call, timed, unlimited, async, to_thread, call_async, stream, held, loop, async_call, gather].

register_nest(Options) ->
    register_nest(Options, fun nest/1).

register_nest(Options, Nest) ->
    ok = py:register_function(nest, fun([Ways]) -> Nest(Ways) end, Options),
    ok = py:register_function(plain, fun([Ways]) -> value(in(down, Ways)) end).

nest([]) -> 0;
nest([Way | Ways]) -> 1 + value(ask(Way, Ways)).

value({ok, [Depth]}) -> Depth;
value({ok, Depth}) -> Depth;
value({error, Why}) -> error(Why).

ask(call, Ways) -> in(down, Ways);
ask(timed, Ways) -> in(down_timed, Ways);
ask(unlimited, Ways) -> in(down_unlimited, Ways);
ask(async, Ways) -> in(down_async, Ways);
ask(to_thread, Ways) -> in(down_to_thread, Ways);
ask(call_async, Ways) -> py:await(py:call_async(?WAYS, down, [Ways]), ?LIMIT);
ask(stream, Ways) -> py:stream(?WAYS, down_stream, [Ways]);
ask(held, Ways) -> py_context:with(fun() -> held(Ways) end);
ask(loop, Ways) -> limited_calls:on_loop(down_on_loop, [Ways]);
ask(async_call, Ways) -> py:async_await(py:async_call(?WAYS, down_on_loop, [Ways]), ?LIMIT);
ask(gather, Ways) -> py:async_gather([{?WAYS, down_on_loop, [Ways]}]).

in(Function, Ways) ->
    py:call(?WAYS, Function, [Ways], #{}, ?LIMIT).

%% A held context has globals of its own.
held(Ways) ->
    py:eval(<<"erlang.call('nest', ways)">>, #{ways => Ways}, ?LIMIT).

ten_deep_in_each_way(_Config) ->
    [
        begin
            register_nest(#{concurrency => 1, overload => Overload}),
            Ways = lists:duplicate(10, Way),
            %% From a thread, and from a loop.
            ?assertEqual({Way, {ok, 10}}, {Way, in(down, Ways)}),
            ?assertEqual({Way, {ok, 10}}, {Way, limited_calls:on_loop(down_on_loop, [Ways])}),
            limited_calls:await_nobody()
        end
     || Overload <- [refuse, wait], Way <- ways()
    ].

%% Nested calls are admitted at once; the outermost calls take turns.
ten_deep_in_random_ways_beside_others(_Config) ->
    Table = ets:new(outermost, [public]),
    [
        begin
            register_nest(#{concurrency => Limit, overload => wait}, fun
                (Ways) when length(Ways) =:= 10 -> counted(Table, Limit, Ways);
                (Ways) -> nest(Ways)
            end),
            Depths = in_processes:values(12, fun(N) ->
                _ = rand:seed(exsss, {Limit, N, 7}),
                Ways = [lists:nth(rand:uniform(length(ways())), ways()) || _ <- lists:seq(1, 10)],
                [
                    case N rem 2 of
                        0 -> in(down, Ways);
                        1 -> limited_calls:on_loop(down_on_loop, [Ways])
                    end
                 || _ <- [1, 2]
                ]
            end),
            ?assertEqual(lists:duplicate(12, [{ok, 10}, {ok, 10}]), Depths)
        end
     || Limit <- [1, 2]
    ],
    ?assertEqual([], [Wrong || Wrong = {{too_many, _}, _} <- ets:tab2list(Table)]).

counted(Table, Limit, Ways) ->
    true = ets:insert(Table, {self(), running}),
    Running = [Pid || {Pid, running} <- ets:tab2list(Table)],
    _ = [ets:insert(Table, {{too_many, Limit}, Running}) || length(Running) > Limit],
    Depth = nest(Ways),
    true = ets:delete(Table, self()),
    Depth.

%% Each sibling ends when all of them have begun.
siblings_run_at_once(_Config) ->
    [
        begin
            Top = self(),
            Leaf = fun
                ([top]) ->
                    {ok, Outcomes} = limited_calls:on_loop(siblings, [5]),
                    Outcomes;
                (_Sibling) ->
                    Top ! {begun, self()},
                    receive
                        go -> ok
                    end
            end,
            ok = py:register_function(leaf, Leaf, #{concurrency => 1, overload => Overload}),
            Call = limited_calls:begin_call(thread, leaf, top),
            Siblings = [
                receive
                    {begun, Pid} -> Pid
                after ?LIMIT -> error({only, Count})
                end
             || Count <- lists:seq(0, 4)
            ],
            ?assertEqual(#{running => 1, waiting => 0}, limited_calls:counts(leaf)),
            [Pid ! go || Pid <- Siblings],
            ?assertEqual(lists:duplicate(5, ok), limited_calls:outcome(Call))
        end
     || Overload <- [refuse, wait]
    ].

a_stranger_is_refused_meanwhile(_Config) ->
    Test = self(),
    register_nest(#{concurrency => 1}),
    ok = py:register_function(plain, fun([_Ways]) ->
        Test ! {at_bottom, self()},
        receive
            go -> 0
        end
    end),
    Call = limited_calls:begin_call(loop, nest, [call, async, unlimited]),
    Bottom =
        receive
            {at_bottom, Pid} -> Pid
        after ?LIMIT -> error(not_at_bottom)
        end,
    ?assertEqual(#{running => 1, waiting => 0}, limited_calls:counts(nest)),
    Stranger = limited_calls:begin_call(thread, nest, []),
    ?assertEqual(<<"Overloaded">>, limited_calls:outcome(Stranger)),
    Bottom ! go,
    ?assertEqual(3, limited_calls:outcome(Call)).

%% The context of the ended request still exists, but no ancestor waits for code that runs there
%% now.
what_outlives_its_request_is_a_stranger(_Config) ->
    Once = fun([Value]) ->
        case Value of
            none ->
                inner;
            _ ->
                {ok, During} = py:call(?WAYS, keep, []),
                Pid = spawn_monitor(fun() -> exit(py:call(?WAYS, in_kept, [])) end),
                {ok, Later} = death:reason(Pid, ?LIMIT),
                [During, Later]
        end
    end,
    ok = py:register_function(once, Once, #{concurrency => 1}),
    ?assertEqual(
        {ok, [inner, <<"Overloaded">>]}, py:call(?WAYS, outcome, [once, start, #{}])
    ).

a_death_in_the_middle_gives_all_places_back(_Config) ->
    Middle = fun([Depth]) ->
        case Depth of
            0 -> exit(self(), kill);
            _ -> value(py:call(?WAYS, outcome, [middle, Depth - 1, #{}]))
        end
    end,
    ok = py:register_function(middle, Middle, #{concurrency => 1}),
    [
        begin
            Call = limited_calls:begin_call(Kind, middle, 5),
            ?assertEqual(<<"Disconnected">>, limited_calls:outcome(Call)),
            limited_calls:await_nobody()
        end
     || Kind <- [thread, loop], _ <- lists:seq(1, 5)
    ].
