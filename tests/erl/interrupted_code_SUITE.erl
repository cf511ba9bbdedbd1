%% SPDX-License-Identifier: Apache-2.0
%% Interruptions of realistic code leave nothing behind. No lock is held, no loop or thread goes on,
%% and other code runs as before.
%%
%% Each case interrupts its function many times, by time-outs and by the death of callers, while
%% earlier runs of the same function still end. The functions are those of `interrupted_code'.
-module(interrupted_code_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(TIMES, 40).

all() ->
    Groups = [{group, Function} || Function <- interrupted_code:functions()],
    Groups ++ (cases:of_suite(?MODULE) -- [interrupting]).

groups() ->
    [{Function, [interrupting]} || Function <- interrupted_code:functions()].

init_per_suite(Config) ->
    ok = interrupted_code:start(),
    Config.

end_per_suite(_Config) ->
    interrupted_code:stop().

init_per_testcase(_Case, Config) ->
    ok = python_side:register_tell(),
    [{usage, interrupted_code:usage()} | Config].

end_per_testcase(_Case, Config) ->
    ok = interrupted_code:assert_nothing_left(proplists:get_value(usage, Config)),
    mailbox:assert_empty().

interrupting(Config) ->
    GivenUp = interrupted_code:given_up(),
    Properties = proplists:get_value(tc_group_properties, Config),
    Function = proplists:get_value(name, Properties),
    lists:foreach(
        fun(N) ->
            Way = lists:nth(N rem 2 + 1, [timed_out, caller_died]),
            ok = interrupted_code:interrupt(Way, Function, N rem 10)
        end,
        lists:seq(1, ?TIMES)
    ),
    interrupted_code:at_rest(),
    %% On a busy machine some runs may need longer than the allowed second.
    ?assert(interrupted_code:given_up() - GivenUp < ?TIMES div 4).

%% Interrupts a function after it reports its begin. Returns the second report: how the function
%% ended.
interrupt_begun(Function) ->
    ct:log("~s", [Function]),
    Caller = spawn(fun() -> py:call(interrupted_places, Function, [], #{}, infinity) end),
    ?assertEqual({Function, <<"begun">>}, {Function, python_side:told()}),
    death:kill(Caller),
    python_side:told().

%% Code that acquires or releases something is not interrupted there.
only_code_that_can_bear_it_is_interrupted(_Config) ->
    lists:foreach(
        fun(Function) ->
            ?assertEqual({Function, <<"outside">>}, {Function, interrupt_begun(Function)})
        end,
        [
            busy_in_exit,
            busy_in_enter,
            busy_in_del,
            busy_in_acquire,
            busy_in_finally,
            busy_in_finally_after_an_error,
            busy_in_finally_of_a_generator,
            busy_before_try,
            trying_to_take,
            repeating_nothing,
            repeating_alone_in_try,
            repeating_nothing_in_try,
            computing_attributes,
            jumping_out_of_with,
            loop_in_finally,
            busy_in_library_without_loop,
            waiting_in_c,
            busy_in_c
        ]
    ).

long_code_of_the_library_is_interrupted_where_its_loop_goes_on(_Config) ->
    ?assertEqual(<<"inside">>, interrupt_begun(busy_in_loop_of_library)).

a_loops_main_task_is_cancelled(_Config) ->
    lists:foreach(
        fun(Runner) ->
            ?assertEqual({Runner, <<"CancelledError">>}, {Runner, interrupt_begun(Runner)})
        end,
        [told_by_asyncio, told_by_uvloop]
    ).

a_loop_that_goes_on_after_its_cancellation_ends(_Config) ->
    lists:foreach(
        fun(Runner) ->
            ?assertEqual({Runner, <<"Interrupted">>}, {Runner, interrupt_begun(Runner)})
        end,
        [deaf_asyncio, deaf_uvloop]
    ).

%% CPython 3.11 restarts a traced function as long as an asynchronous exception seems to be pending
%% in any thread.
a_traced_function_begins_after_interruptions(_Config) ->
    ok = py:register_function(nested, fun([Timeout]) ->
        _ = py:call(interrupted_code, spin, [], #{}, Timeout),
        py:call(math, sqrt, [16]),
        none
    end),
    ok = py:register_function(hang, fun(_) ->
        receive
            never -> ok
        end
    end),
    lists:foreach(
        fun({Function, Args, Timeout}) ->
            _ = py:call(interrupted_code, Function, Args, #{}, Timeout),
            ?assertEqual({ok, 3}, py:call(interrupted_code, traced, [], #{}, 20000))
        end,
        [
            {abs, [1], 1000},
            {spin, [], 20},
            {waiting_for_erlang, [], 20},
            {sleeping, [], 20},
            {nesting, [20], 1000},
            {nesting, [1000], 20}
        ]
    ),
    lists:foreach(fun py:unregister_function/1, [nested, hang]).
