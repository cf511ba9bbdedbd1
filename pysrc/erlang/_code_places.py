# SPDX-License-Identifier: Apache-2.0
"""Reads in a frame's bytecode what an exception at its current instruction would do."""

import dis
import selectors
import subprocess
import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from types import CodeType, FrameType
from typing import ParamSpec, TypeVar, cast

# Functions of the standard library that wait inside a `try' which undoes everything.
_WAITS: frozenset[CodeType] = frozenset(
    getattr(owner, name).__code__
    for owner, name in (
        (threading.Condition, "wait"),
        (threading.Thread, "_wait_for_tstate_lock"),
        (selectors.SelectSelector, "select"),
        (getattr(selectors, "PollSelector", None), "select"),
        (getattr(selectors, "EpollSelector", None), "select"),
        (getattr(selectors, "KqueueSelector", None), "select"),
    )
    if hasattr(owner, name)
)

# Functions of the standard library that sleep between two looks, with nothing taken meanwhile.
_POLLS = frozenset({subprocess.Popen._wait.__code__})  # type: ignore[attr-defined]

# How many instructions may be between the call that takes something and the `try' after it: the
# value is dropped or stored, and the `try' itself is one. And the same number for a `with'.
_UNTIL_TRY = 4
_UNTIL_WITH = 8
# Instructions that do not count: they wait for something else, or do nothing.
_FREE = frozenset(
    {"CACHE", "END_SEND", "EXTENDED_ARG", "JUMP_BACKWARD_NO_INTERRUPT", "NOT_TAKEN", "RESUME"}
    | {"YIELD_VALUE"}
)
_BEGINS_WITH = frozenset({"BEFORE_ASYNC_WITH", "BEFORE_WITH", "LOAD_SPECIAL"})
# Prefixes of instructions after which the next instruction does not run.
_LEAVES = ("RETURN_", "RAISE_", "RERAISE", "JUMP_BACKWARD", "JUMP_FORWARD")
# Prefixes of instructions that call.
_CALLING = ("CALL", "PRECALL", "SEND", "FOR_ITER", "BEFORE_")
_CALLS = frozenset({"CALL", "CALL_FUNCTION_EX", "CALL_KW"})
# Prefixes of instructions that do not belong to the class which an `except' names.
_ACTS = ("POP_", "STORE_", "RETURN_", "RERAISE", "RAISE_", "PUSH_EXC_INFO", "FOR_ITER")
_CACHE = dis.opmap.get("CACHE", 0)

_COMPREHENSIONS = frozenset({"<dictcomp>", "<genexpr>", "<listcomp>", "<setcomp>"})

# Where CPython raises an exception that it finds when a loop goes on.
_RAISES_AFTER_JUMP = sys.version_info < (3, 13)

# How many results of each function below are kept.
_MOST_RESULTS = 4096

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def _kept(find: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Keeps the results for what was asked last. A decorator with a type that tools can check."""
    return cast(Callable[_Parameters, _Result], lru_cache(_MOST_RESULTS)(find))


def is_at_check(frame: FrameType) -> bool:
    """Whether a thread without the GIL waits for the GIL between two instructions.

    At other instructions, C code may have given up the GIL. False too if CPython would look for
    the handler of an exception at another place.
    """
    place = frame.f_lasti  # the thread may run on meanwhile
    name = _opname_at(frame.f_code, place)
    return name == "RESUME" or (_jumps_back(name) and not _misses_handler(frame.f_code, place))


def _misses_handler(code: CodeType, place: int) -> bool:
    """Whether CPython would raise where another handler counts than at the frame's jump.

    Before 3.13, CPython raises after the jump, as if before the first instruction of the loop. If
    the loop is the first code in a ``try``, that place is not in the ``try``.
    """
    if not _RAISES_AFTER_JUMP:
        return False
    handlers = _handlers(code)
    before_loop = _loops(code)[place] - 2
    return handlers.of(before_loop) != handlers.of(place)


def jumps_back(frame: FrameType) -> bool:
    """Whether the frame's code goes back to the head of a loop here."""
    return _jumps_back(_opname(frame))


def is_at_loop_head(frame: FrameType) -> bool:
    """Whether a loop comes back to the frame's next instruction."""
    return frame.f_lasti in _loops(frame.f_code).values()


@_kept
def _loops(code: CodeType) -> dict[int, int]:
    """The offsets of all instructions that go back to the head of a loop, and of these heads."""
    return {one.offset: one.argval for one in dis.get_instructions(code) if _jumps_back(one.opname)}


def _jumps_back(opname: str) -> bool:
    return "JUMP_BACKWARD" in opname and "NO_INTERRUPT" not in opname


def is_calling(frame: FrameType) -> bool:
    """Whether the frame's code calls a function; false if the interpreter itself calls one there.

    A function that the interpreter calls, e.g. for a weak reference, can't raise in this frame.
    """
    return _is_call(frame.f_code, frame.f_lasti)


def _is_call(code: CodeType, here: int) -> bool:
    bytecode = code.co_code
    while here > 0 and bytecode[here] == _CACHE:  # the place of 3.11 during a call
        here -= 2
    return here >= 0 and dis.opname[bytecode[here]].startswith(_CALLING)


def begins(frame: FrameType) -> bool:
    """Whether the frame's function begins, rather than that its generator goes on.

    A generator that is being closed, and raises where it goes on, runs no ``finally`` on CPython
    3.11.
    """
    if frame.f_lasti < 0:
        return False
    instruction, argument = frame.f_code.co_code[frame.f_lasti : frame.f_lasti + 2]
    return dis.opname[instruction] == "RESUME" and argument == 0


def is_returning(frame: FrameType) -> bool:
    """Whether the frame's function ends here, rather than that its generator yields a value.

    A generator that raises at a ``yield`` runs no ``finally`` on CPython 3.11.
    """
    return _opname(frame).startswith("RETURN_")


def _opname(frame: FrameType) -> str:
    """The name of the frame's current instruction, "" before the first one."""
    return _opname_at(frame.f_code, frame.f_lasti)


def _opname_at(code: CodeType, place: int) -> str:
    return "" if place < 0 else dis.opname[code.co_code[place]]


def calls_by_name(frame: FrameType, function: CodeType) -> bool:
    """Whether the frame's code calls this function itself: the name is in the lines of the call.

    Otherwise native code may have called the function, e.g. the constructor of an extension type.
    Not all native code gives back what it has when such a function raises.
    """
    if not is_calling(frame):
        return False
    if function.co_name in _COMPREHENSIONS:
        return function in frame.f_code.co_consts
    return _uses_name(frame, function.co_name)


def _uses_name(frame: FrameType, name: str) -> bool:
    """Whether the name is in the lines of the frame's current place."""
    line = frame.f_lineno
    statements = _lines_of_names(frame.f_code).get(name, ())
    return line is not None and any(first <= line <= last for first, last in statements)


@_kept
def _lines_of_names(code: CodeType) -> dict[str, set[tuple[int, int]]]:
    """For each name that the code uses, the first and last lines of its places."""
    lines: dict[str, set[tuple[int, int]]] = {}
    for one in dis.get_instructions(code):
        if one.positions is None or not isinstance(one.argval, str):
            continue
        first, last = one.positions.lineno, one.positions.end_lineno
        if first is not None and last is not None:
            lines.setdefault(one.argval, set()).add((first, last))
    return lines


def follows_call(frame: FrameType) -> bool:
    """Whether the frame's next instruction follows a call, whose value may be lost."""
    call = _calls_before(frame.f_code).get(frame.f_lasti)
    return call is not None and not _find_protection(frame.f_code, call)


@_kept
def _calls_before(code: CodeType) -> dict[int, int]:
    """For each instruction that runs right after a call, in the same ``try``, this call."""
    handlers = _handlers(code)
    return {
        one.offset: call.offset
        for call, one in pairwise(dis.get_instructions(code))
        if call.opname in _CALLS
        and not one.is_jump_target
        and handlers.of(call.offset) == handlers.of(one.offset)
    }


def waits_safely(frame: FrameType) -> bool:
    """Whether the thread waits in the standard library where an exception does no harm."""
    if frame.f_code in _POLLS:
        return is_calling(frame) and _uses_name(frame, "sleep")
    return frame.f_code in _WAITS and any(
        start <= frame.f_lasti < end for start, end, _ in _protected(frame.f_code)
    )


def will_be_protected(frame: FrameType) -> bool:
    """Whether the frame is taking something that a following ``with`` or ``try`` gives back."""
    return _find_protection(frame.f_code, frame.f_lasti)


@_kept
def _find_protection(code: CodeType, here: int) -> bool:
    """Whether the value of a call goes to a following ``with`` or ``try``."""
    if not _is_call(code, here):
        return False
    bytecode, begins = code.co_code, _begins_of_try(code)
    passed, dropped = 0, False
    branched: int | None = None  # instructions passed at a branch that may continue here
    for place in range(here + 2, len(bytecode), 2):
        name = dis.opname[bytecode[place]]
        if place in begins and passed <= _UNTIL_TRY:
            return True
        if name in _BEGINS_WITH:
            return not dropped
        dropped = dropped or name == "POP_TOP"
        passed += name not in _FREE
        if name.startswith("POP_JUMP_"):
            branched = passed
        elif name.startswith(_LEAVES) and name not in _FREE:
            if branched is None:
                return False
            passed, branched = branched, None
        if passed > _UNTIL_WITH:
            return False
    return False


@_kept
def _begins_of_try(code: CodeType) -> frozenset[int]:
    return frozenset(
        start
        for start, _, handler in _protected(code)
        if dis.opname[code.co_code[handler]] == "PUSH_EXC_INFO"
    )


def is_in_finally(frame: FrameType) -> bool:
    """Whether the frame is in a ``finally``, after an error or without one."""
    code = frame.f_code
    return bool(code.co_exceptiontable) and frame.f_lineno in _finally_lines(code)


@_kept
def _finally_lines(code: CodeType) -> frozenset[int]:
    return frozenset(_find_finally_lines(code))


def _find_finally_lines(code: CodeType) -> Iterator[int]:
    """The lines of all ``finally`` blocks: those of handlers that catch any exception.

    The compiler also writes these lines a second time, for the case without an exception.
    """
    instructions = list(dis.get_instructions(code))
    handlers = _handlers(code)
    finallys = handlers.finallys(instructions)
    for one in instructions:
        line = one.positions.lineno if one.positions else None
        if line and one.opname != "RERAISE" and handlers.are_in_any(finallys, one.offset):
            yield line


@_kept
def _handlers(code: CodeType) -> "_Handlers":
    return _Handlers(code)


class _Handlers:
    """The exception handlers of a code."""

    def __init__(self, code: CodeType) -> None:
        # The compiler writes the parts in their order, and they do not overlap.
        self._parts = list(_protected(code))
        self._starts = [start for start, _, _ in self._parts]

    def of(self, place: int) -> int | None:
        """The handler of an exception at this place."""
        index = bisect_right(self._starts, place) - 1
        if index < 0 or place >= self._parts[index][1]:
            return None
        return self._parts[index][2]

    def finallys(self, instructions: list[dis.Instruction]) -> dict[int, list[int]]:
        """The handlers that are a ``finally``, by their clean-up.

        The clean-up restores the previous exception. It is the handler of the handler itself.
        """
        finallys: dict[int, list[int]] = {}
        indexes = {one.offset: index for index, one in enumerate(instructions)}
        for begin in {target for _, _, target in self._parts}:
            index, cleanup = indexes[begin], self.of(begin)
            if cleanup is None or instructions[index].opname != "PUSH_EXC_INFO":
                continue
            if _is_finally(instructions, index + 1):
                finallys.setdefault(cleanup, []).append(begin)
        return finallys

    def are_in_any(self, finallys: dict[int, list[int]], place: int) -> bool:
        """Whether an exception at this place goes to the clean-up of a ``finally`` before it."""
        passed: set[int] = set()
        target = self.of(place)
        while target is not None and target not in passed:
            begins = finallys.get(target, ())
            if any(begin < place and begin not in passed for begin in begins):
                return True
            passed.add(target)
            target = self.of(target)
        return False


def _is_finally(instructions: list[dis.Instruction], first: int) -> bool:
    """``first``: the handler's first instruction but one."""
    if instructions[first].opname in ("POP_TOP", "WITH_EXCEPT_START"):  # `except:', `with'
        return False
    for index in range(first, len(instructions)):
        opname = instructions[index].opname
        if opname in ("CHECK_EXC_MATCH", "CHECK_EG_MATCH"):
            return False
        if opname.startswith(_ACTS):
            return True
    return True


def _protected(code: CodeType) -> Iterator[tuple[int, int, int]]:
    """The parts of the code that have an exception handler: start, end and the handler."""
    table = iter(code.co_exceptiontable)
    for first in table:
        start = _number(first, table)
        length, target, _depth = (_number(next(table), table) for _ in range(3))
        yield 2 * start, 2 * (start + length), 2 * target


def _number(first: int, table: Iterator[int]) -> int:
    """Decodes a number: six bits in each byte, highest first; a seventh bit means one more byte."""
    value = first & 63
    while first & 64:
        first = next(table)
        value = value << 6 | first & 63
    return value
