# SPDX-License-Identifier: Apache-2.0
"""Other processes: a fork of the node calls it, and subprocesses work as usual."""

import asyncio
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing import resource_tracker

import pytest

import erlang


@pytest.fixture(scope="module", autouse=True)
def tracker() -> None:
    """The resource tracker of multiprocessing stays with its descriptor once it has started."""
    resource_tracker.ensure_running()


def in_fork(work: Callable[[], object]) -> str:
    """Return the result or exception of ``work`` in a forked child. The child never leaves this
    function.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            try:
                text = repr(work())
            except BaseException as error:
                text = "".join(traceback.format_exception_only(error))
            os.write(writer, text.encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        answered = select.select([stream], [], [], 30)[0]
        if not answered:
            os.kill(child, signal.SIGKILL)
        text = stream.read().decode()
    assert os.waitpid(child, 0) == (child, 0), "the child hangs"
    return text


def await_a_call() -> object:
    async def main() -> object:
        return await erlang.async_call("echo", 1)

    return asyncio.run(main())


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
@pytest.mark.parametrize(
    ("work", "result"),
    [
        (lambda: erlang.call("echo", 1), "1"),
        (lambda: erlang.function("echo")(1), "1"),
        (lambda: erlang.call("echo", 1, timeout=5), "1"),
        (lambda: erlang.send(erlang.Atom("init"), 1), "None"),
        (lambda: erlang.call("echo", erlang.Atom("made_in_a_fork")), "Atom('made_in_a_fork')"),
        (lambda: hasattr(erlang, "echo"), "True"),
        (lambda: hasattr(erlang, "no_such_function"), "False"),
        (lambda: erlang.stats()["calls"] > 0, "True"),
        (await_a_call, "1"),
    ],
    ids=["call", "function", "timed", "send", "atom", "name", "no_name", "stats", "async_call"],
)
def test_a_fork_calls_the_node(work: Callable[[], object], result: str) -> None:
    assert erlang.call("echo", 1) == 1
    assert in_fork(work) == result
    assert erlang.call("echo", 1) == 1


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_fork_keeps_no_copy_of_the_nodes_sockets_for_processes() -> None:
    """Otherwise the node's other children would not notice its end."""
    folder = os.path.dirname(os.environ["ERLANG_PYTHON_SOCKET"])

    def copies() -> list[str]:
        with open("/proc/net/unix") as table:
            inodes = {line.split()[6] for line in table if folder in line}
        links = (os.readlink(f"/proc/self/fd/{name}") for name in existing())
        return [link for link in links if link.startswith("socket:[") and link[8:-1] in inodes]

    def existing() -> list[str]:
        names = os.listdir("/proc/self/fd")
        return [name for name in names if os.path.islink(f"/proc/self/fd/{name}")]

    assert copies() != []
    assert in_fork(copies) == "[]"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_forks_while_other_threads_are_busy_with_erlang() -> None:
    """Other code that runs in the node must not hold a lock that the child needs."""
    end = threading.Event()

    def work() -> None:
        while not end.is_set():
            # A buffer of this size is kept by Erlang, so it has to be released later.
            assert erlang.call("size_of", b"x" * 300_000) == 300_000

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        kept = [erlang.call("self") for _ in range(100)]
        for _ in range(100):
            # The child drops its references to Erlang's data.
            assert in_fork(lambda: kept.clear()) == "None"
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("code", [0, 3])
def test_subprocess_reports_exit_codes(code: int) -> None:
    assert subprocess.run(["sh", "-c", f"exit {code}"], check=False).returncode == code


def test_subprocess_reports_signals_and_output() -> None:
    assert subprocess.run(["sh", "-c", "kill -9 $$"], check=False).returncode == -9
    assert subprocess.check_output(["sh", "-c", "cat"], input=b"through") == b"through"
    assert os.waitstatus_to_exitcode(os.system("exit 5")) == 5


def test_the_interpreter_starts_itself() -> None:
    output = subprocess.check_output([sys.executable, "-c", "import sys; print(sys.prefix)"])
    assert output.decode().strip() == sys.prefix


async def test_subprocesses_of_the_loop() -> None:
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", "cat; exit 4", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(b"through")
    assert (output, process.returncode) == (b"through", 4)


def test_processes_spawned_by_multiprocessing() -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=sys.exit, args=(7,))
    process.start()
    process.join(60)
    assert process.exitcode == 7
    process.close()
