# SPDX-License-Identifier: Apache-2.0
"""1,000 calls gathered, against 1,000 bare futures gathered; a duration is one call's share."""

from functools import partial

from subjects import bare_futures, erlang_calls

from workloads.rounds import Record, compare, runner, side_on_loop, timed_gathers

CALLS = 1000


def run(variant: str, quick: bool) -> list[Record]:
    times, rounds = (1, 2) if quick else (5, 40)
    with runner(variant) as loop:
        ours, floor = (
            side_on_loop(loop, each.NAME, partial(timed_gathers, times, CALLS, each.gather))
            for each in (erlang_calls, bare_futures)
        )
        return [compare("gather", variant, ours, floor, rounds)]
