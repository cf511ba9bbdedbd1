# SPDX-License-Identifier: Apache-2.0
"""The node's resources: at intervals under load, and at the quiescent points between loads."""

import ctypes
import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import drift

import erlang

Sample = dict[str, Any]

# In seconds: the time for everything that ends by itself.
SETTLE_SECONDS = 15.0
_POLL_SECONDS = 0.05
# A cancelled process that traps exits is killed after a second. A baseline must not include the
# process.
_STILL_SECONDS = 1.2

_libc = ctypes.CDLL(None)


class _MallInfo(ctypes.Structure):
    """glibc's ``struct mallinfo2``."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
        )
    )


def malloc_in_use() -> int:
    """Bytes that C and C++ have allocated from glibc and not freed; 0 without glibc."""
    if not hasattr(_libc, "mallinfo2"):
        return 0
    _libc.mallinfo2.restype = _MallInfo
    info = _libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def malloc_trim() -> None:
    """Return freed memory to the operating system, so that it does not count as used."""
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def now() -> Sample:
    """All figures. Channels that the pools keep do not count as used."""
    figures: Sample = dict(erlang.call("soak_figures"))
    channels = figures["channels"]
    with open("/proc/self/statm") as statm:
        rss = int(statm.read().split()[1]) * resource.getpagesize()
    descriptors = len(os.listdir("/proc/self/fd"))
    return figures | {
        "rss": rss,
        "malloc_in_use": malloc_in_use(),
        "processes": figures["processes"] - figures["handlers"],
        "all_processes": figures["processes"],
        "descriptors": descriptors - channels * figures["channel_descriptors"],
        "all_descriptors": descriptors,
        "threads": len(os.listdir("/proc/self/task")),
        "python_threads": sum(
            # Python lists ended threads that it did not start.
            not isinstance(thread, threading._DummyThread)
            for thread in threading.enumerate()
        ),
        "python_blocks": sys.getallocatedblocks(),
        "channels_in_use": channels - figures["pooled_channels"],
        "handlers_alone": max(0, figures["handlers"] - channels),
    }


def collected() -> Sample:
    """All figures after garbage collections on both sides, with unread `messages` too."""
    gc.collect()
    unread = erlang.call("soak_collect")
    malloc_trim()
    return now() | {"messages": len(unread), "unread": unread}


def quiet(baseline: Sample | None) -> Sample:
    """Wait until all figures are still and back at the baseline. `unrest` names late figures."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before = collected()
    while True:
        time.sleep(_STILL_SECONDS if baseline is None else _POLL_SECONDS)
        sample = collected()
        unrest = drift.differing(sample, before)
        if baseline is not None:
            unrest += drift.beyond(sample, baseline)
        if not sample["contexts"] == sample["contexts_idle"] == sample["contexts_kept"]:
            unrest.append("contexts")
        if sample["messages"]:
            unrest.append("unread")
        if not unrest or time.monotonic() >= deadline:
            return sample | {"unrest": unrest}
        before = sample


class Recorder:
    """Write one sample per line, on a separate thread while the load runs."""

    def __init__(self, file: Path, interval: float, python_issued: Callable[[], int]) -> None:
        self.calls = 0  # of the finished epochs
        # No sample stays in memory, since the memory is measured.
        self._path = file
        self._file = file.open("w")
        self._interval = interval
        self._python_issued = python_issued
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._turn = threading.Lock()  # guards _file and calls; held while the accounts are taken
        self._thread = threading.Thread(target=self._run, name="soak recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._file.close()

    def add(self, sample: Sample, *, quiet: bool) -> Sample:
        """Write a sample with its time and the number of calls; only while the recorder is
        `paused`.
        """
        sample |= {
            "seconds": round(time.monotonic() - self._start, 3),
            "calls": self.calls + self._python_issued() + sample["erlang_issued"],
            "quiet": quiet,
        }
        self._file.write(json.dumps(sample) + "\n")
        self._file.flush()
        return sample

    def paused(self) -> threading.Lock:
        """Inside this `with` block only `add` takes samples."""
        return self._turn

    def samples(self) -> list[Sample]:
        """Read all samples, once the recorder has stopped."""
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            with self._turn:
                self.add(now(), quiet=False)
