# SPDX-License-Identifier: Apache-2.0
"""One awaited call after the other, against the loop's executor doing nothing."""

from functools import partial

from subjects import erlang_calls, executor

from workloads.rounds import Record, compare, runner, side_on_loop, timed_awaits


def run(variant: str, quick: bool) -> list[Record]:
    calls, rounds = (50, 2) if quick else (300, 20)
    with runner(variant) as loop:
        ours, theirs = (
            side_on_loop(loop, each.NAME, partial(timed_awaits, calls, each.one))
            for each in (erlang_calls, executor)
        )
        return [compare("sequential_await", variant, ours, theirs, rounds)]
