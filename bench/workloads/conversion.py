# SPDX-License-Identifier: Apache-2.0
"""Values of several shapes to Erlang and back, against pickling and unpickling twice.

Both sides take the same steps: out of Python objects and back into them, in each direction.
"""

import json
import pickle
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import erlang
from workloads.rounds import Record, Round, Side, compare

SHAPES: dict[str, Any] = {
    "integers": list(range(-5_000, 5_000)),
    "floats": [number / 7 for number in range(5_000)],
    "texts": [f"text number {number}" for number in range(5_000)],
    "map": {f"key {number}": number for number in range(3_000)},
    "records": [
        {"id": number, "name": f"user {number}", "active": True, "score": number / 3, "tags": ["a"]}
        for number in range(1_000)
    ],
    "nested": [[[[number], [number]], [[number]]] for number in range(1_500)],
    "long text": "a line of text, ünïcode and all\n" * 5_000,
}


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def there_and_back(value: Any, times: int, echo: Callable[[Any], Any]) -> Round:
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        echoed = echo(value)
        durations.append((time.perf_counter() - start) * 1e6)
        assert echoed == value
    return Round.of(durations)


def run(variant: str, quick: bool) -> list[Record]:
    times, rounds = (2, 2) if quick else (5, 20)
    value = SHAPES[variant]
    rivals: dict[str, Callable[[Any], Any]] = {
        "pickle": lambda value: pickled(pickled(value)),
        "json": lambda value: as_json(as_json(value)),
    }
    records = []
    for name, rival in rivals.items():
        ours = Side("erlang", partial(there_and_back, value, times, partial(erlang.call, "echo")))
        floor = Side(f"{name}, twice", partial(there_and_back, value, times, rival))
        records.append(compare(f"conversion_{name}", variant, ours, floor, rounds))
    return records
