%% SPDX-License-Identifier: Apache-2.0
%% Code of a node that ends amid work of every kind; see node_end_SUITE.
-module(busy_node).

-export([run/1]).

-export_type([scene/0, ending/0]).

%% The moment of the end: amid work, while the application starts, or while it stops.
-type scene() :: #{
    phase := working | starting | stopping,
    ending := ending(),
    delay_us := non_neg_integer(),
    %% A thread that keeps the GIL for seconds at a time.
    hog := boolean()
}.
-type ending() ::
    {halt, byte(), Flush :: boolean()} | {stop, byte()} | stop | {signal, Number :: string()}.

%% For `erl -eval': returns at once so that the node finishes its own start.
-spec run(scene()) -> ok.
run(Scene = #{phase := Phase}) ->
    %% An orderly end may report the work that it broke off. Nothing else may be printed.
    ok = logger:set_primary_config(level, none),
    _ = spawn(fun() -> perform(Phase, Scene) end),
    ok.

perform(starting, Scene) ->
    end_later(Scene),
    try
        begin_work(Scene)
    catch
        %% The end came first.
        _:_ -> ended
    end;
perform(working, Scene) ->
    ok = begin_work(Scene),
    end_later(Scene);
perform(stopping, Scene) ->
    ok = begin_work(Scene),
    _ = spawn(application, stop, [erlang_python]),
    end_later(Scene).

%% A separate process, since the work may block the process that starts it.
end_later(#{ending := Ending, delay_us := Delay}) ->
    _ = spawn(fun() ->
        wait_until(erlang:monotonic_time(microsecond) + Delay),
        bring_about(Ending)
    end),
    ok.

%% The runtime system's timers are no finer than a millisecond.
wait_until(Time) ->
    case Time - erlang:monotonic_time(microsecond) of
        Left when Left > 2000 -> timer:sleep(Left div 1000 - 1), wait_until(Time);
        Left when Left > 0 -> erlang:yield(), wait_until(Time);
        _ -> ok
    end.

bring_about(Ending) ->
    %% The test measures the time from this line on. A process might not get its turn any more.
    {ok, Output} = file:open("/dev/stdout", [raw, append]),
    ok = file:write(Output, "ending\n"),
    end_node(Ending).

end_node({halt, Code, true}) -> erlang:halt(Code);
end_node({halt, Code, false}) -> erlang:halt(Code, [{flush, false}]);
end_node({stop, Code}) -> init:stop(Code);
end_node(stop) -> init:stop();
end_node({signal, Name}) -> os:cmd("kill -" ++ Name ++ " " ++ os:getpid()).

begin_work(#{hog := Hog}) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    ok = py:register_function(double, fun([N]) -> N * 2 end),
    ok = py:register_function(never, fun(_) -> receive never -> ok end end),
    ok = py:register_function(nest, fun([N]) ->
        {ok, Value} = py:call('__main__', nest, [N - 1], #{}, infinity),
        Value
    end),
    ok = py:exec(source()),
    _ = [spawn(fun() -> forever(Work) end) || Work <- erlang_work()],
    _ = spawn(fun() ->
        {ok, _} = py_loop:start_link(#{main => {'__main__', hosted, [], #{}}, stop_timeout => 500}),
        receive after infinity -> ok end
    end),
    {ok, _} = py:call('__main__', begin_work, [], #{}, infinity),
    _ = [spawn(fun() -> py:call('__main__', compute, []) end) || Hog],
    ok.

erlang_work() ->
    [
        fun() -> py:call(math, sqrt, [2.0]) end,
        fun() -> py:call('__main__', nest, [20], #{}, infinity) end,
        fun() -> py:eval(<<"__import__('time').sleep(3600)">>, #{}, 50) end,
        fun() -> py:stream_eval(<<"(n * n for n in range(10000))">>, #{}) end,
        fun() -> py:async_gather([{'__main__', double, [N]} || N <- lists:seq(1, 20)]) end,
        fun() -> py:call(string, capwords, [binary:copy(<<"word ">>, 100000)]) end
    ].

%% Calls fail when the application ends; the node ends soon after.
forever(Work) ->
    try Work() of
        _ -> forever(Work)
    catch
        _:_ -> ok
    end.

source() ->
    <<"import asyncio, contextlib, logging, socket, threading, time\n"
      "from erlang import hosting\n"
      "logging.getLogger('busy').addHandler(logging.NullHandler())\n"
      "\n"
      "def nest(n):\n"
      "    return 0 if n == 0 else 1 + erlang.call('nest', n)\n"
      "\n"
      "async def double(n):\n"
      "    return await erlang.async_call('double', n)\n"
      "\n"
      "async def gather():\n"
      "    while True:\n"
      "        await asyncio.gather(*map(double, range(100)), return_exceptions=True)\n"
      "\n"
      "async def app(scope, receive, send):\n"
      "    assert scope['type'] == 'http'\n"
      "    with contextlib.suppress(erlang.Error):\n"
      "        await erlang.async_call('double', 1)\n"
      "    await send({'type': 'http.response.start', 'status': 204, 'headers': []})\n"
      "    await send({'type': 'http.response.body'})\n"
      "\n"
      "def ask(port):\n"
      "    with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port)) as server:\n"
      "        server.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\n"
      "        server.recv(1000)\n"
      "\n"
      "async def serve():\n"
      "    listening = socket.create_server(('127.0.0.1', 0))\n"
      "    forever(ask, listening.getsockname()[1])\n"
      "    await hosting.uvicorn(app, sockets=[listening], lifespan='off', log_level='critical')\n"
      "\n"
      "async def hosted():\n"
      "    await asyncio.gather(gather(), serve(), erlang.async_call('never'))\n"
      "\n"
      "def compute():\n"
      "    while True:\n"
      "        3 ** 3_000_000\n"
      "\n"
      "def short_lived():\n"
      "    with contextlib.suppress(erlang.Error):\n"
      "        erlang.call('double', 1)\n"
      "\n"
      "def forever(function, *args):\n"
      "    def work():\n"
      "        while True:\n"
      "            try:\n"
      "                function(*args)\n"
      "            except erlang.Error:\n"
      "                time.sleep(0.001)\n"
      "    threading.Thread(target=work, daemon=True).start()\n"
      "\n"
      "def begin_work():\n"
      "    for _ in range(3):\n"
      "        forever(erlang.call, 'double', 21)\n"
      "    forever(erlang.call, 'double', bytes(1_000_000))\n"
      "    forever(nest, 10)\n"
      "    forever(erlang.call, 'never')\n"
      "    forever(time.sleep, 3600)\n"
      "    forever(logging.getLogger('busy').error, 'a line that nobody reads')\n"
      "    forever(asyncio.run, gather())\n"
      "    forever(lambda: threading.Thread(target=short_lived).start())\n">>.
