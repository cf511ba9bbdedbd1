# SPDX-License-Identifier: Apache-2.0
"""The main program of ``erlpy``: what ``python3`` does with its command line, inside a node."""

import builtins
import os
import runpy
import signal
import sys
import threading
import traceback
from typing import Any

import __main__


def run(
    command: str | None, module: str | None, filename: str | None, inspect: int, interactive: int
) -> int:
    """Runs ``-c``, ``-m``, a script, or standard input; returns the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # An interpreter that is initialised for embedding has no quit() or exit() yet in all versions.
    code = _guarded(_run_once, command, module, filename, interactive)
    if inspect or os.environ.get("PYTHONINSPECT"):
        code = _guarded(_prompt)
    return _finish(code)


def _run_once(
    command: str | None, module: str | None, filename: str | None, interactive: int
) -> None:
    if command is not None:
        _put_first_on_path("")
        exec(compile(command, "<string>", "exec"), __main__.__dict__)
    elif module is not None:
        _put_first_on_path(os.getcwd())
        runpy._run_module_as_main(module)  # type: ignore[attr-defined]
    elif filename is not None:
        _run_file(filename)
    else:
        _put_first_on_path("")
        if interactive or sys.stdin.isatty():
            _prompt()
        else:
            exec(compile(sys.stdin.read(), "<stdin>", "exec"), __main__.__dict__)


def _run_file(filename: str) -> None:
    """A script, or a folder or archive with a ``__main__.py``."""
    from pkgutil import get_importer

    if type(get_importer(filename)).__name__ not in ("NoneType", "_NullImporter"):
        sys.path.insert(0, filename)
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    try:
        with open(filename, "rb") as source:
            text = source.read()
    except OSError as error:
        print(
            f"{sys.orig_argv[0]}: can't open file {os.path.abspath(filename)!r}: "
            f"[Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    _put_first_on_path(os.path.dirname(os.path.realpath(filename)))
    __main__.__dict__["__file__"] = filename
    exec(compile(text, filename, "exec"), __main__.__dict__)


def _prompt() -> None:
    import code

    try:
        import readline  # noqa: F401 - line editing and history for input()
        import rlcompleter  # noqa: F401
    except ImportError:
        pass
    code.interact(local=__main__.__dict__, exitmsg="")


def _put_first_on_path(folder: str) -> None:
    if not sys.flags.safe_path:
        sys.path.insert(0, folder)


def _guarded(step: Any, *args: Any) -> int:
    """Runs a step; reports what it raises as the interpreter itself does. Returns the exit code."""
    try:
        step(*args)
    except SystemExit as leaving:
        return _exit_code(leaving.code)
    except KeyboardInterrupt as error:
        _report(error)
        return 128 + signal.SIGINT
    except BaseException as error:
        _report(error)
        return 1
    return 0


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _report(error: BaseException) -> None:
    """Shows a traceback from the program's first frame on."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_globals is globals():
        frame = frame.tb_next
    error.__traceback__ = frame
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, frame
    try:
        sys.excepthook(type(error), error, frame)
    except BaseException:
        traceback.print_exc()


def _finish(code: int) -> int:
    """Waits for the program's threads and runs its exit functions, as the interpreter does."""
    from erlang._context import run_exit_functions

    threading._shutdown()  # type: ignore[attr-defined]
    run_exit_functions()
    # A second end, that of the node, finds nothing left to do.
    builtins.__dict__.pop("_", None)
    return code
