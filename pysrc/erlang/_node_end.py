# SPDX-License-Identifier: Apache-2.0
"""The end of a node: does what CPython does before it finalises. Nodes never finalise.

The hooks of ``threading``, which end executors, run first. Then non-daemon threads are awaited,
then ``atexit`` runs. At last open files are written out. CPython waits for each of these without a
limit; here each has a time limit.
A stop of the application is not the end: the registrations stay, and their objects go on working.
"""

import atexit
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from typing import Any, cast

import _erlang
from erlang._open_files import endings as endings_of_files

# Seconds for everything at the end. Then child processes are ended, for which many hooks wait.
GRACE = 5.0
# Seconds after that for each remaining step. A hook that hangs does not stop the others.
LAST = 1.0
# Seconds after which a file that is being written out no longer delays the next file.
PATIENCE = 0.1


def run() -> list[str]:
    """Runs everything. Returns reports: failures, and steps that did not end."""
    return _NodeEnd().run()


def flush() -> None:
    """Writes out standard output and standard error."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not getattr(stream, "closed", False):
            stream.flush()


def forget_hooks() -> None:
    """Drops the hooks that ``threading`` has run itself."""
    for _ in _hooks():
        pass


class _NodeEnd:
    def __init__(self) -> None:
        self._deadline = monotonic() + GRACE
        self._reports: list[str] = []

    def run(self) -> list[str]:
        self._end_threads()
        self._complete("the exit functions of atexit", atexit._run_exitfuncs)
        self._end_threads()  # started by exit functions
        self._end_children()
        self._write_files()
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
        """Runs ``function`` in a thread of its own. After the time limit, the thread is left."""
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

    def _write_files(self) -> None:
        files = deque(endings_of_files())
        last = max(self._deadline, monotonic() + LAST)
        writers: list[_Writer] = []
        while files and monotonic() < last:
            writers.append(_Writer(files, self._reports))
            writers[-1].thread.start()
            writers[-1].thread.join(PATIENCE)
        for writer in writers:
            writer.thread.join(max(0.0, last - monotonic()))
        # A file and its buffer hang for the same reason.
        for writes in {writer.writes for writer in writers if writer.thread.is_alive()}:
            self._reports.append(
                f"writing {writes} did not end in time: "
                "nobody reads the pipe, or a thread keeps the file's lock"
            )
        if files:
            self._reports.append(f"the time was over before {len(files)} open files were written")

    def _did_not_end(self, what: str, thread: threading.Thread) -> None:
        frames = _erlang.frames_of_thread(cast(int, thread.ident))
        lines = ((frame, frame.f_lineno) for frame in reversed(frames))
        stack = "".join(traceback.StackSummary.extract(lines).format())
        self._reports.append(f"{what} did not end within {GRACE:g} s:\n{stack}")

    def _end_children(self) -> None:
        """Ends processes of ``multiprocessing``: nothing can end them later."""
        module = sys.modules.get("multiprocessing.process")
        children: list[Any] = [] if module is None else module.active_children()
        for how in ("terminate", "kill"):
            for child in children:
                self._reports.append(
                    f"the child process {child.name!r} did not end; {how}() ends it"
                )
                with suppress(Exception):  # it has just ended
                    getattr(child, how)()
            last = monotonic() + LAST
            for child in children:
                with suppress(Exception):
                    child.join(max(0.0, last - monotonic()))
            children = [child for child in children if _is_alive(child)]


class _Writer:
    """Writes out files in a thread of its own, until no files are left."""

    def __init__(self, files: deque[tuple[Any, Callable[[], object]]], reports: list[str]) -> None:
        self.thread = threading.Thread(target=self._run, name="erlang-node-end", daemon=True)
        self.writes = ""
        self._files = files
        self._reports = reports

    def _run(self) -> None:
        while True:
            try:
                file, write = self._files.popleft()
            except IndexError:  # another writer has taken the last file
                return
            try:
                self.writes = f"the file {getattr(file, 'name', None)!r}"
                write()
            except ConnectionError:  # nobody reads any more
                pass
            except OSError as error:
                report = f"writing {self.writes} failed: {error}"
                if report not in self._reports:
                    self._reports.append(report)
            except Exception:  # closed meanwhile, or never opened
                pass


def _hooks() -> Iterator[Callable[[], object]]:
    """The hooks that are registered with ``threading``, the last one first, each once."""
    hooks: list[Callable[[], object]] = getattr(threading, "_threading_atexits", [])
    while hooks:
        yield hooks.pop()


def _threads() -> list[threading.Thread]:
    """The threads that a program waits for."""
    mine = (threading.main_thread(), threading.current_thread())
    return [thread for thread in threading.enumerate() if not thread.daemon and thread not in mine]


def _name(hook: Callable[[], object]) -> str:
    """The name of the registered function, which ``threading`` wraps."""
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
