# SPDX-License-Identifier: Apache-2.0
"""20,000 calls in flight at once, against 100 at once; a duration is one call's share."""

from functools import partial

from subjects.erlang_calls import gather

from workloads.rounds import Record, compare, runner, side_on_loop, timed_gathers

MANY = 20_000
FEW = 100


def run(variant: str, quick: bool) -> list[Record]:
    # Both sides make the same number of calls in a round.
    times, rounds = (MANY // FEW, 1) if quick else (MANY // FEW, 7)
    with runner(variant) as loop:
        many = side_on_loop(loop, f"{MANY:,} at once", partial(timed_gathers, 1, MANY, gather))
        few = side_on_loop(loop, f"{FEW} at once", partial(timed_gathers, times, FEW, gather))
        return [compare("in_flight", variant, many, few, rounds)]
