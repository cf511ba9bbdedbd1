# SPDX-License-Identifier: Apache-2.0
"""Erlang's external term format: its tags, and where a term ends.

The format is described in "External Term Format" of the ERTS documentation. All positions are
indexes into the bytes of a term.
"""

import struct
from struct import Struct

VERSION = 131

SMALL_INTEGER = 97
INTEGER = 98
SMALL_BIG = 110
LARGE_BIG = 111
NEW_FLOAT = 70
ATOM = 100
SMALL_ATOM = 115
ATOM_UTF8 = 118
SMALL_ATOM_UTF8 = 119
BINARY = 109
BIT_BINARY = 77
SMALL_TUPLE = 104
LARGE_TUPLE = 105
NIL = 106
STRING = 107
LIST = 108
MAP = 116
PID = 103
NEW_PID = 88
PORT = 102
NEW_PORT = 89
V4_PORT = 120
NEW_REFERENCE = 114
NEWER_REFERENCE = 90
NEW_FUN = 112
EXPORT = 113

ATOM_TAGS = frozenset((ATOM, SMALL_ATOM, ATOM_UTF8, SMALL_ATOM_UTF8))
PID_TAGS = frozenset((PID, NEW_PID))
PORT_TAGS = frozenset((PORT, NEW_PORT, V4_PORT))
REFERENCE_TAGS = frozenset((NEW_REFERENCE, NEWER_REFERENCE))
FUN_TAGS = frozenset((NEW_FUN, EXPORT))

UINT16 = Struct(">H")
UINT32 = Struct(">I")
INT32 = Struct(">i")
DOUBLE = Struct(">d")

# The size of a term of each tag, with its tag, if the size is fixed.
_FIXED = {SMALL_INTEGER: 2, INTEGER: 5, NEW_FLOAT: 9, NIL: 1}
# For each tag of an identifier: the numbers after the atom of the node, and the creation.
_NUMBERS = {
    PID: (Struct(">II"), Struct(">B")),
    NEW_PID: (Struct(">II"), UINT32),
    PORT: (UINT32, Struct(">B")),
    NEW_PORT: (UINT32, UINT32),
    V4_PORT: (Struct(">Q"), UINT32),
}


class Malformed(ValueError):
    """These bytes are not in the external term format, or end too early."""


def atom(data: bytes, at: int) -> tuple[str, int]:
    """The text of the atom at ``at``, and where it ends."""
    tag = data[at]
    if tag in (SMALL_ATOM_UTF8, SMALL_ATOM):
        start, size = at + 2, data[at + 1]
    elif tag in (ATOM_UTF8, ATOM):
        start, size = at + 3, UINT16.unpack_from(data, at + 1)[0]
    else:
        raise Malformed(f"no atom has the tag {tag}")
    encoding = "utf-8" if tag in (SMALL_ATOM_UTF8, ATOM_UTF8) else "latin-1"
    return str(data[start : start + size], encoding), start + size


def integer(data: bytes, at: int) -> tuple[int, int]:
    """The integer at ``at``, and where it ends."""
    tag = data[at]
    if tag == SMALL_INTEGER:
        return data[at + 1], at + 2
    if tag == INTEGER:
        return INT32.unpack_from(data, at + 1)[0], at + 5
    if tag == SMALL_BIG:
        size, sign, start = data[at + 1], data[at + 2], at + 3
    elif tag == LARGE_BIG:
        (size,) = UINT32.unpack_from(data, at + 1)
        sign, start = data[at + 5], at + 6
    else:
        raise Malformed(f"no integer has the tag {tag}")
    magnitude = int.from_bytes(data[start : start + size], "little")
    return -magnitude if sign else magnitude, start + size


def identifier(data: bytes, at: int) -> tuple[str, int, tuple[int, ...], int]:
    """Node, creation and numbers of the pid, port or reference at ``at``, and where it ends."""
    tag = data[at]
    if tag in REFERENCE_TAGS:
        count = UINT16.unpack_from(data, at + 1)[0]
        node, at = atom(data, at + 3)
        words, before = Struct(f">{count}I"), Struct(">I" if tag == NEWER_REFERENCE else ">B")
        creation = before.unpack_from(data, at)[0]
        at += before.size
        return node, creation, words.unpack_from(data, at), at + words.size
    node, at = atom(data, at + 1)
    numbers, after = _NUMBERS[tag]
    creation = after.unpack_from(data, at + numbers.size)[0]
    return node, creation, numbers.unpack_from(data, at), at + numbers.size + after.size


def end_of_term(data: bytes, at: int) -> int:
    """Where the term at ``at`` ends. Raises `Malformed`, also if it ends behind the data."""
    left = 1
    try:
        while left:
            inner, at = step(data, at)
            left += inner - 1
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise Malformed(str(error)) from None
    if at > len(data):
        raise Malformed("the data ends inside of a term")
    return at


def step(data: bytes, at: int) -> tuple[int, int]:
    """The number of terms inside the term at ``at``, and where the first of them begins."""
    tag = data[at]
    if tag in _FIXED:
        return 0, at + _FIXED[tag]
    if tag in ATOM_TAGS:
        return 0, atom(data, at)[1]
    if tag == BINARY:
        return 0, at + 5 + UINT32.unpack_from(data, at + 1)[0]
    if tag == BIT_BINARY:
        return 0, at + 6 + UINT32.unpack_from(data, at + 1)[0]
    if tag == STRING:
        return 0, at + 3 + UINT16.unpack_from(data, at + 1)[0]
    if tag in (SMALL_BIG, LARGE_BIG):
        return 0, integer(data, at)[1]
    if tag == SMALL_TUPLE:
        return data[at + 1], at + 2
    if tag == LARGE_TUPLE:
        return UINT32.unpack_from(data, at + 1)[0], at + 5
    if tag == LIST:
        return UINT32.unpack_from(data, at + 1)[0] + 1, at + 5
    if tag == MAP:
        return 2 * UINT32.unpack_from(data, at + 1)[0], at + 5
    if tag in PID_TAGS or tag in PORT_TAGS or tag in REFERENCE_TAGS:
        return 0, identifier(data, at)[3]
    if tag == NEW_FUN:
        return 0, at + 1 + UINT32.unpack_from(data, at + 1)[0]
    if tag == EXPORT:
        return 0, atom(data, atom(data, at + 1)[1])[1] + 2
    raise Malformed(f"no term has the tag {tag}")
