# SPDX-License-Identifier: Apache-2.0
"""Reads in a frame's bytecode what an exception at its current instruction would do."""

import dis
import selectors
import threading
from collections.abc import Iterator
from types import CodeType, FrameType

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
# Prefixes of instructions that do not belong to the class which an `except' names.
_ACTS = ("POP_", "STORE_", "RETURN_", "RERAISE", "RAISE_", "PUSH_EXC_INFO", "FOR_ITER")
_CACHE = dis.opmap.get("CACHE", 0)

# For each code, the lines inside a `finally'.
_finally_lines: dict[CodeType, frozenset[int]] = {}
_MOST_CODES = 1024
# For each code, the offsets that its loops come back to.
_loop_heads: dict[CodeType, frozenset[int]] = {}
_COMPREHENSIONS = frozenset({"<dictcomp>", "<genexpr>", "<listcomp>", "<setcomp>"})

# For each line of each code, the names in that line.
_names: dict[tuple[CodeType, int], frozenset[str]] = {}
# Results of will_be_protected().
_will_be_protected: dict[tuple[CodeType, int], bool] = {}
_MOST_PLACES = 4096


def is_at_check(frame: FrameType) -> bool:
    """Whether a thread without the GIL waits for the GIL between two instructions.

    At other instructions, C code may have given up the GIL.
    """
    return _opname(frame) == "RESUME" or jumps_back(frame)


def jumps_back(frame: FrameType) -> bool:
    """Whether the frame's code goes back to the head of a loop here."""
    return _jumps_back(_opname(frame))


def is_at_loop_head(frame: FrameType) -> bool:
    """Whether a loop comes back to the frame's next instruction."""
    heads = _loop_heads.get(frame.f_code)
    if heads is None:
        if len(_loop_heads) >= _MOST_CODES:
            _loop_heads.clear()
        heads = _loop_heads[frame.f_code] = frozenset(
            one.argval for one in dis.get_instructions(frame.f_code) if _jumps_back(one.opname)
        )
    return frame.f_lasti in heads


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
    return "" if frame.f_lasti < 0 else dis.opname[frame.f_code.co_code[frame.f_lasti]]


def calls_by_name(frame: FrameType, function: CodeType) -> bool:
    """Whether the frame's code calls this function itself: the name is in the lines of the call.

    Otherwise native code may have called the function, e.g. the constructor of an extension type.
    Not all native code gives back what it has when such a function raises.
    """
    if not is_calling(frame) or frame.f_lineno is None:
        return False
    if function.co_name in _COMPREHENSIONS:
        return function in frame.f_code.co_consts
    return function.co_name in _names_called(frame.f_code, frame.f_lineno)


def _names_called(code: CodeType, line: int) -> frozenset[str]:
    """The names that the code uses in the statements of this line."""
    place = (code, line)
    names = _names.get(place)
    if names is None:
        if len(_names) >= _MOST_PLACES:
            _names.clear()
        names = _names[place] = frozenset(
            one.argval
            for one in dis.get_instructions(code)
            if one.positions is not None
            and one.positions.lineno is not None
            and one.positions.end_lineno is not None
            and one.positions.lineno <= line <= one.positions.end_lineno
            and isinstance(one.argval, str)
        )
    return names


def waits_safely(frame: FrameType) -> bool:
    """Whether the thread waits in the standard library where an exception does no harm."""
    return frame.f_code in _WAITS and any(
        start <= frame.f_lasti < end for start, end, _ in _protected(frame.f_code)
    )


def will_be_protected(frame: FrameType) -> bool:
    """Whether the frame is taking something that a following ``with`` or ``try`` gives back."""
    place = (frame.f_code, frame.f_lasti)
    found = _will_be_protected.get(place)
    if found is None:
        if len(_will_be_protected) >= _MOST_PLACES:
            _will_be_protected.clear()
        found = _will_be_protected[place] = _find_protection(*place)
    return found


def _find_protection(code: CodeType, here: int) -> bool:
    """Whether the value of a call goes to a following ``with`` or ``try``."""
    if not _is_call(code, here):
        return False
    bytecode = code.co_code
    begins = {
        start
        for start, _, handler in _protected(code)
        if dis.opname[bytecode[handler]] == "PUSH_EXC_INFO"
    }
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


def is_in_finally(frame: FrameType) -> bool:
    """Whether the frame is in a ``finally``, after an error or without one."""
    code = frame.f_code
    if not code.co_exceptiontable:
        return False
    lines = _finally_lines.get(code)
    if lines is None:
        if len(_finally_lines) >= _MOST_CODES:
            _finally_lines.clear()
        lines = _finally_lines[code] = frozenset(_find_finally_lines(code))
    return frame.f_lineno in lines


def _find_finally_lines(code: CodeType) -> Iterator[int]:
    """The lines of all ``finally`` blocks: those of handlers that catch any exception.

    The compiler also writes these lines a second time, for the case without an exception.
    """
    entries = list(_protected(code))
    instructions = list(dis.get_instructions(code))

    def handler_of(place: int) -> int | None:
        return next((target for start, end, target in entries if start <= place < end), None)

    def belongs(place: int, begin: int, cleanup: int | None) -> bool:
        """Whether an exception at ``place`` goes to the clean-up of the handler."""
        target = handler_of(place)
        while target is not None and target not in (begin, cleanup):
            target = handler_of(target)
        return target is not None and target == cleanup

    for begin in {target for _, _, target in entries}:
        handler = [one for one in instructions if one.offset >= begin]
        if handler[0].opname != "PUSH_EXC_INFO" or not _is_finally(handler[1:]):
            continue
        # The handler itself is protected by the code that restores the previous exception.
        cleanup = handler_of(begin)
        for one in handler[1:]:
            line = one.positions.lineno if one.positions else None
            if line and one.opname != "RERAISE" and belongs(one.offset, begin, cleanup):
                yield line


def _is_finally(handler: list[dis.Instruction]) -> bool:
    if handler and handler[0].opname in ("POP_TOP", "WITH_EXCEPT_START"):  # `except:', `with'
        return False
    for one in handler:
        if one.opname in ("CHECK_EXC_MATCH", "CHECK_EG_MATCH"):
            return False
        if one.opname.startswith(_ACTS):
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
