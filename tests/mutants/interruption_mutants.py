# SPDX-License-Identifier: Apache-2.0
"""Faults of interruptions."""

from mutant import Mutant

INTERRUPTION_MUTANTS = (
    Mutant(
        "code that takes locks is interrupted like any other",
        "pysrc/erlang/_interruption.py",
        'if kind == "locking":\n            return False',
        'if kind == "locking":\n            return True',
        ("interrupted_code_SUITE",),
    ),
    Mutant(
        "functions that give something back are interrupted",
        "pysrc/erlang/_interruption.py",
        "    if frame.f_code.co_name in _CLEANING or",
        "    if",
        ("interrupted_code_SUITE",),
    ),
    Mutant(
        "the code of a module that is being imported is interrupted",
        "pysrc/erlang/_interruption.py",
        "in _CLEANING or imports_module(frame):",
        "in _CLEANING:",
        ("interrupted_import_SUITE",),
    ),
    Mutant(
        "a thread counts as ended while another thread begins",
        "nif/interruption/python_thread.cpp",
        "        if (complete) return nullptr;",
        "        if (complete || state == nullptr) return nullptr;",
        ("interrupt_SUITE",),
    ),
    Mutant(
        "code in a finally is interrupted like any other",
        "pysrc/erlang/_code_places.py",
        "    return bool(code.co_exceptiontable) and frame.f_lineno in _finally_lines(code)",
        "    return False",
        ("interrupted_code_SUITE",),
    ),
    Mutant(
        "what a call makes for a `with' or `try' is lost by an interruption",
        "pysrc/erlang/_code_places.py",
        "        if place in begins and passed <= _UNTIL_TRY:\n            return True",
        "        if place in begins and passed <= _UNTIL_TRY:\n            return False",
        ("interrupted_code_SUITE", "tests/python/test_code_places.py"),
    ),
    Mutant(
        "a loop is interrupted like other code",
        "pysrc/erlang/_interruption.py",
        "        if self._main is not None and self._main.cancel():",
        "        if self._main is not None and self._main is None:",
        ("interrupted_code_SUITE",),
    ),
    Mutant(
        "CPython's flag for pending exceptions stays set",
        "nif/interruption/interruptions.cpp",
        "    if (withdrawn && share_flag()) clear_flag(gil);",
        "    static_cast<void>(withdrawn);",
        ("interrupted_code_SUITE",),
    ),
    Mutant(
        "greenlets share the line of a thread",
        "nif/calls/call_line.cpp",
        "return call->stack == stack;",
        "return call->stack == stack || true;",
        ("tests/python/test_greenlets.py",),
    ),
    Mutant(
        "a time limit of one greenlet interrupts another one",
        "nif/interruption/thread_place.cpp",
        "    return base == nullptr || runs_above(",
        "    return base == nullptr || state != nullptr || runs_above(",
        ("tests/python/test_greenlets.py",),
    ),
    Mutant(
        "an interruption hits library code that native code has called",
        "pysrc/erlang/_interruption.py",
        "inner is not None and not calls_by_name(frame, inner.f_code)",
        "False",
        ("tests/python/test_interruption_policy.py",),
    ),
    Mutant(
        "an interruption hits library code that hands on a descriptor",
        "pysrc/erlang/_interruption.py",
        "in_loop and (self._insists or self._is_long_in_library())",
        "self._insists or self._is_long_in_library()",
        ("tests/python/test_interruption_policy.py",),
    ),
    Mutant(
        "an interruption outlives its thread and finds the next one of that ident",
        "nif/interruption/python_thread.cpp",
        "return PyThreadState_GetID(state);",
        "return state->thread_id;",
        ("tests/python/test_interrupted_threads.py",),
    ),
    Mutant(
        "an interruption does not wake a thread that waits for Erlang",
        "nif/interruption/waiting_thread.cpp",
        "        one->channel_.wake();\n",
        "",
        ("loop_end_SUITE",),
    ),
)
