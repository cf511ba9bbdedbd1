# SPDX-License-Identifier: Apache-2.0
"""Whose code a frame runs, and whether that code can bear an exception anywhere."""

import os
import sys
from collections.abc import Iterable, Iterator
from types import FrameType

# Modules and packages of the standard library with Python code that takes locks, or keeps state
# that an exception at the wrong place would spoil.
LOCKING = frozenset(
    """
    _android_support _py_warnings _pyio _strptime _threading_local _weakrefset asyncio concurrent
    contextlib functools http imp importlib logging mailbox multiprocessing pdb profiling queue
    sched selectors socketserver subprocess sysconfig tempfile threading tkinter unittest weakref
    webbrowser xmlrpc zipfile
    """.split()
)
# Modules of this package with such code.
_OWN_LOCKING = frozenset(
    {"_interruption", "_logging", "_loop_end", "_outbox", "_running_loops", "_streams"}
)

_PACKAGE = os.path.dirname(__file__) + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_INSTALLED = tuple(_LIBRARY + name + os.sep for name in ("site-packages", "dist-packages"))

# The kind of each file, by its name.
_kinds: dict[str, str] = {}
_MOST_KINDS = 4096


def kind_of(frame: FrameType) -> str:
    """What the frame's code is: "locking", "neutral" or "user".

    The frame below the code of a request is "request".
    """
    name = frame.f_code.co_filename
    if name.startswith("<") and not name.startswith("<frozen "):
        return _kind_of_string(frame)
    kind = _kind_of_file(name)
    if kind == "own":
        return "request" if frame.f_code.co_name == "run_request" else "neutral"
    return kind


def imports_module(frame: FrameType) -> bool:
    """Whether the frame belongs to CPython's import machinery, which may run a module's code.

    A module whose code has not run to its end is forgotten. The modules that it has imported stay
    loaded, and are no attributes of a package that is imported again. Some extension modules can't
    be loaded twice.
    """
    return frame.f_code.co_filename.startswith("<frozen importlib._bootstrap")


class CallStack:
    """The frames of the calling thread from this one outward, up to the request's frame."""

    def __init__(self, innermost: FrameType) -> None:
        self._innermost = innermost

    def __iter__(self) -> Iterator[FrameType]:
        return up_to_request(self._outward())

    def _outward(self) -> Iterator[FrameType]:
        frame: FrameType | None = self._innermost
        while frame is not None:
            yield frame
            frame = frame.f_back


def up_to_request(frames: Iterable[FrameType]) -> Iterator[FrameType]:
    """The frames up to the one of this package that runs the innermost request."""
    for frame in frames:
        yield frame
        if kind_of(frame) == "request":
            return


def request_frame(frames: Iterable[FrameType]) -> FrameType | None:
    """The frame of this package that runs the innermost request."""
    return next((frame for frame in frames if kind_of(frame) == "request"), None)


def _kind_of_string(frame: FrameType) -> str:
    """The kind of code from a string: of the standard library (e.g. named tuples) or of users."""
    module = str(frame.f_globals.get("__name__"))
    if module.startswith("namedtuple_"):
        return "neutral"
    if module.split(".")[0] in sys.stdlib_module_names:
        return _kind_of_module(module)
    return "user"


def _kind_of_file(name: str) -> str:
    kind = _kinds.get(name)
    if kind is None:
        if len(_kinds) >= _MOST_KINDS:  # code from strings may have a new file name each time
            _kinds.clear()
        kind = _kinds[name] = _find_kind(name)
    return kind


def _find_kind(name: str) -> str:
    if name.startswith(_PACKAGE):
        module = name[len(_PACKAGE) :].removesuffix(".py")
        return "locking" if module in _OWN_LOCKING else "own"
    if name.startswith("<frozen "):
        module = name[len("<frozen ") : -1]
    elif name.startswith(_LIBRARY) and not name.startswith(_INSTALLED):
        module = name[len(_LIBRARY) :].replace(os.sep, ".")
    else:
        return "user"
    return _kind_of_module(module)


def _kind_of_module(module: str) -> str:
    return "locking" if module.split(".")[0] in LOCKING else "neutral"
