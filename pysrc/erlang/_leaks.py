# SPDX-License-Identifier: Apache-2.0
"""Finds what a test leaves behind inside a node: calls, threads, loops, channels, descriptors."""

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

import erlang
from erlang._outside import thread_calls

# How long calls, threads and loops may take to end by themselves, on a busy machine.
SETTLE_SECONDS = 10.0
_POLL_SECONDS = 0.01

# A channel has an eventfd, or the two ends of a pipe.
_DESCRIPTORS_OF_A_CHANNEL = 2


@dataclass(frozen=True)
class Footprint:
    """The resources of the bridge that this process holds at one moment."""

    in_flight: int
    channels: int
    pooled_channels: int
    contexts: int
    loops: int
    threads: int
    descriptors: int

    @classmethod
    def now(cls) -> "Footprint":
        """Measure, after a collection of garbage."""
        gc.collect()
        stats = erlang.stats()
        return cls(
            in_flight=stats["in_flight"],
            channels=stats["channels"],
            pooled_channels=stats["pooled_channels"],
            contexts=stats["contexts"],
            loops=stats["loops"],
            threads=sum(
                # `threading` lists a thread that Python did not start even after its end.
                not isinstance(thread, threading._DummyThread)
                for thread in threading.enumerate()
            ),
            # A process beside the node keeps connections for its next calls.
            descriptors=len(os.listdir("/dev/fd")) - thread_calls.idle(),
        )

    def leaks_since(self, before: "Footprint") -> list[str]:
        """The resources that are new since ``before``, without those that are kept for reuse."""
        # Pooled channels and contexts are kept for a while, with their descriptors.
        kept = max(0, self.channels - before.channels) + max(0, self.contexts - before.contexts)
        owners = self.pooled_channels + self.contexts + self.loops + self.threads
        limits = {
            "calls in flight": (self.in_flight, before.in_flight),
            "event loops with a channel": (self.loops, before.loops),
            "Python threads": (self.threads, before.threads),
            "channels": (self.channels, max(owners, before.channels)),
            "descriptors": (
                self.descriptors,
                before.descriptors + _DESCRIPTORS_OF_A_CHANNEL * kept,
            ),
        }
        return [
            f"{name}: {now}, not {limit}" for name, (now, limit) in limits.items() if now > limit
        ]


def becomes_true(condition: Callable[[], object], seconds: float = SETTLE_SECONDS) -> bool:
    """Polls whether ``condition()`` becomes true in ``seconds``; for changes without an event."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


@pytest.fixture
def no_erlang_leaks() -> Iterator[None]:
    """Fails the test if it leaves calls, loops, threads, channels or descriptors behind."""
    before = Footprint.now()
    yield
    if not becomes_true(lambda: not Footprint.now().leaks_since(before), SETTLE_SECONDS):
        pytest.fail("the test left behind: " + "; ".join(Footprint.now().leaks_since(before)))


@pytest.fixture
def eventually() -> Callable[..., bool]:
    """`becomes_true`, without an import of this module in a ``conftest.py``."""
    return becomes_true
