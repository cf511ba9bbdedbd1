# SPDX-License-Identifier: Apache-2.0
"""erlpy runs Python as python3 does, inside a node."""

import os
import signal
import subprocess
import sys

import pytest
from conftest import Node

DOUBLE_IT = ("--erl", "py:register_function(double_it, fun([X]) -> X * 2 end)")


def test_code_from_the_command_line(node: Node) -> None:
    done = node.run(*DOUBLE_IT, "-c", "import erlang, sys; print(erlang.double_it(21), sys.argv)")
    assert (done.stdout, done.stderr, done.returncode) == ("42 ['-c']\n", "", 0)


def test_a_script_with_arguments(node: Node) -> None:
    script = node.folder / "script.py"
    script.write_text("import sys\nprint(__name__, sys.argv, sys.path[0], sep='\\n')\n")
    done = node.run(script, "--option", "-c", "ä b")
    assert done.stdout.splitlines() == [
        "__main__",
        str([str(script), "--option", "-c", "ä b"]),
        str(node.folder),
    ]
    assert done.returncode == 0


def test_a_module(node: Node) -> None:
    (node.folder / "module.py").write_text("import sys; print(__name__, sys.argv[1:])")
    assert node.run("-m", "module", "x").stdout == "__main__ ['x']\n"


def test_a_program_from_standard_input(node: Node) -> None:
    assert node.run(stdin="print(6 * 7)\n").stdout == "42\n"


def test_standard_input_reaches_the_program(node: Node) -> None:
    done = node.run(
        "-c", "import sys; print(sys.stdin.read()[::-1], input is not None)", stdin="abc"
    )
    assert done.stdout == "cba True\n"


def test_erlang_is_there_and_the_main_thread_is_the_main_thread(node: Node) -> None:
    done = node.run(
        "-c",
        "import threading, erlang\n"
        "print(threading.current_thread() is threading.main_thread(), erlang.stats()['calls'])",
    )
    assert done.stdout == "True 0\n"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("pass", 0, ""),
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit('a message')", 1, "a message\n"),
        ("import os; os._exit(5)", 5, ""),
    ],
)
def test_exit_codes(node: Node, code: str, status: int, error: str) -> None:
    done = node.run("-c", code)
    assert (done.returncode, done.stderr) == (status, error)


def test_an_uncaught_exception(node: Node) -> None:
    script = node.folder / "script.py"
    script.write_text("def fail():\n    1 / 0\n\nfail()\n")
    done = node.run(script)
    alone = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "line 2, in fail" in alone.stderr
    assert (done.returncode, done.stderr) == (alone.returncode, alone.stderr)


def test_an_uncaught_erlang_error_shows_both_stacks(node: Node) -> None:
    done = node.run(*DOUBLE_IT, "-c", "import erlang; erlang.double_it('x')")
    assert done.returncode == 1
    assert "erlang.Error: double_it: error: badarith" in done.stderr
    assert "Erlang stack:\n" in done.stderr


def test_exit_functions_run_and_output_is_flushed(node: Node) -> None:
    done = node.run("-c", "import atexit; atexit.register(print, 'bye'); print('hi', end=' ')")
    assert done.stdout == "hi bye\n"


def test_threads_that_are_no_daemons_are_waited_for(node: Node) -> None:
    done = node.run(
        *DOUBLE_IT,
        "-c",
        "import erlang, threading\n"
        "go = threading.Event()\n"
        "threading.Thread(target=lambda: (go.wait(), print(erlang.double_it(21)))).start()\n"
        "go.set()",
    )
    assert (done.stdout, done.returncode) == ("42\n", 0)


@pytest.mark.parametrize(
    "waiting",
    [
        "import time; print('ready', flush=True); time.sleep(60)",
        "import erlang; print('ready', flush=True); erlang.call('wait')",
        # In the task: asyncio.run forgets a Ctrl-C that comes just before the loop runs.
        "import asyncio\n"
        "async def main():\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n",
    ],
    ids=["sleep", "call", "loop"],
)
def test_control_c_is_a_keyboard_interrupt(node: Node, waiting: str) -> None:
    expression = "py:register_function(wait, fun([]) -> timer:sleep(infinity) end)"
    process = node.start("--erl", expression, "-c", waiting)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert error.endswith("KeyboardInterrupt\n")
    assert process.returncode in (130, -signal.SIGINT)


def test_control_c_can_be_handled(node: Node) -> None:
    process = node.start(
        "-c",
        "import time\n"
        "try:\n    print('ready', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('stopped')",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert (output, process.returncode) == ("stopped\n", 0)


def test_a_program_that_is_not_there(node: Node) -> None:
    done = node.run("no_such_file.py")
    assert done.returncode == 2
    assert "can't open file" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("--erl", "syntax error("), ("--erl", "1 = 2")], ids=["syntax", "crash"]
)
def test_a_bad_erlang_expression_stops_the_start(node: Node, arguments: tuple[str, ...]) -> None:
    done = node.run(*arguments, "-c", "print('not reached')")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "erlpy: " in done.stderr


def test_an_expression_may_end_with_its_dot(node: Node) -> None:
    done = node.run("--erl", "X = 20.", "--erl", "20 = X .", "-c", "print('reached')")
    assert (done.stdout, done.stderr) == ("reached\n", "")


def test_a_configuration_file_that_is_not_there(node: Node) -> None:
    done = node.run("--config", "no_such_file", "-c", "print('not reached')")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("erlpy: there is no configuration file no_such_file\n")
    assert not (node.folder / "erl_crash.dump").exists()


def test_expressions_share_variables_and_code_folders_are_found(node: Node) -> None:
    done = node.run(
        *("--erl", "X = 20", "--erl", "py:register_function(x, fun([]) -> X + 1 end)"),
        *("-pa", node.folder),
        "-c",
        "import erlang; print(erlang.x())",
    )
    assert done.stdout == "21\n"


def test_the_node_has_a_name_if_asked(node: Node) -> None:
    expression = "py:register_function(me, fun([]) -> node() end)"
    name = f"erlpy_test_{os.getpid()}"
    done = node.run("--sname", name, "--erl", expression, "-c", "import erlang; print(erlang.me())")
    assert done.stdout.startswith(f"{name}@")


def test_the_interpreter_is_the_one_of_the_environment(node: Node) -> None:
    done = node.run("-c", "import sys; print(sys.executable, sys.prefix)")
    assert done.stdout.split() == [sys.executable, sys.prefix]


def test_the_prompt_of_asyncio(node: Node) -> None:
    done = node.run(
        *DOUBLE_IT,
        *("-m", "asyncio"),
        stdin="import erlang\nawait erlang.async_call('double_it', 21)\n",
    )
    assert "42" in done.stdout
    assert done.returncode == 0
