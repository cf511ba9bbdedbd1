# SPDX-License-Identifier: Apache-2.0
"""A long random load inside a node: ``./dev soak SECONDS``. Status 1 if anything is wrong.

The load comes in epochs of some seconds. After each epoch it pauses. Then

1. every call that was begun has ended, once, with the right value or error class: a token in its
arguments identifies its value;
2. every function was executed exactly once for a call that got its value or its failure. It was
never executed for a refused call, and at most once for a call that was cancelled, timed out or
killed. The other side of the bridge counts the executions;
3. nothing logs an error, no load crashes, and each load ends within a minute after its stop;
4. processes, threads, descriptors and everything else that can be counted have not grown;
5. memory has not drifted by the rules in ``drift.py``: medians of first and last third differ by at
most a slack and an amount for each million calls.

The first fifth of the time warms up with the greatest load, so that allocators have all memory that
they will ever keep: 1 to 3 hold there too, 4 and 5 do not. A seed decides the load, but not how
threads and processes interleave.
"""

import argparse
import faulthandler
import json
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import drift
import findings
import ledger
import loop_load
import sampling
import targets
import thread_load
import timeline_plot
from ledger import Ledger

import erlang

# In seconds: the time for the calls in progress to end when the load pauses.
STOP_SECONDS = 60.0
SAMPLES = 200
MOST_LONG_THREADS = 4
MOST_ERLANG_CALLERS = 8
# An intentional leak takes this many steps in an epoch, whatever the machine's speed.
LEAK_STEPS = 30
LEAK_OBJECTS = 20_000
# In seconds: the time for start and pauses, in addition to the time of the load.
MARGIN = 180.0

# In seconds: a shorter interval gives more interleavings of threads; the default is 0.005.
SWITCH_SECONDS = 0.0005

Load = Callable[[Ledger, Random, threading.Event], None]


class Soak:
    def __init__(self, seconds: float, seed: int, results: Path, leak: str) -> None:
        self.seconds = seconds
        self.seed = seed
        self.results = results
        self.leak = leak
        self.ledger = Ledger([*thread_load.ALL_KINDS, *loop_load.KINDS], targets.CAPACITY)
        self.erlang_kinds: list[str] = [str(kind) for kind in erlang.call("soak_kinds")]
        self.python_accounts: ledger.Accounts = {}
        self.erlang_accounts: ledger.Accounts = {}
        self.wrong: list[str] = []
        self.points: list[sampling.Sample] = []
        self.leaked: list[object] = []
        interval = max(0.2, seconds / SAMPLES)
        self.recorder = sampling.Recorder(
            results / "samples.jsonl", interval, lambda: self.ledger.issued
        )

    def run(self) -> bool:
        targets.use(self.ledger)
        epoch_seconds = min(20.0, self.seconds / 15)
        warm_until = time.monotonic() + self.seconds / 5
        start = time.monotonic()
        self.recorder.start()
        epoch, warm = 0, 0.0
        while not self.wrong and (
            time.monotonic() < start + self.seconds or len(self.points) < drift.FEWEST_POINTS
        ):
            self.run_epoch(epoch, epoch_seconds, warm=time.monotonic() >= warm_until)
            with self.recorder.paused():
                baseline = self.points[0] if self.points else None
                sample = self.recorder.add(sampling.quiet(baseline), quiet=True)
                self.settle(epoch)
            if time.monotonic() >= warm_until:
                self.points.append(sample)
            else:
                warm = sample["seconds"]
            if sample["unrest"]:
                late = ", ".join(f"{each} ({sample[each]})" for each in sample["unrest"])
                self.wrong.append(f"epoch {epoch}: not back where it was: {late}")
            findings.progress(epoch, sample)
            epoch += 1
        self.recorder.stop()
        return self.finish(warm)

    def run_epoch(self, epoch: int, seconds: float, *, warm: bool) -> None:
        random = Random(f"{self.seed} {epoch}")
        stop = threading.Event()
        long_threads = random.randint(1, MOST_LONG_THREADS) if warm else MOST_LONG_THREADS
        callers = random.randint(2, MOST_ERLANG_CALLERS) if warm else MOST_ERLANG_CALLERS
        loads: list[Load] = [thread_load.long_thread] * long_threads
        loads += [thread_load.executors, thread_load.short_threads, loop_load.fresh_loops]
        loads += [partial(loop_load.long_loop, factory=each) for each in loop_load.FACTORIES]
        if self.leak:
            loads.append(self.leaking)
        threads = [
            # A daemon: a hanging thread is reported, and does not stop the program from ending.
            threading.Thread(
                target=self.guarded,
                args=(load, Random(f"{self.seed} {epoch} {number}"), stop),
                daemon=True,
            )
            for number, load in enumerate(loads)
        ]
        erlang.call("soak_start", self.seed, epoch, callers)
        for thread in threads:
            thread.start()
        self.pass_time(seconds)
        stop.set()
        deadline = time.monotonic() + STOP_SECONDS
        self.wrong += erlang.call("soak_stop", int(STOP_SECONDS * 1000))
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self.hangs(str(thread))

    def pass_time(self, seconds: float) -> None:
        """Wait until the time is over, or an account is nearly full."""
        deadline = time.monotonic() + seconds
        full = targets.CAPACITY * 3 // 4
        while time.monotonic() < deadline and self.ledger.issued < full:
            if erlang.call("soak_issued") > full:
                break
            time.sleep(0.05)

    def guarded(self, load: Load, random: Random, stop: threading.Event) -> None:
        try:
            load(self.ledger, random, stop)
        except BaseException:
            self.wrong.append(traceback.format_exc())

    def hangs(self, what: str) -> None:
        self.wrong.append(f"still running {STOP_SECONDS:.0f} s after its stop: {what}")
        faulthandler.dump_traceback(2)

    def settle(self, epoch: int) -> None:
        """Compare the begun calls with the executed calls."""
        states = self.ledger.take()
        erlang_states, executed, complaints = erlang.call("soak_take", len(states))
        # Empty binaries come as text.
        erlang_states, executed = (
            bytes(data, "ascii") if isinstance(data, str) else data
            for data in (erlang_states, executed)
        )
        wrong = [*complaints, *self.ledger.wrong]
        self.ledger.wrong.clear()
        wrong += ledger.settle(self.ledger.kinds, states, executed, self.python_accounts)
        wrong += ledger.settle(
            self.erlang_kinds,
            erlang_states,
            targets.take(len(erlang_states)),
            self.erlang_accounts,
        )
        self.recorder.calls += len(states) + len(erlang_states)
        self.wrong += [f"epoch {epoch}: {each}" for each in wrong]

    def leaking(self, _ledger: Ledger, _random: Random, _stop: threading.Event) -> None:
        """Leak on purpose, to check that the leak is noticed."""
        for _ in range(LEAK_STEPS):
            if self.leak == "list":
                self.leaked += [object() for _ in range(LEAK_OBJECTS)]
            elif self.leak == "descriptor":
                self.leaked.append(open("/dev/null"))  # noqa: SIM115
            else:
                erlang.call("soak_leak", self.leak)

    def finish(self, warm: float) -> bool:
        samples = self.recorder.samples()
        drifts = drift.judge_all(self.points) if len(self.points) >= drift.FEWEST_POINTS else []
        self.wrong += [f"drift: {each}" for each in drifts if each.failed]
        missing = [
            kind
            for kinds, accounts in (
                (self.ledger.kinds, self.python_accounts),
                (self.erlang_kinds, self.erlang_accounts),
            )
            for kind in kinds
            if kind not in accounts
        ]
        if missing and drifts:
            self.wrong.append(f"never called: {', '.join(missing)}")
        accounts = {"Python": self.python_accounts, "Erlang": self.erlang_accounts}
        summary = findings.summary(self.seed, samples, accounts, drifts, self.wrong)
        (self.results / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
        title = (
            f"{summary['calls']:,} calls in {summary['seconds'] / 60:.1f} minutes,"
            f" {summary['calls_per_second']:,} a second"
        )
        picture = timeline_plot.draw(title, samples, warm, drifts)
        (self.results / "soak.svg").write_text(picture)
        findings.show(accounts, drifts, summary, self.results)
        return not self.wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--leak", default="")
    options = parser.parse_args()
    sys.setswitchinterval(SWITCH_SECONDS)
    loop_load.ignore_expected_warnings()
    # If the node hangs as a whole, the tracebacks come shortly before the node is ended from
    # outside.
    faulthandler.dump_traceback_later(1.2 * options.seconds + MARGIN, file=2)
    soak = Soak(options.seconds, options.seed, options.results, options.leak)
    try:
        return 0 if soak.run() else 1
    except BaseException:
        # Otherwise the traceback would go to the node's log.
        traceback.print_exc(file=sys.__stderr__)
        return 1


if __name__ == "__main__":
    sys.exit(main())
