# SPDX-License-Identifier: Apache-2.0
"""An argument of 100 MB, against an argument of 100 bytes: the extra cost of a large binary."""

import time
from functools import partial

import erlang
from workloads.rounds import Record, Round, Side, compare

LARGE = 100_000_000
SMALL = 100


def sent(data: bytes, calls: int) -> Round:
    durations = []
    for _ in range(calls):
        start = time.perf_counter()
        size = erlang.call("size", data)
        durations.append((time.perf_counter() - start) * 1e6)
        assert size == len(data)
    return Round.of(durations)


def run(variant: str, quick: bool) -> list[Record]:
    calls, rounds = (3, 2) if quick else (30, 15)
    large = Side("100 MB", partial(sent, bytes(LARGE), calls))
    small = Side("100 B", partial(sent, bytes(SMALL), calls))
    return [compare("payload", variant, large, small, rounds)]
