# SPDX-License-Identifier: Apache-2.0
"""A map of 1,000 items, against 1,000 calls gathered; a duration is one item's share.

The floor is this project too: the figure says what one message for all items saves.
"""

from functools import partial

from subjects import erlang_calls

from workloads.rounds import Record, compare, runner, side_on_loop, timed_gathers

ITEMS = 1000


def run(variant: str, quick: bool) -> list[Record]:
    times, rounds = (1, 2) if quick else (5, 40)
    with runner(variant) as loop:
        ours, floor = (
            side_on_loop(loop, name, partial(timed_gathers, times, ITEMS, play))
            for name, play in (("map", erlang_calls.mapped), ("gather", erlang_calls.gather))
        )
        return [compare("map", variant, ours, floor, rounds)]
