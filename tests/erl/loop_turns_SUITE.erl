%% SPDX-License-Identifier: Apache-2.0
%% However many coroutines arrive at once, the hosted loop's own coroutines get their turns in
%% between.
-module(loop_turns_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

%% The upper limit of coroutines that begin in one turn, with some room for changes.
-define(MOST, 500).

all() ->
    both_loops:all().

groups() ->
    both_loops:groups(cases:of_suite(?MODULE)).

init_per_suite(Config) ->
    python_side:start(source(), Config).

end_per_suite(_Config) ->
    application:stop(erlang_python).

source() ->
    <<"import asyncio, time, warnings\n"
      "turn = 0\n"
      "begun, cancelled = [], []\n"
      "async def main():\n"
      "    global turn\n"
      "    while True:\n"
      "        await asyncio.sleep(0)\n"
      "        turn += 1\n"
      "async def value(of):\n"
      "    return of\n"
      "def begin(seconds):\n"
      "    time.sleep(seconds)\n"
      "    return value(turn)\n"
      "async def stay():\n"
      "    begun.append(turn)\n"
      "    try:\n"
      "        await asyncio.get_running_loop().create_future()\n"
      "    finally:\n"
      "        cancelled.append(turn)\n"
      "async def turns(of, count):\n"
      "    found = globals()[of]\n"
      "    while len(found) < count:\n"
      "        await asyncio.sleep(0)\n"
      "    assert len(found) == count\n"
      "    return [found.pop() for _ in range(count)]\n"
      "def be_interrupted():\n"
      "    try:\n"
      "        erlang.call('hang')\n"
      "    except erlang.Interrupted:\n"
      "        erlang.call('tell', 'interrupted')\n"
      "async def hold_up():\n"
      "    with warnings.catch_warnings(action='ignore'):\n"
      "        erlang.call('hold_up')\n">>.

coroutines_that_come_at_once_begin_in_many_turns(Config) ->
    assert_many_turns(turns_of_beginners(2000, 0, Config)).

a_coroutine_that_begins_slowly_has_a_turn_of_its_own(Config) ->
    Turns = turns_of_beginners(20, 0.01, Config),
    ?assertEqual(20, length(lists:usort(Turns))).

coroutines_abandoned_at_once_are_cancelled_in_many_turns(Config) ->
    Loop = start(Config),
    {ok, Channel} = py_loop_registry:channel(Loop),
    Handles = [submit(Channel, make_ref(), stay, []) || _ <- lists:seq(1, 2000)],
    {ok, _} = turns(Loop, begun, 2000),
    LetGo = hold_up(Loop),
    abandoned = lists:foldl(fun(Handle, _) -> py_nif:abandon(Handle) end, none, Handles),
    await_interruptions(),
    LetGo(),
    {ok, Turns} = turns(Loop, cancelled, 2000),
    assert_many_turns(Turns),
    ok = py_loop:stop(Loop).

gathered_coroutines_begin_and_are_cancelled_in_many_turns(Config) ->
    Loop = start(Config),
    {ok, Channel} = py_loop_registry:channel(Loop),
    Request = py_request:gather([{'__main__', stay, []} || _ <- lists:seq(1, 2000)]),
    {ok, Handle} = py_nif:submit_to_loop(Channel, make_ref(), Request),
    {ok, Begun} = turns(Loop, begun, 2000),
    assert_many_turns(Begun),
    abandoned = py_nif:abandon(Handle),
    {ok, Cancelled} = turns(Loop, cancelled, 2000),
    assert_many_turns(Cancelled),
    ok = py_loop:stop(Loop).

assert_many_turns(Turns) ->
    InEach = maps:values(maps:groups_from_list(fun(Turn) -> Turn end, Turns)),
    ?assert(lists:max([length(Same) || Same <- InEach]) =< ?MOST).

%% Submits coroutines while the loop is held up. Returns the turns in which they begin. Each
%% coroutine needs this number of seconds to begin.
turns_of_beginners(Count, Seconds, Config) ->
    Loop = start(Config),
    {ok, Channel} = py_loop_registry:channel(Loop),
    LetGo = hold_up(Loop),
    Refs = [make_ref() || _ <- lists:seq(1, Count)],
    lists:foreach(fun(Ref) -> submit(Channel, Ref, 'begin', [Seconds]) end, Refs),
    LetGo(),
    Turns = [turn(Ref) || Ref <- Refs],
    ok = py_loop:stop(Loop),
    Turns.

start(CaseConfig) ->
    {ok, Loop} = py_loop:start_link(#{
        loop => both_loops:kind(CaseConfig), main => {'__main__', main, [], #{}}
    }),
    Loop.

submit(Channel, Ref, Function, Args) ->
    {ok, Handle} = py_nif:submit_to_loop(Channel, Ref, py_request:coroutine('__main__', Function, Args, #{})),
    Handle.

turns(Loop, Of, Count) ->
    py_loop:call(Loop, '__main__', turns, [atom_to_binary(Of), Count]).

turn(Ref) ->
    receive
        {py_result, Ref, {ok, Turn}} -> Turn
    after 20000 ->
        error(no_answer)
    end.

%% The loop runs nothing until the returned fun is called.
hold_up(Loop) ->
    Test = self(),
    py:register_function(hold_up, fun([]) ->
        Test ! {held_up, self()},
        wait_for(let_go)
    end),
    {_, Monitor} = spawn_monitor(fun() ->
        {ok, none} = py_loop:call(Loop, '__main__', hold_up, [], infinity)
    end),
    Holder = wait_for(held_up),
    fun() ->
        Holder ! {let_go, none},
        receive
            {'DOWN', Monitor, process, _, Reason} -> ?assertEqual(normal, Reason)
        end,
        ok = py:unregister_function(hold_up)
    end.

%% When this returns, all coroutines that were abandoned before are interrupted.
await_interruptions() ->
    ok = python_side:register_tell(),
    ok = python_side:register_hang(),
    Caller = spawn(fun() -> py:call('__main__', be_interrupted, [], #{}, infinity) end),
    _ = python_side:hanging(),
    exit(Caller, kill),
    <<"interrupted">> = python_side:told().

wait_for(Tag) ->
    receive
        {Tag, Value} -> Value
    after 20000 ->
        error({missing, Tag})
    end.
