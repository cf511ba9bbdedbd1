# SPDX-License-Identifier: Apache-2.0
"""Logs each uncaught exception as one record instead of a traceback line by line."""

import logging
import sys
import threading
from types import TracebackType

logger = logging.getLogger("py.exceptions")


def install() -> None:
    """Replaces the interpreter's own hooks. Hooks that a program has set stay."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _unraisable
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _in_thread


def uninstall() -> None:
    if sys.excepthook is _uncaught:
        sys.excepthook = sys.__excepthook__
    if sys.unraisablehook is _unraisable:
        sys.unraisablehook = sys.__unraisablehook__
    if threading.excepthook is _in_thread:
        threading.excepthook = threading.__excepthook__


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None, /
) -> None:
    logger.error("Uncaught exception", exc_info=(kind, error, traceback))


def _in_thread(args: "threading.ExceptHookArgs", /) -> None:
    if args.exc_type is SystemExit:
        return  # a thread may end itself this way
    name = "<unknown>" if args.thread is None else args.thread.name
    error = args.exc_value if args.exc_value is not None else args.exc_type()
    logger.error(
        "Exception in thread %s", name, exc_info=(args.exc_type, error, args.exc_traceback)
    )


def _unraisable(args: "sys.UnraisableHookArgs", /) -> None:
    error = args.exc_value if args.exc_value is not None else args.exc_type()
    logger.error(
        "%s: %r",
        args.err_msg or "Exception ignored in",
        args.object,
        exc_info=(args.exc_type, error, args.exc_traceback),
    )
