# SPDX-License-Identifier: Apache-2.0
"""Signals reach Python's main thread in any state, from any thread that the kernel chooses."""

import signal
import socket
import sys
import urllib.request

import pytest
from conftest import ERLPY, PYTHON, SECONDS, Place

WAITS = {
    "sleep": "import time\nprint('ready', flush=True)\ntime.sleep(600)",
    "computing": "print('ready', flush=True)\nwhile True: pass",
    "input": "print('ready', flush=True)\ninput()",
    "reading": "import sys\nprint('ready', flush=True)\nsys.stdin.buffer.read()",
    "lock": "import threading\nprint('ready', flush=True)\nthreading.Event().wait()",
    "select": "import select\nprint('ready', flush=True)\nselect.select([], [], [])",
    "loop": "import asyncio\nasync def main():\n    print('ready', flush=True)\n"
    "    try: await asyncio.sleep(600)\n    finally: print('finally')\nasyncio.run(main())",
    "uvloop": "import asyncio, uvloop\nasync def main():\n    print('ready', flush=True)\n"
    "    try: await asyncio.sleep(600)\n    finally: print('finally')\nuvloop.run(main())",
    "handled": "import time\ntry:\n    print('ready', flush=True); time.sleep(600)\n"
    "except KeyboardInterrupt:\n    print('stopped')",
    "exec": "print('ready', flush=True)\nimport subprocess; subprocess.run(['sleep', '1'])\n"
    "while True: pass",
}


@pytest.mark.parametrize("source", WAITS.values(), ids=list(WAITS))
def test_control_c(place: Place, source: str) -> None:
    place.same_interrupted(place.write("program.py", source))


@pytest.mark.parametrize("what", ["sleep", "computing", "lock", "loop", "handled"])
def test_control_c_among_busy_threads(place: Place, what: str) -> None:
    others = (
        "import threading, time, select\n"
        "def busy():\n    while True: sum(range(1000))\n"
        "for f in [busy, busy] + [lambda: time.sleep(600)] * 8:\n"
        "    threading.Thread(target=f, daemon=True).start()\n"
    )
    # Without the busy threads, where python3 may miss the signal, see conftest.await_sleep().
    expected = place.interrupt(PYTHON, place.write("quiet.py", WAITS[what]))
    ended = place.interrupt(ERLPY, place.write("program.py", others + WAITS[what]))
    assert (ended.output, ended.status) == (expected.output, expected.status)
    assert ended.error.splitlines()[-1:] == expected.error.splitlines()[-1:]


@pytest.mark.parametrize("wait", ["time.sleep, 600", "locked.acquire", "os.read, pipe, 1"])
def test_a_signal_that_came_too_late_to_interrupt_a_wait(place: Place, wait: str) -> None:
    """The program goes from C code to C code without a check for signals. python3 waits on."""
    source = (
        "import ctypes, os, signal, threading, time\n"
        "from collections import deque\nfrom functools import partial\n"
        "from operator import call\n"
        "locked = threading.Lock(); locked.acquire(); pipe, _ = os.pipe()\n"
        "signalled = getattr(ctypes.PyDLL(None), 'raise')\n"
        f"deque(map(call, [partial(signalled, signal.SIGINT), partial({wait})]), 0)"
    )
    ended = place.run(ERLPY, place.write("program.py", source))
    assert ended.error.endswith("KeyboardInterrupt\n")
    assert ended.status == -signal.SIGINT


def test_a_handler_that_returns_does_not_end_a_wait(place: Place) -> None:
    place.same(
        "-c",
        "import signal, time\n"
        # The handler is written in C, so no bytecode runs before the sleep continues.
        "handled = {}; signal.signal(signal.SIGALRM, handled.setdefault)\n"
        "signal.setitimer(signal.ITIMER_REAL, .05)\n"
        "start = time.monotonic(); time.sleep(.5); print(time.monotonic() - start >= .5)\n"
        "print(list(handled), signal.getsignal(signal.SIGURG))\n"
        "signal.signal(signal.SIGURG, lambda *a: print('mine'))\n"
        "signal.raise_signal(signal.SIGURG); signal.signal(signal.SIGURG, signal.SIG_DFL)",
    )


def test_control_c_in_a_joined_thread(place: Place) -> None:
    source = (
        "import threading, time\n"
        "stop = threading.Event()\n"
        "t = threading.Thread(target=stop.wait); t.start()\n"
        "try:\n    print('ready', flush=True); t.join()\n"
        "except KeyboardInterrupt:\n    print('interrupted'); stop.set()"
    )
    place.same_interrupted(place.write("program.py", source))


def test_control_c_while_threads_are_waited_for(place: Place) -> None:
    source = (
        "import threading, time, atexit\natexit.register(print, 'bye')\n"
        "stop = threading.Event()\n"
        "def wait():\n    main.join(); print('ready', flush=True); stop.wait(2)\n"
        "main = threading.main_thread()\nthreading.Thread(target=wait).start()"
    )
    ended = place.interrupt(ERLPY, place.write("program.py", source))
    assert "KeyboardInterrupt" in ended.error
    assert ended.output.endswith("bye\n")


@pytest.mark.parametrize("times", [1, 3])
def test_control_c_in_a_blocking_call(place: Place, times: int) -> None:
    source = (
        "import erlang\n"
        f"for _ in range({times - 1}):\n"
        "    try:\n        print('ready', flush=True); erlang.call('wait')\n"
        "    except KeyboardInterrupt:\n        print('interrupted')\n"
        "print(erlang.call('now', 1))\n"
        "print('ready', flush=True); erlang.call('wait')"
    )
    functions = [
        *("--erl", "py:register_function(wait, fun([]) -> timer:sleep(infinity) end)"),
        *("--erl", "py:register_function(now, fun([X]) -> X end)"),
    ]
    ended = place.interrupt(ERLPY, *functions, place.write("program.py", source), times=times)
    assert ended.output == "interrupted\n" * (times - 1) + "1\n"
    assert ended.error.endswith("KeyboardInterrupt\n")
    assert ended.status == -signal.SIGINT


def test_control_c_twice(place: Place) -> None:
    source = (
        "import time\ntry:\n    print('ready', flush=True); time.sleep(600)\n"
        "finally:\n    print('ready', flush=True); time.sleep(600)"
    )
    place.same_interrupted(place.write("program.py", source), times=2)


def test_control_c_while_an_expression_is_evaluated(place: Place) -> None:
    expression = 'io:put_chars(standard_error, "now\\n"), timer:sleep(infinity)'
    process = place.start(ERLPY, "--erl", expression, "-c", "print('not reached')")
    assert process.stderr is not None
    assert process.stderr.readline() == "now\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=SECONDS)[0] == ""
    assert process.returncode == -signal.SIGINT


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGHUP", "SIGQUIT"])
def test_any_signal_can_be_handled(place: Place, name: str) -> None:
    source = (
        "import signal, time, threading\n"
        "def handle(number, frame):\n"
        "    print(signal.Signals(number).name, threading.current_thread().name)\n"
        "    raise SystemExit(3)\n"
        f"print(signal.signal(signal.{name}, handle))\n"
        f"print(signal.getsignal(signal.{name}) is handle)\n"
        "print('ready', flush=True)\ntime.sleep(600)"
    )
    number = getattr(signal, name)
    place.same_interrupted(place.write("program.py", source), number=number)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR2", "SIGALRM"])
def test_signals_that_nobody_handles(place: Place, name: str) -> None:
    number = getattr(signal, name)
    place.same_interrupted(place.write("program.py", WAITS["sleep"]), number=number)


def test_signals_of_the_module(place: Place) -> None:
    source = (
        "import signal, time, os\n"
        "print([signal.getsignal(n) for n in sorted(signal.valid_signals()) if n < 32])\n"
        "old = signal.signal(signal.SIGTERM, lambda *a: print('term'))\n"
        "os.kill(os.getpid(), signal.SIGTERM); time.sleep(.05)\n"
        "signal.raise_signal(signal.SIGTERM)\n"
        "signal.signal(signal.SIGTERM, old); print(old)\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); os.kill(os.getpid(), signal.SIGINT)\n"
        "signal.signal(signal.SIGALRM, lambda *a: print('alarm'))\n"
        "signal.setitimer(signal.ITIMER_REAL, .05); signal.pause()\n"
        "signal.alarm(1); print(time.sleep(1.5))\n"
        "signal.signal(signal.SIGCHLD, lambda *a: print('child'))\n"
        "import subprocess; subprocess.run(['true']); time.sleep(.05)\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, []))\n"
        "try: signal.signal(signal.SIGKILL, print)\n"
        "except OSError as e: print(e)\n"
        "try: signal.signal(700, print)\n"
        "except ValueError as e: print(e)\n"
        "try: signal.signal(signal.SIGINT, 'x')\n"
        "except TypeError as e: print(e)\n"
        "print(signal.sigtimedwait([signal.SIGUSR2], 0))\n"
    )
    place.same(place.write("program.py", source))


def test_waiting_for_a_blocked_signal(place: Place) -> None:
    source = (
        "import signal, os\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n"
        "print('ready', flush=True)\nprint(signal.sigwait({signal.SIGINT}))"
    )
    place.same_interrupted(place.write("program.py", source))


def test_handlers_of_a_loop(place: Place) -> None:
    source = (
        "import asyncio, signal, sys\n"
        "async def main():\n"
        "    done = asyncio.Event(); loop = asyncio.get_running_loop()\n"
        "    loop.add_signal_handler(signal.SIGTERM, lambda: (print('term'), done.set()))\n"
        "    print('ready', flush=True); await done.wait()\n"
        "    loop.remove_signal_handler(signal.SIGTERM)\n"
        "if len(sys.argv) > 1:\n    import uvloop; uvloop.run(main())\n"
        "else:\n    asyncio.run(main())\n"
    )
    program = place.write("program.py", source)
    place.same_interrupted(program, number=signal.SIGTERM)
    place.same_interrupted(program, "uvloop", number=signal.SIGTERM)


def test_exit_functions_run_before_sigterm_ends_the_node(place: Place) -> None:
    source = "import atexit\natexit.register(print, 'bye')\n" + WAITS["sleep"]
    ended = place.interrupt(ERLPY, place.write("program.py", source), number=signal.SIGTERM)
    assert (ended.output, ended.error, ended.status) == ("bye\n", "", -signal.SIGTERM)


def test_sigterm_while_erlang_is_called(place: Place) -> None:
    wait = ("--erl", "py:register_function(wait, fun([]) -> timer:sleep(infinity) end)")
    source = "import erlang\nprint('ready', flush=True)\nerlang.call('wait')"
    ended = place.interrupt(ERLPY, *wait, place.write("p.py", source), number=signal.SIGTERM)
    assert (ended.error, ended.status) == ("", -signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_uvicorn_stops_gracefully(place: Place, number: int, loop: str) -> None:
    place.write(
        "app.py",
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'lifespan':\n"
        "        await receive(); await send({'type': 'lifespan.startup.complete'})\n"
        "        await receive(); print('stopped gracefully', flush=True)\n"
        "        await send({'type': 'lifespan.shutdown.complete'}); return\n"
        "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})\n"
        "    await send({'type': 'http.response.body', 'body': b'hello'})\n",
    )
    statuses = []
    for starter in (PYTHON, ERLPY):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = ["-m", "uvicorn", "app:app", "--port", str(port), "--loop", loop]
        process = place.start(starter, *command)
        assert process.stderr is not None
        lines = ""
        while "running on" not in lines:
            line = process.stderr.readline()
            assert line, lines
            lines += line
        url = f"http://127.0.0.1:{port}/"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert opener.open(url, timeout=SECONDS).read() == b"hello"
        process.send_signal(number)
        output, error = process.communicate(timeout=SECONDS)
        assert "stopped gracefully\n" in output
        assert "Finished server process" in error
        assert "Traceback" not in error or starter is PYTHON
        statuses.append(process.returncode)
    assert statuses[1] == statuses[0], sys.version
