# SPDX-License-Identifier: Apache-2.0
"""The configuration chooses how the node's channels wake: by eventfds here, by pipes in a second
run.
"""

import os
import threading
from collections import Counter

import pytest

import erlang

pytestmark = pytest.mark.channel


def descriptors() -> Counter[str]:
    """The number of descriptors of each kind in this process."""
    kinds: Counter[str] = Counter()
    for name in os.listdir("/proc/self/fd"):
        try:
            kinds[os.readlink(f"/proc/self/fd/{name}").partition(":[")[0]] += 1
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return kinds


def test_a_thread_waits_at_the_configured_kind_of_descriptor() -> None:
    configured = erlang.call("app_env", "channel")
    begun, end = threading.Barrier(81), threading.Event()

    def work() -> None:
        erlang.call("echo", 1)
        begun.wait()
        end.wait()

    before, channels = descriptors(), erlang.stats()["channels"]
    # More than the pool keeps, so that new channels are made.
    threads = [threading.Thread(target=work) for _ in range(80)]
    for thread in threads:
        thread.start()
    begun.wait()
    made = erlang.stats()["channels"] - channels
    grown = descriptors() - before
    end.set()
    for thread in threads:
        thread.join()
    assert made >= 10
    if configured == "pipe":
        assert grown["pipe"] == 2 * made
    else:
        assert grown["anon_inode"] + grown["anon_inode:[eventfd]"] >= made
        assert grown["pipe"] == 0
