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
    """The resident memory of the process: of Python, Erlang and the native library."""
    if os.environ.get("VARIANT") == "address":
        return 0  # AddressSanitizer keeps freed memory for a while, and checks for leaks itself
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
        # The first call in a node's life makes some 300 atoms: the names of Erlang's allocators.
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
        """The growth of each figure that has grown more than allowed.

        ``kept_channels``: the number of channels that may wait for their next user, with their
        resources. Memory never returns to the byte: the limits are far below one object for each
        call.
        """
        allowed = Usage(
            descriptors=2 * kept_channels,  # a pipe has two ends
            processes=kept_channels,  # one handler for each channel
            atoms=0,
            erlang_memory=4 * MEGABYTE,
            resident=resident,
        )
        grown = {name: value - vars(before)[name] for name, value in vars(self).items()}
        return {name: growth for name, growth in grown.items() if growth > vars(allowed)[name]}


def assert_flat_since(before: Usage, *, resident: int, kept_channels: int = 0) -> None:
    """Fail if a figure has grown, after everything that ends by itself has ended."""

    def growth() -> dict[str, int]:
        return Usage.now().growth_since(before, resident=resident, kept_channels=kept_channels)

    if not becomes_true(lambda: not growth()):
        pytest.fail(f"grown: {growth()}; was {before}")
