# SPDX-License-Identifier: Apache-2.0
"""erlang.stats(): counters and a latency histogram of this node's bridge."""

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import fastapi
from fastapi.responses import PlainTextResponse

import erlang

COUNTERS = {
    "calls",
    "in_flight",
    "refused",
    "stale",
    "total_us",
    "channels",
    "pooled_channels",
    "contexts",
    "loops",
}


def test_it_is_a_dict_of_counters_and_a_histogram() -> None:
    stats = erlang.stats()
    assert set(stats) == COUNTERS | {"histogram"}
    assert all(type(stats[name]) is int and stats[name] >= 0 for name in COUNTERS)
    assert all(type(bucket) is int for bucket in stats["histogram"])


def test_each_call_counts_once() -> None:
    before = erlang.stats()
    for number in range(10):
        erlang.call("echo", number)
    after = erlang.stats()
    assert after["calls"] == before["calls"] + 10
    assert sum(after["histogram"]) == sum(before["histogram"]) + 10
    assert after["in_flight"] == before["in_flight"]


def test_time_adds_up_in_microseconds() -> None:
    before = erlang.stats()
    erlang.call("slow", 50)
    assert erlang.stats()["total_us"] - before["total_us"] >= 50_000


async def test_calls_in_flight_are_counted_while_they_are(tag: str) -> None:
    before = erlang.stats()["in_flight"]
    calls = [erlang.async_call("wait_forever", f"{tag}/{n}") for n in range(5)]
    assert erlang.stats()["in_flight"] == before + 5
    assert erlang.stats()["loops"] >= 1
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert erlang.stats()["in_flight"] == before


def test_waiting_threads_are_counted(tag: str) -> None:
    before = erlang.stats()["in_flight"]
    thread = threading.Thread(target=erlang.call, args=("wait_forever", tag))
    thread.start()
    pid = erlang.call("await_published", tag, 5000)
    assert erlang.stats()["in_flight"] == before + 1
    erlang.call("release", pid, 1)
    thread.join()
    assert erlang.stats()["in_flight"] == before


def test_a_caller_can_change_its_copy() -> None:
    erlang.stats().clear()
    assert erlang.stats()["calls"] > 0


PAGE = Path("docs/operating.md").read_text()


def test_the_page_about_metrics_names_each_counter() -> None:
    named = set(re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\|.*\|$", PAGE, re.MULTILINE))))
    info = erlang.call("bridge_info")
    assert named >= {*erlang.stats(), *info, *info["contexts"]}


def test_the_metrics_of_the_page_are_what_prometheus_reads() -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {
        "app": fastapi.FastAPI(),
        "erlang": erlang,
        "PlainTextResponse": PlainTextResponse,
    }
    exec(example, names)
    erlang.call("echo", 1)
    samples = dict(line.rsplit(" ", 1) for line in names["metrics"]().body.decode().splitlines())
    buckets = [int(n) for name, n in samples.items() if name.startswith("erlang_call_seconds_b")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == int(samples["erlang_call_seconds_count"]) > 0
    assert float(samples["erlang_call_seconds_sum"]) > 0
    assert int(samples["erlang_calls"]) > 0
