# SPDX-License-Identifier: Apache-2.0
"""The descriptors of this process: how many, and what they are open for."""

import collections
import contextlib
import gc
import os
import re

import erlang


def details() -> list[str]:
    """The open descriptors by target, and the counters, for the report of a failure."""
    kinds: collections.Counter[str] = collections.Counter()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the descriptor of the folder itself is closed by now
            target = os.readlink(f"/proc/self/fd/{number}")
            kinds[re.sub(r":\[\d+\]$", "", target)] += 1
    return [str(erlang.stats()), *(f"{count} {kind}" for kind, count in sorted(kinds.items()))]


def usage() -> list[int]:
    """Descriptors and threads of this process, without those of channels and contexts.

    Channels are kept for reuse, and a closed context lives until Erlang collects its term.
    """
    gc.collect()  # a traceback may be part of a cycle
    stats = erlang.stats()
    descriptors = len(os.listdir("/proc/self/fd")) - stats["channels"] - stats["contexts"]
    return [descriptors, len(os.listdir("/proc/self/task"))]
