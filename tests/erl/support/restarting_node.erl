%% SPDX-License-Identifier: Apache-2.0
%% Code of a node that restarts itself; see stop_start_SUITE.
-module(restarting_node).

-export([run/1, run_finalizers/0]).

%% For `erl -eval', which runs again at each restart.
-spec run(Restarts :: non_neg_integer()) -> ok.
run(Restarts) ->
    _ = spawn(fun() -> count(Restarts) end),
    ok.

count(Restarts) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:register_function(next, fun([N]) -> N + 1 end),
    {ok, Calls} = py:eval(<<"globals().setdefault('calls', 0)">>),
    ok = py:exec(<<"calls = erlang.call('next', calls)">>),
    %% This thread outlives the restart, with a call in progress.
    ok = py:register_function(never, fun([]) -> receive never -> ok end end),
    ok = py:exec(<<
        "import contextlib, threading\n"
        "def wait():\n"
        "    with contextlib.suppress(erlang.Error): erlang.call('never')\n"
        "threading.Thread(target=wait, daemon=True).start()"
    >>),
    ok = io:format("~b calls~n", [Calls]),
    case Calls of
        Restarts -> erlang:halt(7);
        _ -> init:restart()
    end.

%% Finalizers and exit functions: one restart, then the node's end.
-spec run_finalizers() -> ok.
run_finalizers() ->
    _ = spawn(fun finalize/0),
    ok.

finalize() ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:exec(<<
        "import atexit, weakref\n"
        "class Thing: pass\n"
        "thing = Thing()\n"
        "weakref.finalize(thing, print, 'finalized').atexit = False\n"
        "if started := globals().get('started', 0):\n"
        "    print('started again')\n"
        "else:\n"
        "    atexit.register(print, 'exit function')\n"
        "started += 1\n"
        "del thing\n"
    >>),
    {ok, Started} = py:eval(<<"started">>),
    case Started of
        1 -> init:restart();
        2 -> init:stop()
    end.
