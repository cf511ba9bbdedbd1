%% SPDX-License-Identifier: Apache-2.0
%% Interrupts the endless functions of the Python module `interrupted_code', and checks what the
%% interruptions have left behind.
-module(interrupted_code).

-include_lib("stdlib/include/assert.hrl").

-export([functions/0, start/0, stop/0, usage/0, assert_nothing_left/1, at_rest/0, given_up/0]).
-export([interrupt/3]).

%% Functions that are interrupted again and again.
-spec functions() -> [atom()].
functions() ->
    [
        logging_lines,
        logging_of_loggers,
        queues,
        timed_queues,
        locks,
        acquired_locks,
        managed_locks,
        generators,
        conditions,
        semaphores,
        events,
        imports,
        executors,
        futures,
        weak_references,
        temporary_files,
        parsed_dates,
        databases,
        sockets,
        http_requests,
        subprocesses,
        sleeping,
        asyncio_run,
        asyncio_idle,
        asyncio_bare,
        asyncio_threads,
        uvloop_run,
        uvloop_idle,
        uvloop_bare,
        uvloop_made,
        calls,
        nested_requests,
        asyncio_calls,
        uvloop_calls
    ].

%% Starts the application and everything that the functions need.
-spec start() -> ok.
start() ->
    _ = application:stop(erlang_python),
    _ = application:load(erlang_python),
    maps:foreach(fun(Key, Value) -> application:set_env(erlang_python, Key, Value) end, options()),
    {ok, _} = application:ensure_all_started(erlang_python),
    %% Another suite may have started Python with another `python_path'.
    {ok, _} = py:eval(
        <<"__import__('sys').path.insert(0, folder)">>,
        #{folder => unicode:characters_to_binary(folder())}
    ),
    ok = py:register_function(nested_abs, fun([N]) ->
        {ok, Value} = py:call(builtins, abs, [N]),
        Value
    end).

-spec stop() -> ok.
stop() ->
    _ = application:stop(erlang_python),
    lists:foreach(
        fun(Key) -> application:unset_env(erlang_python, Key) end,
        maps:keys(options())
    ).

options() ->
    #{contexts => 2, context_idle_timeout => 100}.

%% Descriptors and threads before the first interruption.
-spec usage() -> [integer()].
usage() ->
    %% Packages start threads of their own at their first use.
    {ok, none} = py:call(interrupted_code, warm_up, []),
    at_rest(),
    {ok, Usage} = py:call(descriptors, usage, []),
    Usage.

%% No code that takes locks was hit, no lock is held, there are no more descriptors and threads than
%% before.
-spec assert_nothing_left([integer()]) -> ok.
assert_nothing_left(Before) ->
    at_rest(),
    ?assertEqual({ok, []}, py:call(interrupted_code, held_locks, [], #{}, 60000)),
    ?assertEqual({ok, []}, py:call(locking_code, take, [])),
    eventually:equal([], fun() ->
        {ok, Now} = py:call(descriptors, usage, []),
        case [{Was, Is} || {Was, Is} <- lists:zip(Before, Now), Is > Was] of
            [] ->
                [];
            More ->
                {ok, Details} = py:call(descriptors, details, []),
                {More, Details}
        end
    end).

%% Returns when nothing runs, contexts beyond the configured number are closed, and the threads of
%% given-up contexts have ended. A failure has the stacks of all threads.
-spec at_rest() -> ok.
at_rest() ->
    {ok, Kept} = application:get_env(erlang_python, contexts),
    try
        eventually:equal({0, 0, Kept, Kept}, fun() ->
            #{contexts := Contexts} = py:info(),
            #{busy := Busy, stale := Stale, total := Total, threads := Threads} = Contexts,
            {Busy, Stale, Total, Threads}
        end)
    catch
        error:{never_seen, _, _} = Reason ->
            {ok, Stacks} = py:call(locking_code, stacks, []),
            ct:fail("~p, threads:~n~ts", [Reason, Stacks])
    end.

%% Contexts whose code did not end within a second.
-spec given_up() -> non_neg_integer().
given_up() ->
    #{contexts := #{given_up := GivenUp}} = py:info(),
    GivenUp.

%% Interrupts the function after this number of milliseconds: by a time-out, or by its caller's
%% death.
-spec interrupt(timed_out | caller_died, atom(), non_neg_integer()) -> ok.
interrupt(timed_out, Function, Milliseconds) ->
    case py:call(interrupted_code, Function, [], #{}, Milliseconds) of
        {error, {no_context, {too_many_threads, Count}}} ->
            %% Threads of given-up contexts end soon.
            eventually:equal(true, fun() -> threads() < Count end),
            interrupt(timed_out, Function, Milliseconds);
        Outcome ->
            ?assertEqual({error, timeout}, Outcome)
    end;
interrupt(caller_died, Function, Milliseconds) ->
    Caller = spawn(fun() -> py:call(interrupted_code, Function, [], #{}, infinity) end),
    receive
    after Milliseconds -> death:kill(Caller)
    end.

threads() ->
    #{contexts := #{threads := Threads}} = py:info(),
    Threads.

%% The folder of the Python module of the same name, for `python_path'.
folder() ->
    filename:dirname(proplists:get_value(source, module_info(compile))).
