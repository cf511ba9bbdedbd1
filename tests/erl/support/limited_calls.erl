%% SPDX-License-Identifier: Apache-2.0
%% Calls of functions with limited concurrency, from threads and loops. A test decides when calls
%% begin, enter and end.
-module(limited_calls).

-export([start/1, register_busy/1, begin_call/3, begin_call/4, outcome/1, cancel/1, stopped/1]).
-export([entered/1, counts/1, await_waiting/2, await_nobody/0, on_loop/2, counted/4]).

-define(LIMIT, 20000).
-define(LOOP, limited_calls_loop).

-type kind() :: thread | context | own_thread | loop.
-type call() :: {pid(), Monitor :: reference()}.

-spec start(Config) -> Config when Config :: [{atom(), term()}].
start(Config) ->
    _ = python_side:start(<<
        "import asyncio, random, threading\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "limited_threads = globals().get('limited_threads', [])\n"
        "\n"
        "def outcome(name, value, kwargs):\n"
        "    try:\n"
        "        return erlang.call(name, value, **kwargs)\n"
        "    except erlang.Error as error:\n"
        "        return type(error).__name__\n"
        "\n"
        "def in_thread(name, value, kwargs):\n"
        "    with ThreadPoolExecutor(1) as pool:\n"
        "        return pool.submit(outcome, name, value, kwargs).result()\n"
        "\n"
        "def in_own_thread(name, value, kwargs):\n"
        "    pool = ThreadPoolExecutor(1)\n"
        "    limited_threads.append(pool.submit(outcome, name, value, kwargs))\n"
        "\n"
        "def ends_of_threads():\n"
        "    return [thread.result(20) for thread in limited_threads]\n"
        "\n"
        "async def async_outcome(name, value, kwargs):\n"
        "    try:\n"
        "        return await erlang.async_call(name, value, **kwargs)\n"
        "    except erlang.Error as error:\n"
        "        return type(error).__name__\n"
        "\n"
        "def overload_text():\n"
        "    try:\n"
        "        erlang.call('busy', 0)\n"
        "    except erlang.Overloaded as error:\n"
        "        return str(error), error.reason\n"
        "\n"
        "def one_by_one(count):\n"
        "    return [erlang.call('double_it', i) for i in range(count)]\n"
        "\n"
        "def one_by_one_async(count):\n"
        "    async def main():\n"
        "        return [await erlang.async_call('double_it', i) for i in range(count)]\n"
        "    return asyncio.run(main())\n"
        "\n"
        "def failures(count):\n"
        "    def fail():\n"
        "        try:\n"
        "            erlang.call('fails')\n"
        "        except erlang.Error as error:\n"
        "            return type(error).__name__\n"
        "    return {fail() for _ in range(count)}\n"
        "\n"
        "def shapes(seed, count, names):\n"
        "    draw = random.Random(seed)\n"
        "    for _ in range(count):\n"
        "        kwargs = {'wait': draw.choice([True, True, False, None])}\n"
        "        if draw.random() < 0.3:\n"
        "            kwargs['timeout'] = draw.random() * 0.02\n"
        "        yield str(draw.choice(names)), draw.randrange(8), kwargs\n"
        "\n"
        "def random_calls(seed, count, names):\n"
        "    return [outcome(*shape) for shape in shapes(seed, count, names)]\n"
        "\n"
        "async def random_async_calls(seed, count, names):\n"
        "    async def one(name, value, kwargs, cancelled):\n"
        "        task = asyncio.ensure_future(async_outcome(name, value, kwargs))\n"
        "        if cancelled:\n"
        "            asyncio.get_running_loop().call_later(0.005, task.cancel)\n"
        "        try:\n"
        "            return await task\n"
        "        except asyncio.CancelledError as error:\n"
        "            return type(error).__name__\n"
        "    drawn = [(*shape, n % 5 == 0) for n, shape in enumerate(shapes(seed, count, names))]\n"
        "    return await asyncio.gather(*(one(*each) for each in drawn))\n"
    >>, Config),
    Test = self(),
    %% The loop is linked to the process that starts it. The process of one test case ends too
    %% early.
    _ = spawn(fun() ->
        {ok, _} = py_loop:start_link(#{name => ?LOOP}),
        Test ! loop_started,
        receive
            never -> ok
        end
    end),
    receive
        loop_started -> Config
    after ?LIMIT -> error(no_loop)
    end.

%% The function `busy' reports its process to the calling process, and stays until it receives `go'.
-spec register_busy(py:function_options()) -> ok.
register_busy(Options) ->
    Test = self(),
    Busy = fun([Value]) ->
        Monitor = monitor(process, Test),
        Test ! {entered, Value, self()},
        receive
            go -> demonitor(Monitor, [flush]);
            {'DOWN', Monitor, process, Test, _} -> ok
        end,
        Value
    end,
    ok = py:register_function(busy, Busy, Options).

-spec begin_call(kind(), atom(), term()) -> call().
begin_call(Kind, Name, Value) ->
    begin_call(Kind, Name, Value, #{}).

-spec begin_call(kind(), atom(), term(), Kwargs :: #{atom() => term()}) -> call().
begin_call(Kind, Name, Value, Kwargs) ->
    Named = maps:from_list([{atom_to_binary(Key), V} || {Key, V} <- maps:to_list(Kwargs)]),
    Arguments = [atom_to_binary(Name), Value, Named],
    spawn_monitor(fun() -> exit({outcome, call(Kind, Arguments)}) end).

call(thread, Arguments) -> py:call('__main__', in_thread, Arguments, #{}, ?LIMIT);
call(context, Arguments) -> py:call('__main__', outcome, Arguments, #{}, ?LIMIT);
call(own_thread, Arguments) -> py:call('__main__', in_own_thread, Arguments, #{}, ?LIMIT);
call(loop, Arguments) -> on_loop(async_outcome, Arguments).

-spec on_loop(atom(), [term()]) -> {ok, term()} | {error, term()}.
on_loop(Function, Arguments) ->
    py_loop:call(?LOOP, '__main__', Function, Arguments, #{}, ?LIMIT).

%% The value, or the class name of the exception.
-spec outcome(call()) -> term().
outcome(Call) ->
    {outcome, {ok, Outcome}} = death:reason(Call, ?LIMIT),
    Outcome.

%% The call's task is cancelled when the process that waits for the task dies.
-spec cancel(call()) -> ok.
cancel({Pid, Monitor}) ->
    demonitor(Monitor, [flush]),
    death:kill(Pid).

-spec stopped(call()) -> term().
stopped(Call) ->
    death:reason(Call, ?LIMIT).

%% The next process that runs `busy' with this value.
-spec entered(Value :: term()) -> pid().
entered(Value) ->
    receive
        {entered, Value, Pid} -> Pid
    after ?LIMIT ->
        error({nobody_entered, Value, process_info(self(), messages), maps:get(limited, py:info())})
    end.

-spec counts(atom()) -> #{atom() => non_neg_integer()}.
counts(Name) ->
    None = #{running => 0, waiting => 0},
    maps:get(atom_to_binary(Name), maps:get(limited, py:info()), None).

-spec await_waiting(atom(), non_neg_integer()) -> ok.
await_waiting(Name, Count) ->
    eventually:equal(Count, fun() -> maps:get(waiting, counts(Name)) end).

-spec await_nobody() -> ok.
await_nobody() ->
    eventually:equal(#{}, fun() -> maps:get(limited, py:info()) end),
    eventually:equal([], fun() -> ets:tab2list(py_function_limiter) end).

%% A function's body. Notes in a table when more than `Limit' processes of the same name run. Each
%% running process has a row in this table; a dead process does not count.
-spec counted(ets:table(), Name :: atom(), Limit :: pos_integer(), [non_neg_integer()]) -> ok.
counted(Table, Name, Limit, [Milliseconds]) ->
    true = ets:insert(Table, {self(), Name}),
    Running = [Pid || {Pid, N} <- ets:tab2list(Table), N =:= Name, is_process_alive(Pid)],
    _ = [ets:insert(Table, {{too_many, Name}, Running}) || length(Running) > Limit],
    receive
    after Milliseconds -> ok
    end,
    true = ets:delete(Table, self()),
    ok.
