# SPDX-License-Identifier: Apache-2.0
"""The end of a node: what CPython does for a program before it finalises, which no node does.

The hooks of ``threading``, by which executors end, come first, then threads that are no daemons,
then ``atexit``. CPython waits without end for each of them; here all have a time limit. A stop of
the application is no end: these registrations stay, and what relies on them goes on working.
"""

import atexit
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from typing import Any, cast

# Seconds for all that runs at the end. Then child processes are ended, whose end many wait for.
GRACE = 5.0
# Seconds, from then on, for each that is left: no hook that hangs keeps another one from its turn.
LAST = 1.0


def run() -> list[str]:
    """Runs everything; returns what is to be reported: failures, and what did not end."""
    return _NodeEnd().run()


def flush() -> None:
    """Writes out what is buffered."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()


def forget_hooks() -> None:
    """``threading`` has run its hooks itself."""
    for _ in _hooks():
        pass


class _NodeEnd:
    def __init__(self) -> None:
        self._deadline = monotonic() + GRACE
        self._reports: list[str] = []

    def run(self) -> list[str]:
        self._end_threads()
        self._complete("the exit functions of atexit", atexit._run_exitfuncs)
        self._end_threads()  # of those functions
        self._end_children()
        self._complete("flushing", flush)
        return [report.encode(errors="backslashreplace").decode() for report in self._reports]

    def _end_threads(self) -> None:
        for hook in _hooks():
            self._complete(f"the exit hook {_name(hook)}", hook)
        for thread in _threads():
            thread.join(max(0.0, self._deadline - monotonic()))
        if _threads():
            self._end_children()
            last = monotonic() + LAST
            for thread in _threads():
                thread.join(max(0.0, last - monotonic()))
        for thread in _threads():
            self._did_not_end(f"the thread {thread.name!r}", thread)

    def _complete(self, what: str, function: Callable[[], object]) -> None:
        """Calls it in a thread of its own, which is left behind when the time is over."""
        done = threading.Event()

        def call() -> None:
            try:
                function()
            except BaseException as error:
                error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
                text = "".join(traceback.format_exception(error))
                self._reports.append(f"{what} failed:\n{text}")
            finally:
                done.set()

        thread = threading.Thread(target=call, name="erlang-node-end", daemon=True)
        thread.start()
        if done.wait(max(0.0, self._deadline - monotonic())):
            return
        self._end_children()
        if not done.wait(LAST):
            self._did_not_end(what, thread)

    def _did_not_end(self, what: str, thread: threading.Thread) -> None:
        frame = sys._current_frames().get(cast(int, thread.ident))
        stack = "" if frame is None else "".join(traceback.format_stack(frame))
        self._reports.append(f"{what} did not end within {GRACE:g} s:\n{stack}")

    def _end_children(self) -> None:
        """Ends processes of ``multiprocessing``: nobody will be there to end them later."""
        module = sys.modules.get("multiprocessing.process")
        children: list[Any] = [] if module is None else module.active_children()
        for how in ("terminate", "kill"):
            for child in children:
                self._reports.append(f"the child process {child.name!r} did not end: {how}")
                with suppress(Exception):  # it has just ended
                    getattr(child, how)()
            last = monotonic() + LAST
            for child in children:
                with suppress(Exception):
                    child.join(max(0.0, last - monotonic()))
            children = [child for child in children if _is_alive(child)]


def _hooks() -> Iterator[Callable[[], object]]:
    """Those registered with ``threading``, the last first, each once."""
    hooks: list[Callable[[], object]] = getattr(threading, "_threading_atexits", [])
    while hooks:
        yield hooks.pop()


def _threads() -> list[threading.Thread]:
    """Those that a program waits for."""
    mine = (threading.main_thread(), threading.current_thread())
    return [thread for thread in threading.enumerate() if not thread.daemon and thread not in mine]


def _name(hook: Callable[[], object]) -> str:
    """Of the function that was registered: ``threading`` wraps it."""
    function: Any = getattr(hook, "func", None)
    for name, cell in zip(
        getattr(getattr(hook, "__code__", None), "co_freevars", ()),
        getattr(hook, "__closure__", None) or (),
        strict=False,
    ):
        if name == "func":
            function = cell.cell_contents
    function = function or hook
    module = getattr(function, "__module__", None)
    return f"{module}.{getattr(function, '__qualname__', repr(function))}"


def _is_alive(child: Any) -> bool:
    try:
        return bool(child.is_alive())
    except Exception:  # closed meanwhile
        return False
