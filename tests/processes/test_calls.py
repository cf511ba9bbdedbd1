# SPDX-License-Identifier: Apache-2.0
"""Child processes of a node call its functions: by subprocess, pools, and forks."""

import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pool_work
import pytest
from conftest import Programs, output

import erlang

METHODS = ["fork", "forkserver", "spawn"]

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")

# Tests of calls inside a node, and of conversions: a child passes them too.
SAME = {
    "calls": """
        async_calls blocking_warning call_as_future call_life_cycle cancellation concurrency errors
        failures flat_usage limits loop_lifecycle map names payloads seed_scenarios send
        thread_calls
    """,
    "conversion": """
        conversion_adapters conversion_binaries conversion_erlang_types conversion_fields
        conversion_refusals conversion_round_trips conversion_structs conversion_types
    """,
}
# What these show is different in a child, or needs the child's modules in the node.
DIFFERENT = """
    test_a_context_thread_calls
    test_unpickling_makes_no_atoms
    test_terms_are_printed_as_erlang_does
    test_values_become_structs_until_the_next_start
    test_a_dead_map_is_disconnected_and_leaves_no_item
    test_a_map_is_one_call_in_flight
    test_a_result_without_a_python_value_names_its_place
    test_an_item_that_cannot_be_converted_names_its_place
    test_closing_the_loop_stops_all_processes
    test_items_are_not_kept_after_they_are_sent
""".split()


@pytest.mark.parametrize("topic", SAME)
def test_a_child_passes_the_tests_of_the_inside(topic: str, root: Path) -> None:
    files = [f"tests/python/test_{name}.py" for name in SAME[topic].split()]
    chosen = " and ".join(f"not {different}" for different in DIFFERENT)
    command = [sys.executable, "-m", "pytest", "-q", *files, "-k", chosen]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


def test_a_command_line_calls() -> None:
    code = "import erlang; print(erlang.call('double_it', 21), erlang.double_it(4))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "42 8\n"


def test_a_child_sees_the_names_of_the_node() -> None:
    code = "import erlang; print(*erlang.registered()); print(*dir(erlang))"
    printed = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()
    assert printed[0].split() == erlang.registered()
    assert {*erlang.registered(), *erlang.__all__} <= {*printed[1].split()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("work", [pool_work.call_many, pool_work.await_many])
def test_a_pool_calls(method: str, work: Callable[[int], list[int]]) -> None:
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(work, [50] * 4) == [[2 * number for number in range(50)]] * 4
        pool.close()
        pool.join()


@pytest.mark.parametrize("method", METHODS)
def test_an_executor_of_processes_calls(method: str) -> None:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        assert [*executor.map(pool_work.call_many, [50] * 4)] == [
            [2 * number for number in range(50)]
        ] * 4


@pytest.mark.parametrize("method", METHODS)
def test_terms_and_errors_come_from_pools(method: str) -> None:
    own = erlang.call("self")
    values: list[Any] = [own, erlang.Atom("beside_atom"), {"k": (own, [1.5])}]
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(pool_work.echo, values) == values
        assert isinstance(pool.apply(pool_work.echo, (own,)), erlang.Pid)
        with pytest.raises(erlang.Error) as raised:
            pool.apply(pool_work.fail)
        pool.close()
        pool.join()
    assert raised.value.reason == (erlang.Atom("too_large"), 11)
    assert raised.value.stacktrace


def test_a_program_whose_main_module_imports_erlang_has_pools(programs: Programs) -> None:
    program = programs.write(
        "main.py",
        "import erlang, multiprocessing\n"
        "def work(number): return erlang.call('double_it', number)\n"
        "if __name__ == '__main__':\n"
        "    for method in ('fork', 'forkserver', 'spawn'):\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool:\n"
        "            print(pool.map(work, range(4)))\n",
    )
    printed = output(programs.node("-W", "ignore", program)).splitlines()
    assert printed == ["[0, 2, 4, 6]"] * 3


def test_a_fork_of_a_child_connects_anew(programs: Programs) -> None:
    program = programs.write(
        "forks.py",
        "import asyncio, os, erlang\n"
        "assert erlang.call('double_it', 1) == 2\n"
        "async def main():\n"
        "    assert await erlang.async_call('double_it', 2) == 4\n"
        "asyncio.run(main())\n"
        "for number in range(20):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        asyncio.run(main())\n"
        "        os._exit(erlang.call('double_it', number) != 2 * number)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    assert erlang.call('double_it', number) == 2 * number\n"
        "print('done')\n",
    )
    assert output(programs.python("-W", "ignore", program)) == "done\n"


def test_a_node_in_a_node_has_its_own_children(programs: Programs) -> None:
    """The inner node's children call the inner node, whose double_it this test replaces."""
    code = (
        "import erlang, subprocess, sys\n"
        "code = 'import erlang; print(erlang.registered())'\n"
        "subprocess.run([sys.executable, '-c', code], check=True)\n"
    )
    assert output(programs.node("-c", code)) == "['double_it']\n"
