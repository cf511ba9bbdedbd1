# SPDX-License-Identifier: Apache-2.0
"""The workloads that run, and the figures that they must reach."""

from dataclasses import dataclass

LOOPS = ("asyncio", "uvloop")
SHAPES = ("integers", "floats", "texts", "map", "records", "nested", "long text")

# Workloads with their variants: each pair runs in a separate node.
WORKLOADS: dict[str, tuple[str, ...]] = {
    "gather": LOOPS,
    "map": LOOPS,
    "in_flight": LOOPS,
    "sequential_await": LOOPS,
    "thread_call": ("1 thread",),
    "many_threads": ("16 threads",),
    "beside": ("asyncio",),
    "payload": ("bytes",),
    "web_route": LOOPS,
    "memory": ("asyncio",),
    "timers": ("asyncio",),
    "burst": LOOPS,
    "conversion": SHAPES,
}

# Google Benchmark, without Erlang.
NATIVE = ("channel", "ping_pong", "call_slots", "conversion")


@dataclass(frozen=True)
class Figure:
    """A row of the table at the end of a run.

    ``bound`` is the worst good value, ``aim`` the value to work for. A row without them is for
    orientation only.
    """

    title: str
    bound: float | None = None
    aim: float | None = None
    more_is_better: bool = False
    unit: str = ""

    def verdict(self, value: float) -> str:
        if self.bound is None or self.aim is None:
            return ""
        if self._reaches(value, self.aim):
            return "aim"
        return "bound" if self._reaches(value, self.bound) else "missed"

    def _reaches(self, value: float, wanted: float) -> bool:
        return value >= wanted if self.more_is_better else value <= wanted


FIGURES = {
    "gather": Figure("gather of 1,000 calls / of 1,000 bare futures", 2.5, 1.8),
    "map": Figure("map of 1,000 items / gather of 1,000 calls", 0.5, 0.3),
    "in_flight": Figure("a call with 20,000 in flight / with 100", 1.5, 1.1),
    "sequential_await": Figure("sequential await / run_in_executor", 0.5, 0.2),
    "thread_call": Figure("erlang.call in a thread / native ping-pong", 1.5, 1.1),
    "many_threads": Figure("a call of 16 threads / ping-pong, no spin", 0.6, 0.3),
    "beside": Figure("erlang.call in a child process / in a thread of the node"),
    "beside_rate": Figure(
        "calls a second of one asyncio child", 10_000, 20_000, more_is_better=True
    ),
    "payload": Figure("100 MB argument / 100 B", 5, 2),
    "web_route": Figure("FastAPI route with a call / constant", 0.85, 0.95, more_is_better=True),
    "memory": Figure("memory for a call in flight", 1024, 300, unit="B"),
    "timers": Figure("a 1 ms timer's lateness, p99, beside calls / processes"),
    "burst": Figure("a 5 ms tick's worst lateness, 100,000 replies / bare futures", 1, 0.5),
    "conversion_pickle": Figure("there and back / pickled twice"),
    "conversion_json": Figure("there and back / JSON twice"),
}
