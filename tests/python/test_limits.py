# SPDX-License-Identifier: Apache-2.0
"""Calls at the configured limit, and when the application stops."""

from conftest import Node

OVERLOAD = """
import asyncio, erlang

async def main():
    calls = [erlang.async_call("wait") for _ in range(10)]
    refused = [call for call in calls if call.done()]
    print(len(refused), {type(call.exception()).__name__ for call in refused})
    try:
        await asyncio.to_thread(erlang.call, "wait")
    except erlang.Overloaded as error:
        print(error)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    print(await erlang.async_call("double_it", 21), erlang.stats()["refused"])

asyncio.run(main())
"""

# Each level fills the limit; the next level is nested in it.
NESTED = """
import asyncio, erlang

def down(depth):
    return 0 if depth == 0 else 1 + erlang.call("nest", depth - 1)

async def one(depth):
    return await erlang.async_call("nest", depth - 1)

def down_async(depth):
    return 0 if depth == 0 else 1 + asyncio.run(one(depth))

def down_in_thread(depth):
    return 0 if depth == 0 else 1 + asyncio.run(asyncio.to_thread(erlang.call, "nest", depth - 1))

async def on_loop(depth):
    return 0 if depth == 0 else 1 + await erlang.async_call("nest", depth - 1)

async def gathered(depth):
    calls = [erlang.async_call("wait") for _ in range(5)]
    refused = [call for call in calls if call.done()]
    calls[0].cancel()
    return [len(refused), *{type(call.exception()).__name__ for call in refused}]

async def nested(kind, depth):
    return await erlang.async_call("set_way", kind) and await erlang.async_call("nest", depth)

for way in ("down", "down_async", "down_in_thread", "on_loop", "gathered"):
    print(way, asyncio.run(nested(way, 10)))
print(erlang.stats()["in_flight"])
"""

# By way of a context or of the default loop. The name's end tells whether the function is a
# coroutine function.
NEST = """
begin
    [Depth] = Args,
    Way = persistent_term:get(way),
    case lists:member(Way, [<<"on_loop">>, <<"gathered">>]) of
        true -> {ok, V} = py:async_await(py:async_call('__main__', Way, [Depth])), V;
        false -> {ok, V} = py:call('__main__', Way, [Depth]), V
    end
end
"""

# The limit is two, and the outermost call uses one place.
BESIDE = """
import asyncio, erlang, weakref

async def beside():
    within = erlang.async_call("wait")
    over = [erlang.async_call("wait") for _ in range(2)]
    refused = [call.done() for call in (within, *over)]
    within.cancel()
    over[0].cancel()
    return [*refused, type(over[1].exception()).__name__]

async def let_go():
    call = erlang.async_call("double_it", 21)
    value, call = await call, weakref.ref(call)
    await asyncio.sleep(0)  # the code that woke this task still has the call
    return [value, call() is None]

for way in ("beside", "let_go"):
    print(way, erlang.call("nest_on_loop", way))
"""

NEST_ON_LOOP = """
begin {ok, V} = py:async_await(py:async_call('__main__', hd(Args), [])), V end
"""

STOP = """
import asyncio, erlang
from concurrent.futures import ThreadPoolExecutor

async def main():
    calls = [erlang.async_call("wait", 1) for _ in range(3)]
    with ThreadPoolExecutor(2) as pool:
        threads = [pool.submit(erlang.call, "wait", 2) for _ in range(2)]
        while erlang.stats()["in_flight"] < 5:
            await asyncio.sleep(0.001)
        erlang.send("stopper", "stop")
        results = await asyncio.gather(*calls, return_exceptions=True)
        results += [await asyncio.to_thread(thread.exception, 30) for thread in threads]
    print({type(result).__name__ for result in results}, len(results))

asyncio.run(main())
"""

STOPPER = """
register(stopper, spawn(fun() -> receive _ -> application:stop(erlang_python) end end))
"""


def functions(**bodies: str) -> list[str]:
    options = []
    for name, body in bodies.items():
        options += ["--erl", f"py:register_function({name}, fun(Args) -> {body} end)"]
    return options


def test_calls_over_the_limit_are_refused_and_the_others_are_not(node: Node) -> None:
    done = node.run(
        *("--config", node.config("{max_in_flight, 3}")),
        *functions(wait="timer:sleep(infinity)", double_it="hd(Args) * 2"),
        *("-c", OVERLOAD),
    )
    assert done.stdout.splitlines() == [
        "7 {'Overloaded'}",
        "wait: 3 calls are in flight, the limit of this node (max_in_flight); call again later",
        "42 8",
    ], done.stderr


def test_nested_calls_are_not_refused_for_their_own_ancestors(node: Node) -> None:
    done = node.run(
        *("--config", node.config("{max_in_flight, 1}")),
        *functions(
            wait="timer:sleep(infinity)",
            set_way="begin ok = persistent_term:put(way, hd(Args)), true end",
            nest=NEST.strip(),
        ),
        *("-c", NESTED),
    )
    # One call of a request may exceed the limit, but no second call.
    assert done.stdout.splitlines() == [
        "down 10",
        "down_async 10",
        "down_in_thread 10",
        "on_loop 10",
        "gathered [4, 'Overloaded']",
        "0",
    ], done.stderr


def test_one_call_of_a_request_may_go_over_the_limit_beside_those_within(node: Node) -> None:
    done = node.run(
        *("--config", node.config("{max_in_flight, 2}")),
        *functions(
            wait="timer:sleep(infinity)",
            double_it="hd(Args) * 2",
            nest_on_loop=NEST_ON_LOOP.strip(),
        ),
        *("-c", BESIDE),
    )
    # A call within the limit is released at its own end. The end of the request may come much
    # later.
    assert done.stdout.splitlines() == [
        "beside [False, False, True, 'Overloaded']",
        "let_go [42, True]",
    ], done.stderr


def test_calls_in_flight_end_when_the_application_stops(node: Node) -> None:
    done = node.run(
        *("--erl", STOPPER.strip()),
        *functions(wait="timer:sleep(infinity)"),
        *("-c", STOP),
    )
    assert done.stdout == "{'Disconnected'} 5\n", done.stderr
