%% SPDX-License-Identifier: Apache-2.0
%% Functions with limited concurrency: calls that are refused, calls that wait, and calls that must
%% not wait.
-module(overload_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(LIMIT, 20000).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    limited_calls:start(Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

end_per_testcase(_Case, _Config) ->
    lists:foreach(fun py:unregister_function/1, py:registered()),
    limited_calls:await_nobody().

a_call_over_the_limit_is_refused_at_once(_Config) ->
    limited_calls:register_busy(#{concurrency => 2}),
    Inside = [limited_calls:begin_call(Kind, busy, 1) || Kind <- [thread, loop]],
    Workers = [limited_calls:entered(1) || _ <- Inside],
    Refused = [limited_calls:begin_call(Kind, busy, 2) || Kind <- [thread, loop]],
    [?assertEqual(<<"Overloaded">>, limited_calls:outcome(Call)) || Call <- Refused],
    ?assertEqual(
        {ok,
            {<<"busy: concurrency limit reached: 2 calls are running; wait=True waits for a place">>,
                {concurrency, 2}}},
        py:call('__main__', overload_text, [])
    ),
    ?assertEqual(#{running => 2, waiting => 0}, limited_calls:counts(busy)),
    [Worker ! go || Worker <- Workers],
    ?assertEqual([1, 1], [limited_calls:outcome(Call) || Call <- Inside]),
    ?assertEqual(#{}, maps:get(limited, py:info())).

a_caller_chooses_otherwise(_Config) ->
    [
        begin
            limited_calls:register_busy(#{concurrency => 1, overload => Overload}),
            First = limited_calls:begin_call(thread, busy, 1),
            Worker = limited_calls:entered(1),
            Refused = limited_calls:begin_call(Kind, busy, 2, #{wait => false}),
            ?assertEqual(<<"Overloaded">>, limited_calls:outcome(Refused)),
            Waits = limited_calls:begin_call(Kind, busy, 3, #{wait => true}),
            limited_calls:await_waiting(busy, 1),
            Worker ! go,
            limited_calls:entered(3) ! go,
            ?assertEqual([1, 3], [limited_calls:outcome(Call) || Call <- [First, Waits]])
        end
     || Overload <- [refuse, wait], Kind <- [thread, loop]
    ].

%% The gate has registered a call's end before the caller gets its result.
one_after_the_other_is_never_refused(_Config) ->
    ok = py:register_function(double_it, fun([X]) -> 2 * X end, #{concurrency => 1}),
    ok = py:register_function(fails, fun([]) -> error(no) end, #{concurrency => 1}),
    ?assertEqual({ok, lists:seq(0, 1998, 2)}, py:call('__main__', one_by_one, [1000])),
    ?assertEqual({ok, lists:seq(0, 1998, 2)}, py:call('__main__', one_by_one_async, [1000])),
    ?assertEqual({ok, [<<"Error">>]}, py:call('__main__', failures, [200])).

those_in_line_are_served_in_order(_Config) ->
    limited_calls:register_busy(#{concurrency => 1, overload => wait}),
    First = limited_calls:begin_call(thread, busy, 0),
    Worker = limited_calls:entered(0),
    Kinds = [lists:nth(1 + N rem 3, [thread, loop, context]) || N <- lists:seq(1, 30)],
    Numbered = lists:zip(lists:seq(1, 30), Kinds),
    Calls = [
        begin
            Call = limited_calls:begin_call(Kind, busy, N),
            limited_calls:await_waiting(busy, N),
            Call
        end
     || {N, Kind} <- Numbered
    ],
    Worker ! go,
    %% Each call enters when the call before has left.
    [limited_calls:entered(N) ! go || {N, _} <- Numbered],
    ?assertEqual(lists:seq(0, 30), [limited_calls:outcome(Call) || Call <- [First | Calls]]).

a_timeout_or_a_cancellation_leaves_the_line(_Config) ->
    limited_calls:register_busy(#{concurrency => 1, overload => wait}),
    First = limited_calls:begin_call(loop, busy, 1),
    Worker = limited_calls:entered(1),
    [
        ?assertEqual(
            <<"Timeout">>,
            limited_calls:outcome(limited_calls:begin_call(Kind, busy, 2, #{timeout => 0.05}))
        )
     || Kind <- [thread, loop]
    ],
    limited_calls:await_waiting(busy, 0),
    Cancelled = limited_calls:begin_call(loop, busy, 3),
    limited_calls:await_waiting(busy, 1),
    limited_calls:cancel(Cancelled),
    limited_calls:await_waiting(busy, 0),
    Last = limited_calls:begin_call(thread, busy, 4),
    limited_calls:await_waiting(busy, 1),
    Worker ! go,
    limited_calls:entered(4) ! go,
    ?assertEqual([1, 4], [limited_calls:outcome(Call) || Call <- [First, Last]]).

a_waiting_call_delays_no_other_call_of_its_loop(_Config) ->
    limited_calls:register_busy(#{concurrency => 1, overload => wait}),
    ok = py:register_function(double_it, fun([X]) -> 2 * X end),
    Calls = [limited_calls:begin_call(loop, busy, 1) || _ <- [1, 2]],
    limited_calls:await_waiting(busy, 1),
    ?assertEqual(42, limited_calls:outcome(limited_calls:begin_call(loop, double_it, 21))),
    [limited_calls:entered(1) ! go || _ <- Calls],
    ?assertEqual([1, 1], [limited_calls:outcome(Call) || Call <- Calls]).

a_higher_limit_lets_in_those_who_wait(_Config) ->
    Options = #{concurrency => 1, overload => wait},
    limited_calls:register_busy(Options),
    Calls = [limited_calls:begin_call(loop, busy, 1) || _ <- lists:seq(1, 6)],
    limited_calls:await_waiting(busy, 5),
    limited_calls:register_busy(Options#{concurrency := 3}),
    limited_calls:await_waiting(busy, 3),
    limited_calls:register_busy(#{}),
    limited_calls:await_waiting(busy, 0),
    [limited_calls:entered(1) ! go || _ <- Calls],
    ?assertEqual([1], lists:usort([limited_calls:outcome(Call) || Call <- Calls])).

a_lower_limit_lets_those_inside_go_on(_Config) ->
    limited_calls:register_busy(#{concurrency => 3, overload => wait}),
    Calls = [limited_calls:begin_call(thread, busy, 1) || _ <- [1, 2, 3]],
    [A, B, C] = [limited_calls:entered(1) || _ <- Calls],
    limited_calls:register_busy(#{concurrency => 1, overload => wait}),
    Late = limited_calls:begin_call(thread, busy, 2),
    limited_calls:await_waiting(busy, 1),
    [Worker ! go || Worker <- [A, B]],
    eventually:equal(#{running => 1, waiting => 1}, fun() -> limited_calls:counts(busy) end),
    C ! go,
    limited_calls:entered(2) ! go,
    ?assertEqual([1, 1, 1, 2], [limited_calls:outcome(Call) || Call <- Calls ++ [Late]]).

%% Calls in line are calls in progress.
unregistering_leaves_calls_in_line_alone(_Config) ->
    limited_calls:register_busy(#{concurrency => 1, overload => wait}),
    Calls = [limited_calls:begin_call(thread, busy, 1) || _ <- [1, 2, 3]],
    limited_calls:await_waiting(busy, 2),
    ok = py:unregister_function(busy),
    [limited_calls:entered(1) ! go || _ <- Calls],
    ?assertEqual([1, 1, 1], [limited_calls:outcome(Call) || Call <- Calls]).

a_dead_process_has_left(_Config) ->
    limited_calls:register_busy(#{concurrency => 1, overload => wait}),
    [
        begin
            Calls = [limited_calls:begin_call(Kind, busy, 1) || _ <- lists:seq(1, 4)],
            %% Each call gets the place that the call before has left.
            [death:kill(limited_calls:entered(1)) || _ <- Calls],
            Ends = [limited_calls:outcome(Call) || Call <- Calls],
            ?assertEqual([<<"Disconnected">>], lists:usort(Ends))
        end
     || Kind <- [thread, loop]
    ].

a_dead_handler_gives_back_all_places_and_turns(_Config) ->
    limited_calls:register_busy(#{concurrency => 2, overload => wait}),
    Calls = [limited_calls:begin_call(loop, busy, 1) || _ <- lists:seq(1, 6)],
    [Worker, _] = [limited_calls:entered(1) || _ <- [1, 2]],
    limited_calls:await_waiting(busy, 4),
    Others = [limited_calls:begin_call(thread, busy, 2) || _ <- [1, 2, 3]],
    limited_calls:await_waiting(busy, 7),
    {parent, Handler} = process_info(Worker, parent),
    death:kill(Handler),
    Ends = [limited_calls:outcome(Call) || Call <- Calls],
    ?assertEqual([<<"Disconnected">>], lists:usort(Ends)),
    [limited_calls:entered(2) ! go || _ <- Others],
    ?assertEqual([2, 2, 2], [limited_calls:outcome(Call) || Call <- Others]).

a_dead_gatekeeper_loses_nobody_inside(_Config) ->
    limited_calls:register_busy(#{concurrency => 2, overload => wait}),
    Inside = [limited_calls:begin_call(Kind, busy, 1) || Kind <- [thread, loop]],
    [A, B] = [limited_calls:entered(1) || _ <- Inside],
    Waiting = [limited_calls:begin_call(Kind, busy, 2) || Kind <- [thread, loop]],
    limited_calls:await_waiting(busy, 2),
    death:kill(py_function_limiter),
    Ends = [limited_calls:outcome(Call) || Call <- Waiting],
    ?assertEqual([<<"Disconnected">>], lists:usort(Ends)),
    eventually:true(fun() -> is_pid(whereis(py_function_limiter)) end),
    ?assertEqual(#{running => 2, waiting => 0}, limited_calls:counts(busy)),
    Late = limited_calls:begin_call(thread, busy, 3),
    limited_calls:await_waiting(busy, 1),
    A ! go,
    death:kill(limited_calls:entered(3)),
    ?assertEqual(<<"Disconnected">>, limited_calls:outcome(Late)),
    B ! go,
    ?assertEqual([1, 1], [limited_calls:outcome(Call) || Call <- Inside]).

stopping_the_application_ends_those_in_line(Config) ->
    limited_calls:register_busy(#{concurrency => 1, overload => wait}),
    Calls = [limited_calls:begin_call(own_thread, busy, 1) || _ <- lists:seq(1, 5)],
    limited_calls:await_waiting(busy, 4),
    ok = application:stop(erlang_python),
    _ = limited_calls:start(Config),
    {ok, Ends} = py:call('__main__', ends_of_threads, [], #{}, ?LIMIT),
    _ = [limited_calls:stopped(Call) || Call <- Calls],
    ?assertEqual(lists:duplicate(5, <<"Disconnected">>), Ends).

%% Every limit holds at every moment, every call ends, and no call is left inside.
random_load_keeps_every_limit(_Config) ->
    Limits = [{one, 1}, {two, 2}, {five, 5}],
    Table = ets:new(running, [public]),
    [
        ok = py:register_function(
            Name,
            fun(Args) -> limited_calls:counted(Table, Name, Limit, Args) end,
            #{concurrency => Limit, overload => wait}
        )
     || {Name, Limit} <- Limits
    ],
    Names = [Name || {Name, _} <- Limits],
    Ends = in_processes:values(24, fun(N) ->
        case N rem 2 of
            0 -> py:call('__main__', random_calls, [N, 40, Names], #{}, 60000);
            1 -> limited_calls:on_loop(random_async_calls, [N, 40, Names])
        end
    end),
    Outcomes = lists:append([Each || {ok, Each} <- Ends]),
    ?assertEqual(24 * 40, length(Outcomes)),
    Allowed = [ok, <<"Overloaded">>, <<"Timeout">>, <<"CancelledError">>],
    ?assertEqual([], lists:usort(Outcomes) -- Allowed),
    ?assert(lists:member(ok, Outcomes)),
    limited_calls:await_nobody(),
    ?assertEqual([], [Wrong || Wrong = {{too_many, _}, _} <- ets:tab2list(Table)]).
