%% SPDX-License-Identifier: Apache-2.0
%% A property: many callers act at the same time, time out and die at any moment. Afterwards
%% contexts, threads, processes and messages are as before.
%%
%% The environment variable CHURN_SEED repeats a failed run; the log has the seed. CHURN_SECONDS
%% makes the runs longer.
-module(churn_SUITE).

-include_lib("proper/include/proper.hrl").
-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(CONTEXTS, 2).
-define(MAX_CONTEXTS, 4).

%% How long the property is tried, in seconds, and the least number of runs.
-define(TRY_FOR, "15").
-define(AT_LEAST, 5).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    _ = application:load(erlang_python),
    Options = #{
        contexts => ?CONTEXTS, max_contexts => ?MAX_CONTEXTS, context_idle_timeout => 20
    },
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, Options),
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:register_function(back, fun([Code]) -> element(1, py:eval(Code, #{}, 1000)) end),
    ok = py:register_function(wait, fun([Milliseconds]) -> timer:sleep(Milliseconds) end),
    ok = py:exec(<<
        "import asyncio, erlang, threading, time\n"
        "def spin():\n"
        "    while True: pass\n"
        "def slowly(count):\n"
        "    for item in range(count):\n"
        "        time.sleep(0.002)\n"
        "        yield item\n"
    >>),
    %% The default loop starts at its first use, and then stays.
    {ok, _} = py:async_gather([{math, sqrt, [4]}]),
    [{options, maps:keys(Options)} | Config].

end_per_suite(Config) ->
    _ = application:stop(erlang_python),
    lists:foreach(
        fun(Key) -> application:unset_env(erlang_python, Key) end,
        proplists:get_value(options, Config)
    ).

any_interleaving_leaves_everything_as_it_was(_Config) ->
    Before = quiet(),
    Seed = seed(),
    ct:log("CHURN_SEED=~b", [Seed]),
    Seconds = list_to_integer(os:getenv("CHURN_SECONDS", ?TRY_FOR)),
    Deadline = erlang:monotonic_time(millisecond) + 1000 * Seconds,
    Rounds = try_until(Deadline, Before, Seed, 0),
    ct:log("~b rounds; ~tp", [Rounds, Before]).

%% A new seed for each run, unless CHURN_SEED gives one.
seed() ->
    case os:getenv("CHURN_SEED", "") of
        "" -> rand:uniform(1_000_000_000);
        Seed -> list_to_integer(Seed)
    end.

try_until(Deadline, Before, Seed, Round) ->
    case Round < ?AT_LEAST orelse erlang:monotonic_time(millisecond) < Deadline of
        true ->
            {ok, Callers} = proper_gen:pick(
                list(caller()), min(40, 5 + Round), {Seed, Round, 0}
            ),
            case leaves_no_trace(Callers, Before) of
                yes ->
                    try_until(Deadline, Before, Seed, Round + 1);
                No ->
                    ct:pal("CHURN_SEED=~b, round ~b: ~tp~n~tp", [Seed, Round, No, Callers]),
                    ct:fail({'CHURN_SEED', Seed, {round, Round}, No})
            end;
        false ->
            Round
    end.

leaves_no_trace(Callers, Before) ->
    try
        Ended = [await(Caller) || Caller <- [start(Caller) || Caller <- Callers]],
        Strays = [Messages || {stray, Messages} <- Ended],
        case {Strays, quiet_as(Before)} of
            {[], Before} -> yes;
            {_, After} -> {no, {strays, Strays}, {before, Before}, {'after', After}}
        end
    catch
        error:Reason:Stack -> {no, Reason, Stack, info_or_failure()}
    end.

info_or_failure() ->
    try
        py:info()
    catch
        Class:Reason -> {Class, Reason}
    end.

%% A caller performs actions one after another, unless it is killed first.
caller() ->
    {list(action()), frequency([{3, never}, {2, {after_ms, choose(0, 30)}}])}.

action() ->
    oneof([
        {eval, oneof(code()), timeout_ms()},
        {async, oneof(code()), timeout_ms()},
        {coroutine, choose(0, 20), timeout_ms()},
        {cast, choose(0, 10)},
        {stream, choose(0, 8)},
        {hold, timeout_ms()},
        release,
        {gather, choose(0, 10)}
    ]).

code() ->
    [
        <<"1 + 1">>,
        <<"1 / 0">>,
        <<"spin()">>,
        <<"time.sleep(0.01)">>,
        <<"erlang.call('back', '2 + 2')">>,
        <<"erlang.call('back', 'erlang.call(\"back\", \"time.sleep(0.003)\")')">>,
        <<"erlang.call('wait', 5)">>,
        <<"erlang.call('wait', 1000)">>,
        <<"asyncio.run(erlang.function('wait').aio(2))">>
    ].

timeout_ms() ->
    oneof([0, 1, 3, 10, 40]).

start({Actions, Fate}) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit(run(Actions)) end),
    _ = [timer:kill_after(Time, Pid) || {after_ms, Time} <- [Fate]],
    {Pid, Monitor}.

await(Caller) ->
    death:reason(Caller, 30000).

run(Actions) ->
    lists:foreach(fun act/1, Actions),
    %% No message comes for a given-up call later.
    py:release_context(),
    timer:sleep(20),
    case process_info(self(), messages) of
        {messages, []} -> none;
        {messages, Messages} -> {stray, Messages}
    end.

%% A held context has globals of its own, with `spin()' too.
act({eval, Code, Timeout}) ->
    py:eval(Code, #{}, Timeout);
act({async, Code, Timeout}) ->
    py:await(py:call_async(builtins, eval, [Code, #{}]), Timeout),
    py:await(py:call_async('__main__', spin, []), Timeout);
act({coroutine, Time, Timeout}) ->
    py:async_await(py:async_call(asyncio, sleep, [Time / 1000]), Timeout);
act({cast, Time}) ->
    py:cast(time, sleep, [Time / 1000]);
act({stream, Count}) ->
    py:stream('__main__', slowly, [Count]);
act({hold, Timeout}) ->
    py:context(Timeout);
act(release) ->
    py:release_context();
act({gather, Count}) ->
    py:async_gather([{asyncio, sleep, [0.001]} || _ <- lists:seq(1, Count)]).

%% Everything that could be left behind, once nothing runs any more.
quiet() ->
    Quiet = #{
        busy => 0, stale => 0, starting => 0, waiting => 0, idle => ?CONTEXTS, total => ?CONTEXTS
    },
    eventually:equal(Quiet, fun() -> maps:without([given_up, threads], maps:get(contexts, py:info())) end),
    snapshot().

%% Gives everything that ends by itself the time to end.
quiet_as(Before) ->
    quiet_as(Before, erlang:monotonic_time(millisecond) + 10000).

quiet_as(Before, Deadline) ->
    case quiet() of
        Before ->
            Before;
        After ->
            case erlang:monotonic_time(millisecond) < Deadline of
                true -> quiet_as(Before, Deadline);
                false -> After
            end
    end.

snapshot() ->
    {ok, Threads} = py:eval(<<"sorted(t.name for t in __import__('threading').enumerate())">>),
    #{in_flight := InFlight} = py:info(),
    #{
        python_threads => [Name || Name <- Threads, not is_context(Name)],
        workers => [Pid || Pid <- processes(), is_worker(Pid)],
        in_flight => InFlight,
        loops => length(py_loop_registry:all()),
        queued => lists:sum([queued(Name) || Name <- registered_names()])
    }.

%% Processes that work for a caller. Handlers stay for the next call.
is_worker(Pid) ->
    case process_info(Pid, [current_stacktrace, registered_name]) of
        [{current_stacktrace, Frames}, {registered_name, []}] ->
            [] =/= [Module || {Module, _, _, _} <- Frames, is_of_calls(Module)];
        _ ->
            false
    end.

is_of_calls(Module) ->
    lists:member(Module, [
        py,
        py_context,
        py_context_held,
        py_function_call,
        py_request_async,
        py_request_stream,
        py_request_wait
    ]).

%% Python's names of threads that Python did not start.
is_context(Name) ->
    string:prefix(Name, <<"Dummy">>) =/= nomatch.

registered_names() ->
    {ok, Names} = application:get_key(erlang_python, registered),
    Names.

queued(Name) ->
    case whereis(Name) of
        undefined -> 0;
        Pid -> element(2, process_info(Pid, message_queue_len))
    end.

three_times_as_many_as_contexts_one_after_another(_Config) ->
    Count = 3 * ?MAX_CONTEXTS,
    {Time, Results} = timer:tc(fun() ->
        [py:eval(<<"[None for _ in iter(int, 1)]">>, #{}, 100) || _ <- lists:seq(1, Count)]
    end),
    ?assertEqual(lists:duplicate(Count, {error, timeout}), Results),
    ct:log("~b ms for each", [Time div Count div 1000]),
    Callers = [spawn(fun() -> py:call('__main__', spin, []) end) || _ <- lists:seq(1, Count)],
    eventually:equal(?MAX_CONTEXTS, fun() -> maps:get(busy, maps:get(contexts, py:info())) end),
    [death:kill(Caller) || Caller <- Callers],
    ?assertEqual({ok, 2}, py:eval(<<"1 + 1">>, #{}, 5000)),
    quiet(),
    mailbox:assert_empty().

three_times_as_many_that_can_not_be_interrupted(_Config) ->
    %% The threads return in the end; the pool does not wait for them.
    Count = 3 * ?MAX_CONTEXTS,
    Sleep = fun() -> py:call(time, sleep, [8], #{}, 50) end,
    until_given_up(interrupted_code:given_up() + Count, Sleep),
    ?assertEqual({ok, 2}, py:eval(<<"1 + 1">>, #{}, 5000)),
    Callers = [spawn_monitor(Sleep) || _ <- lists:seq(1, ?MAX_CONTEXTS)],
    [death:kill(Caller) || {Caller, _} <- Callers],
    ?assertEqual({ok, 2}, py:eval(<<"1 + 1">>, #{}, 5000)),
    [await(Caller) || Caller <- Callers],
    quiet(),
    mailbox:assert_empty().

%% Runs more calls than `Goal' when the machine is busy: a call may time out before it has a
%% context, or before its thread has begun.
until_given_up(Goal, Sleep) ->
    ?assertEqual({error, timeout}, Sleep()),
    _ = [until_given_up(Goal, Sleep) || interrupted_code:given_up() < Goal],
    ok.
