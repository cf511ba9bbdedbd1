# SPDX-License-Identifier: Apache-2.0
"""What happens at the configured limit of calls in flight, and when the application stops."""

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
        "wait: too many calls are in flight",
        "42 8",
    ], done.stderr


def test_calls_in_flight_end_when_the_application_stops(node: Node) -> None:
    done = node.run(
        *("--erl", STOPPER.strip()),
        *functions(wait="timer:sleep(infinity)"),
        *("-c", STOP),
    )
    assert done.stdout == "{'Disconnected'} 5\n", done.stderr
