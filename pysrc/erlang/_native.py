# SPDX-License-Identifier: Apache-2.0
"""Connects the native module of a node with this package. Imported inside a node only."""

import asyncio
import functools
import os
import threading

import _erlang
from erlang import (
    _context,
    _errors,
    _interruption,
    _loop_host,
    _nesting,
    _observing,
    _running_loops,
    _thread_names,
)
from erlang._call import Call
from erlang._outside import calls, environment


def connect() -> None:
    # Of an outer node, if this one is a child process. The children of this node are no longer its.
    os.environ.pop(environment.SOCKET_VARIABLE, None)
    _erlang.bind_package(
        {
            "outside": calls,
            "make_error": _errors.make_error,
            "call_type": Call,
            "interrupted": _errors.Interrupted,
            "blocking_call_warning": _errors.BlockingCallWarning,
            "get_running_loop": asyncio._get_running_loop,
            "run_request": _context.run_request,
            "describe_exception": _context.describe_exception,
            "begin_thread": _thread_names.begin_thread,
            "end_thread": _thread_names.end_thread,
            "describe_stack": _context.describe_stack,
            "make_attempt": _interruption.Attempt,
            "do_nothing": _interruption.do_nothing,
            "start_coroutine": _loop_host.start_coroutine,
            "partial": functools.partial,
            "nesting": _nesting.current,
            "begin_trace": _observing.begin_trace,
            "begin_profile": _observing.begin_profile,
            "threading_names": vars(threading),
        }
    )
    _running_loops.watch_loops()
    os.register_at_fork(after_in_child=_erlang.after_fork_in_child)
