# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin that comes with the package, in a pytest of its own in another node."""

from conftest import Node

DOUBLE_IT = ("--erl", "py:register_function(double_it, fun([X]) -> X * 2 end)")

CONFTEST = """
import pytest

pytest_plugins = ["erlang.testing"]

@pytest.fixture(autouse=True)
def nothing_leaks(no_erlang_leaks): ...
"""

TESTS = """
import os
import threading

import erlang
import erlang.testing

erlang.testing.SETTLE_SECONDS = 0.1
end = threading.Event()

def test_that_leaves_nothing(eventually):
    thread = threading.Thread(target=erlang.double_it, args=(21,))
    thread.start()
    assert eventually(lambda: not thread.is_alive())

def test_that_leaves_descriptors():
    os.pipe()

def test_that_leaves_a_thread_in_a_call():
    threading.Thread(target=erlang.call, args=("wait",), daemon=True).start()
    assert erlang.testing.becomes_true(lambda: erlang.stats()["in_flight"] == 1)
"""


def test_what_a_test_leaves_behind_fails_it(node: Node) -> None:
    (node.folder / "conftest.py").write_text(CONFTEST)
    (node.folder / "test_leaks.py").write_text(TESTS)
    wait = "py:register_function(wait, fun([]) -> timer:sleep(infinity) end)"
    done = node.run(*DOUBLE_IT, "--erl", wait, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "3 passed, 2 errors" in done.stdout, done.stdout + done.stderr
    assert "left behind: descriptors: " in done.stdout
    assert "left behind: calls in flight: 1, not 0; Python threads: " in done.stdout
    assert done.returncode == 1
