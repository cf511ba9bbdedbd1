# SPDX-License-Identifier: Apache-2.0
"""The floor below ``erlang.call``: a native thread and an Erlang process, without Python."""

import erlang

NAME = "native ping-pong"


def durations(count: int, spin_us: int) -> list[float]:
    """The duration of each of ``count`` rounds, in microseconds."""
    nanoseconds: list[int] = erlang.call("ping_pong", count, spin_us)
    assert len(nanoseconds) == count
    return [each / 1e3 for each in nanoseconds]


def configured_spin_us() -> int:
    """The longest time that threads in ``erlang.call`` spin in this node, in microseconds."""
    spin_us: int = erlang.call("spin_us")
    return spin_us
