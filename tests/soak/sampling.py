# SPDX-License-Identifier: Apache-2.0
"""What the node uses: now and then under load, and at the quiescent points between the loads."""

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

# What ends by itself gets this long: seconds.
SETTLE_SECONDS = 15.0
_POLL_SECONDS = 0.05

_malloc_trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)


def now() -> Sample:
    """All figures. What the pools keep for later, channels, is not counted as used."""
    figures: Sample = dict(erlang.call("soak_figures"))
    channels = figures["channels"]
    with open("/proc/self/statm") as statm:
        rss = int(statm.read().split()[1]) * resource.getpagesize()
    return figures | {
        "rss": rss,
        "processes": figures["processes"] - figures["handlers"],
        "all_processes": figures["processes"],
        # The one that lists them is there for all alike.
        "descriptors": len(os.listdir("/proc/self/fd")) - channels,
        "all_descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "python_threads": sum(
            # Threads that Python did not start stay listed when they have ended.
            not isinstance(thread, threading._DummyThread)
            for thread in threading.enumerate()
        ),
        "python_blocks": sys.getallocatedblocks(),
        "channels_in_use": channels - figures["pooled_channels"],
        "handlers_alone": max(0, figures["handlers"] - channels),
    }


def collected() -> Sample:
    """All figures after the garbage collections of both sides; `messages` in mailboxes too."""
    gc.collect()
    messages = erlang.call("soak_collect")
    if _malloc_trim is not None:
        _malloc_trim(0)
    return now() | {"messages": messages}


def quiet(baseline: Sample | None) -> Sample:
    """Waits until all is still and back where it was; `unrest` names what is late for that."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before = collected()
    while True:
        time.sleep(_POLL_SECONDS)
        sample = collected()
        unrest = drift.differing(sample, before)
        if baseline is not None:
            unrest += drift.beyond(sample, baseline)
        if sample["contexts"] != sample["contexts_idle"]:
            unrest.append("contexts")
        if not unrest or time.monotonic() >= deadline:
            return sample | {"unrest": unrest}
        before = sample


class Recorder:
    """Writes a sample a line, on a thread of its own while the load runs."""

    def __init__(self, file: Path, interval: float, python_issued: Callable[[], int]) -> None:
        self.calls = 0  # of the epochs that are over
        # Nothing is kept in memory, which is watched.
        self._path = file
        self._file = file.open("w")
        self._interval = interval
        self._python_issued = python_issued
        self._start = time.monotonic()
        self._stop = threading.Event()
        self._lock = threading.Lock()  # guards _file
        self._thread = threading.Thread(target=self._run, name="soak recorder")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._file.close()

    def add(self, sample: Sample, *, quiet: bool) -> Sample:
        """A sample with its time and all calls so far."""
        issued = self._python_issued() + sample["erlang_issued"]
        with self._lock:
            sample |= {
                "seconds": round(time.monotonic() - self._start, 3),
                "calls": self.calls + issued,
                "quiet": quiet,
            }
            self._file.write(json.dumps(sample) + "\n")
            self._file.flush()
        return sample

    def samples(self) -> list[Sample]:
        """All of them, when it has stopped."""
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self.add(now(), quiet=False)
