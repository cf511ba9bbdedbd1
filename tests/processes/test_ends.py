# SPDX-License-Identifier: Apache-2.0
"""Ends: of a call, of a child with calls under way, and of the node with children."""

import signal
import subprocess

import pytest
from conftest import Programs, await_line, becomes_true, output

import erlang

WAIT_BLOCKING = "import erlang, sys; erlang.call('wait_watched', sys.argv[1])"
WAIT_ON_A_LOOP = """
import asyncio, erlang, sys
async def main():
    await erlang.async_call("wait_watched", sys.argv[1])
asyncio.run(main())
"""

ways = pytest.mark.parametrize("code", [WAIT_BLOCKING, WAIT_ON_A_LOOP])


@ways
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_calls_of_a_child_end_with_it(
    code: str, number: int, tag: str, programs: Programs
) -> None:
    child = programs.python("-c", code, tag)
    assert isinstance(erlang.call("await_published", tag, 30_000), erlang.Pid)
    child.send_signal(number)
    assert erlang.call("await_published", f"end of {tag}", 10_000) == "shutdown"
    child.communicate(timeout=10)


def test_a_process_that_traps_exits_is_killed_after_its_child(tag: str, programs: Programs) -> None:
    code = "import erlang, sys; erlang.call('ignore_shutdown', sys.argv[1])"
    child = programs.python("-c", code, tag)
    pid = erlang.call("await_published", tag, 30_000)
    child.kill()
    assert erlang.call("await_end", pid, 10_000)


@ways
def test_a_time_limit_holds_for_a_child_that_stands_still(
    code: str, tag: str, programs: Programs
) -> None:
    limited = code.replace("sys.argv[1])", "sys.argv[1], timeout=2)")
    child = programs.python("-c", limited, tag)
    assert isinstance(erlang.call("await_published", tag, 30_000), erlang.Pid)
    child.send_signal(signal.SIGSTOP)
    assert erlang.call("await_published", f"end of {tag}", 10_000) == "shutdown"
    child.send_signal(signal.SIGCONT)
    printed, _ = child.communicate(timeout=10)
    assert "erlang.Timeout: wait_watched: no reply within 2 s" in printed


PARENT = """
import erlang, multiprocessing, sys, time

def work(name):
    try:
        erlang.call("sleep")
    except erlang.Disconnected:
        open(f"disconnected-{name}", "w").close()

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    for name in "ab":
        context.Process(target=work, args=(name,)).start()
    while erlang.call("sleeping") < 2: pass
    print("ready", flush=True)
    time.sleep(1000)
"""

SLEEP = """
Count = counters:new(1, []),
py:register_function(sleeping, fun([]) -> counters:get(Count, 1) end),
py:register_function(sleep, fun([]) -> counters:add(Count, 1, 1), timer:sleep(infinity) end)
"""


def parent(method: str, programs: Programs) -> subprocess.Popen[str]:
    """A node with two child processes in calls."""
    program = programs.write("parent.py", PARENT)
    node = programs.node("--erl", SLEEP, "-W", "ignore", program, method)
    await_line(node, "ready")
    return node


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_children_learn_of_the_death_of_their_node(method: str, programs: Programs) -> None:
    node = parent(method, programs)
    node.kill()
    files = [programs.folder / f"disconnected-{name}" for name in "ab"]
    assert becomes_true(lambda: all(file.exists() for file in files), 5)
    assert becomes_true(lambda: not programs.group(node), 5)


def test_a_supervised_program_ends_with_a_killed_node(programs: Programs) -> None:
    code = "import time; print('ready', flush=True); time.sleep(1000)"
    start = (
        'spawn(fun() -> {ok, _} = py_process:start_link(#{args => ["-c", "' + code + '"]}),'
        " receive stop -> ok end end)"
    )
    node = programs.node("--erl", start, "-c", "import time; time.sleep(1000)")
    await_line(node, "ready")
    # The program has a process group of its own.
    node.kill()
    assert node.stdout is not None
    assert node.stdout.read() == ""  # until the program has ended, too


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_node_that_stops_leaves_no_children(method: str, programs: Programs) -> None:
    node = parent(method, programs)
    node.terminate()
    node.communicate(timeout=30)
    assert becomes_true(lambda: not programs.group(node), 5)


RESTARTED = """
import erlang, subprocess, sys

def is_registered():
    try:
        return "double_it" in erlang.registered()
    except erlang.Error:
        return False

child = subprocess.Popen(
    [sys.executable, "child.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
)
print(child.stdout.readline().strip())
erlang.call("restart")
while is_registered(): pass
while not is_registered(): pass
print(child.communicate("go on")[0].strip())
"""

CHILD = """
import erlang, sys
print(erlang.call("double_it", 1), flush=True)
sys.stdin.read()
print(erlang.call("double_it", 2))
"""

RESTART = """
py:register_function(restart, fun([]) ->
    spawn(fun() ->
        %% A stop of the application ends the processes of its group.
        group_leader(whereis(init), self()),
        ok = application:stop(erlang_python),
        ok = application:start(erlang_python),
        py:register_function(double_it, fun([X]) -> X * 2 end)
    end)
end)
"""


def test_a_child_calls_again_after_a_restart_of_the_application(programs: Programs) -> None:
    programs.write("child.py", CHILD)
    program = programs.write("parent.py", RESTARTED)
    assert output(programs.node("--erl", RESTART, program)).splitlines()[-2:] == ["2", "4"]


def test_a_child_without_its_node_fails_at_once(programs: Programs) -> None:
    code = (
        "import erlang, os\n"
        "os.environ['ERLANG_PYTHON_SOCKET'] = 'no_such_folder/node'\n"
        "try: erlang.call('echo', 1)\n"
        "except erlang.Disconnected as error: print(error)\n"
    )
    printed = output(programs.python("-c", code))
    assert printed.startswith("echo: the node that this process belongs to can't be reached: ")
