# SPDX-License-Identifier: Apache-2.0
"""Faults of maps."""

from mutant import Mutant

MAP_MUTANTS = (
    Mutant(
        "a failed map leaves the other items running",
        "erl/src/py_function_map.erl",
        "    stop_items(Started),\n    py_function_call:leave(Handler),\n",
        "    [unlink(Pid) || Pid <- Started],\n    py_function_call:leave(Handler),\n",
        ("tests/python/test_map.py", "-k", "first_failure"),
    ),
    Mutant(
        "the results of a map are in the order of their ends",
        "erl/src/py_function_map.erl",
        "<- lists:keysort(1, Values)],",
        "<- lists:reverse(Values)],",
        ("tests/python/test_map.py", "-k", "order"),
    ),
    Mutant(
        "nobody guards the items of a killed map",
        "erl/src/py_function_map.erl",
        "            py_workers:start_guard(),\n",
        "",
        ("map_SUITE",),
    ),
)
