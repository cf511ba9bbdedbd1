# SPDX-License-Identifier: Apache-2.0
"""Calls from a child process by the node's socket, against the same calls inside of the node."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from subjects import beside, erlang_calls

from workloads.rounds import Record, Round, Side, compare, side_on_loop, timed, timed_gathers

GATHERED = 1000


def run(variant: str, quick: bool) -> list[Record]:
    calls, rounds = (200, 2) if quick else (1000, 20)
    with beside.Child() as child, ThreadPoolExecutor(1) as thread, asyncio.Runner() as loop:

        def measured(measurement: str, count: int) -> Side:
            return Side(beside.NAME, lambda: Round.of(child.durations(measurement, count)))

        def call() -> Round:
            return Round.of(thread.submit(timed, calls, erlang_calls.call).result())

        inside = Side(erlang_calls.NAME, call)
        gather = partial(timed_gathers, 5, GATHERED, erlang_calls.gather)
        gathers = side_on_loop(loop, erlang_calls.NAME, gather)
        blocking = compare("beside", variant, measured("call", calls), inside, rounds)
        rate = compare("beside_rate", variant, measured("gather", GATHERED), gathers, rounds)
    rate["value"] = 1e6 / rate["measured"]["cost"]
    return [blocking, rate]
