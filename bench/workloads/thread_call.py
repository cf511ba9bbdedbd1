# SPDX-License-Identifier: Apache-2.0
"""One call after the other in a thread, against the native ping-pong with the same spinning."""

from concurrent.futures import ThreadPoolExecutor

from subjects import erlang_calls, ping_pong

from workloads.rounds import Record, Round, Side, compare, timed


def run(variant: str, quick: bool) -> list[Record]:
    calls, rounds = (200, 2) if quick else (1000, 30)
    spin_us = ping_pong.configured_spin_us()
    with ThreadPoolExecutor(1) as thread:

        def call() -> Round:
            return Round.of(thread.submit(timed, calls, erlang_calls.call).result())

        def play() -> Round:
            return Round.of(ping_pong.durations(calls, spin_us))

        ours, floor = Side(erlang_calls.NAME, call), Side(ping_pong.NAME, play)
        return [compare("thread_call", variant, ours, floor, rounds)]
