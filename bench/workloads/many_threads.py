# SPDX-License-Identifier: Apache-2.0
"""16 threads calling at once, against the native ping-pong of one thread that never spins.

The cost is the time from the first call to the last, divided by the number of calls.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from subjects import erlang_calls, ping_pong

from workloads.rounds import Record, Round, Side, compare, timed


def run(variant: str, quick: bool) -> list[Record]:
    calls, rounds = (20, 2) if quick else (200, 20)
    threads = int(variant.partition(" ")[0])
    with ThreadPoolExecutor(threads) as pool:

        def call_from_all() -> Round:
            together = Barrier(threads + 1)

            def call(_: int) -> list[float]:
                together.wait()
                return timed(calls, erlang_calls.call)

            results = pool.map(call, range(threads))
            together.wait()
            start = time.perf_counter()
            durations = [each for thread in results for each in thread]
            return Round((time.perf_counter() - start) * 1e6 / len(durations), durations)

        def play() -> Round:
            return Round.of(ping_pong.durations(calls * 4, spin_us=0))

        ours = Side(f"{erlang_calls.NAME}, {threads} threads", call_from_all)
        floor = Side(f"{ping_pong.NAME}, no spin", play)
        return [compare("many_threads", variant, ours, floor, rounds)]
