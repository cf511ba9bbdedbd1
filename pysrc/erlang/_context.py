# SPDX-License-Identifier: Apache-2.0
"""What runs for ``py:call``, ``py:eval`` and ``py:exec`` in a context's thread."""

import atexit
import sys
import traceback
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import Any

import __main__
import _erlang
from erlang._errors import Interrupted


def run_request(request: tuple[Any, ...]) -> object:
    """Runs ``(kind, ...)`` as the Erlang side has sent it and returns its value."""
    return _KINDS[str(request[0])](*request[1:])


def resolve(module: str, function: str) -> Callable[..., Any]:
    """The callable ``function`` (a dotted path) of ``module``."""
    return reduce(getattr, function.split("."), import_module(module))  # type: ignore[return-value]


def describe_exception(error: BaseException) -> tuple[str, str, str]:
    """Class name, text and traceback of an exception, without the frames of this module."""
    while error.__traceback__ is not None and _is_ours(error.__traceback__.tb_frame.f_code):
        error.__traceback__ = error.__traceback__.tb_next
    return _class_name(error), _text(error), "".join(traceback.format_exception(error))


def run_exit_functions() -> None:
    """Before the node halts: runs what ``atexit`` has and flushes, since Python never finalises."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _call(module: str, function: str, args: list[Any], kwargs: dict[str, Any]) -> object:
    return resolve(module, function)(*args, **kwargs)


def _eval(code: str, variables: dict[str, Any]) -> object:
    return eval(code, __main__.__dict__, variables)


def _exec(code: str) -> None:
    exec(code, __main__.__dict__)


_KINDS: dict[str, Callable[..., object]] = {"call": _call, "eval": _eval, "exec": _exec}


def _is_ours(code: Any) -> bool:
    return bool(code.co_filename == __file__)


def _class_name(error: BaseException) -> str:
    """As an atom, which Erlang code matches on; text once there are too many atoms."""
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
    except Exception:  # a __str__ that fails must not hide the exception itself
        return f"<{type(error).__name__} without a text>"
