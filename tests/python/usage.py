# SPDX-License-Identifier: Apache-2.0
"""The resources of the whole node at one moment, on both sides, to see that they stay flat."""

import gc
import os
import resource
from dataclasses import dataclass

import pytest

import erlang
from erlang.testing import becomes_true

MEGABYTE = 1_000_000


def resident_bytes() -> int:
    """The resident memory of the process: Python's, Erlang's and the native library's."""
    if os.environ.get("VARIANT") == "address":
        return 0  # AddressSanitizer keeps what is freed for a while; it looks for leaks itself.
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


@dataclass(frozen=True)
class Usage:
    descriptors: int
    processes: int
    atoms: int
    erlang_memory: int
    resident: int

    @classmethod
    def now(cls) -> "Usage":
        """Measure, after a collection of garbage; not on a thread whose loop is running."""
        gc.collect()
        # The first look in a node's life makes some 300 atoms: the names of Erlang's allocators.
        erlang.call("counts")
        counts = erlang.call("counts")
        return cls(
            descriptors=len(os.listdir("/dev/fd")),
            processes=counts["processes"],
            atoms=counts["atoms"],
            erlang_memory=counts["memory"],
            resident=resident_bytes(),
        )

    def growth_since(
        self, before: "Usage", *, resident: int, kept_channels: int = 0
    ) -> dict[str, int]:
        """By how much each figure has grown, of those that grew more than they may.

        ``kept_channels``: how many channels may wait for their next user, with what they have.
        Memory is never given back to the byte: the bounds are far below one object for each call.
        """
        allowed = Usage(
            descriptors=2 * kept_channels,  # a pipe has two ends
            processes=kept_channels,  # each has a handler
            atoms=0,
            erlang_memory=4 * MEGABYTE,
            resident=resident,
        )
        grown = {name: value - vars(before)[name] for name, value in vars(self).items()}
        return {name: growth for name, growth in grown.items() if growth > vars(allowed)[name]}


def assert_flat_since(before: Usage, *, resident: int, kept_channels: int = 0) -> None:
    """Nothing has grown, once what ends by itself has ended."""

    def growth() -> dict[str, int]:
        return Usage.now().growth_since(before, resident=resident, kept_channels=kept_channels)

    if not becomes_true(lambda: not growth()):
        pytest.fail(f"grown: {growth()}; was {before}")
