# SPDX-License-Identifier: Apache-2.0
"""Runs ``py:call``, ``py:eval``, ``py:exec``, streams and controls in a context's thread."""

import os
import traceback
from collections.abc import Callable
from inspect import CORO_CREATED, getcoroutinestate
from types import CodeType, CoroutineType
from typing import Any

import _erlang
from erlang import _loop_host, _streams
from erlang._errors import Interrupted
from erlang._namespace import enter_private, invoke, leave_private, namespace, resolve


def run_request(request: tuple[Any, ...]) -> object:
    """Runs the request ``(kind, ...)`` of the Erlang side and returns its value."""
    _erlang.enter_request()
    return _KINDS[str(request[0])](*request[1:])


def reset() -> None:
    """Removes everything that one caller leaves in this thread for the next caller."""
    leave_private()
    _streams.forget_all()


def describe_stack(thread: int) -> str:
    """The stack of a context that is given up, for a report. Runs on a thread of ours.

    The text has no source lines: reading sources may block, and so delay all interruptions.
    """
    stack = [(frame.f_code, frame.f_lineno) for frame in _erlang.frames_of_thread(thread)][::-1]
    ours = [_is_ours(code) for code, _ in stack]
    theirs = stack[ours.index(False) :] if False in ours else []
    lines = (
        f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' for code, line in theirs
    )
    return _printable("".join(lines))


def describe_exception(error: BaseException) -> tuple[str, str, str]:
    """Class name, text and traceback of an exception, without the frames of this package."""
    while error.__traceback__ is not None and _is_ours(error.__traceback__.tb_frame.f_code):
        error.__traceback__ = error.__traceback__.tb_next
    lines = traceback.format_exception(error)
    return _class_name(error), _printable(_text(error)), _printable("".join(lines))


def _call(*invocation: Any) -> object:
    return _awaited_by_nobody(invoke(*invocation))


def _awaited_by_nobody(value: object) -> object:
    """Refuses a coroutine: a context has no loop that could run it."""
    if type(value) is CoroutineType:
        if getcoroutinestate(value) == CORO_CREATED:
            value.close()  # it warns of nothing
        raise TypeError(
            f"{value.__qualname__} is a coroutine function; use py:async_call or py_loop:call"
        )
    return value


def _eval(code: str, variables: dict[str, Any]) -> object:
    compiled = compile(code.lstrip(" \t"), "<string>", "eval")
    names = namespace()
    if variables and any(isinstance(constant, CodeType) for constant in compiled.co_consts):
        # The body of a lambda or a comprehension does not see the locals of eval(), only its
        # globals.
        names = names | variables
    return _awaited_by_nobody(eval(compiled, names, variables))


def _exec(code: str) -> None:
    exec(code, namespace())


def _stream(*invocation: Any) -> object:
    return _streams.begin(invoke(*invocation))


def _stream_eval(code: str, variables: dict[str, Any]) -> object:
    return _streams.begin(_eval(code, variables))  # type: ignore[arg-type]


def _ping() -> None:
    """The answer shows that the thread takes requests."""


def _late(module: str, function: str) -> Callable[..., object]:
    """A function of a private module, which is imported at the first such request."""

    def run(*parts: object) -> object:
        return resolve(module, function)(*parts)

    return run


# The kinds of ``py_nif:context_request()``.
_KINDS: dict[str, Callable[..., object]] = {
    "call": _call,
    "eval": _eval,
    "exec": _exec,
    "host": _loop_host.run,
    "stream": _stream,
    "stream_eval": _stream_eval,
    # Controls: what the application asks on its own behalf.
    "ping": _ping,
    "enter_private": enter_private,
    "reset": reset,
    "stream_more": _streams.more,
    "stream_drop": _streams.forget_all,
    "activate_venv": _late("erlang._venv", "activate"),
    "deactivate_venv": _late("erlang._venv", "deactivate"),
    "venv_info": _late("erlang._venv", "info"),
    "install_structs": _late("erlang._structs", "install"),
    "memory_stats": _late("erlang._memory", "stats"),
    "process_socket": _late("erlang._process_socket", "make"),
    "install_logging": _late("erlang._logging", "install"),
    "uninstall_logging": _late("erlang._logging", "uninstall"),
    "take_lines": _late("erlang._logging", "take"),
    "take_last_lines": _late("erlang._logging", "take_rest"),
    "run_exit_functions": _late("erlang._node_end", "run"),
    "flush_output": _late("erlang._node_end", "flush"),
}

# The prefix of the file names of the package's private modules.
_PRIVATE_MODULES = os.path.join(os.path.dirname(__file__), "_")


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(_PRIVATE_MODULES)


def _class_name(error: BaseException) -> str:
    """Returns an atom, which Erlang code can match; a text if there are too many atoms."""
    name = type(error).__name__
    try:
        return _erlang.Atom(name)
    except ValueError:
        return name


def _text(error: BaseException) -> str:
    if isinstance(error, Interrupted):
        return "interrupted"
    try:
        return str(error)
    except BaseException:  # a failing __str__ must not hide the exception
        return f"<{type(error).__name__} without a text>"


def _printable(text: str) -> str:
    """Replaces lone surrogates, which UTF-8 can't encode, with text such as ``\\ud800``."""
    return str.encode(text, errors="backslashreplace").decode()
