# SPDX-License-Identifier: Apache-2.0
"""The frames between this process and its node; see `erl/src/py_process_frame.erl`."""

import math
from collections.abc import Iterable
from struct import Struct
from typing import NamedTuple

from erlang._outside.arguments import Arguments
from erlang._outside.encoding import encoded_list

PROTOCOL = 1

CALL = 1
CANCEL = 2
ATOMS = 3
HELLO = 4
VALUE = 5
FAILURE = 6

# In a frame that ends a call: what binaries of the term become, and where the term begins, behind a
# version byte.
BINARIES_OF_CALL = 9
TERM_OF_CALL = 11
# The same for a hello, which has no id.
TERM_OF_HELLO = 2

_VERSION = b"\x83"
_NO_LIMIT = 0xFFFFFFFF
_DEFAULT, _WAIT, _REFUSE = range(3)
_OVERLOAD = {None: _DEFAULT, True: _WAIT, False: _REFUSE}
_BINARIES = {None: _DEFAULT, "text": 1, "bytes": 2}
# By the byte of a frame that ends a call.
BINARIES = ("text", "text", "bytes")

_size = Struct(">I")
_call_head = Struct(">IBQIBBI")
_HEAD_OF_CALL = _call_head.size - _size.size
_id = Struct(">Q")

call_id = Struct(">Q").unpack_from


class Encoded(NamedTuple):
    """The arguments of a call as a term, and the texts of the atoms in it."""

    term: bytes
    atoms: set[str]


def encoded_arguments(call: Arguments) -> Encoded:
    """Raises what the conversion raises."""
    atoms: set[str] = set()
    return Encoded(encoded_list(call.args, "args", atoms), atoms)


def call(number: int, call: Arguments, args: Encoded, max_size: int) -> bytes:
    """Raises ValueError if the arguments are larger than a frame."""
    name = call.name.encode()
    size = _HEAD_OF_CALL + len(name) + 1 + len(args.term)
    if size > max_size:
        raise ValueError(
            f"the arguments have {len(args.term)} bytes as a term; a process beside the node can "
            f"send at most {max_size}"
        )
    limit = _NO_LIMIT
    if call.timeout is not None and call.timeout < _NO_LIMIT / 1000:
        limit = min(math.ceil(call.timeout * 1000), _NO_LIMIT - 1)
    overload, binaries = _OVERLOAD[call.wait], _BINARIES[call.binaries]
    head = _call_head.pack(size, CALL, number, limit, overload, binaries, len(name))
    return b"".join((head, name, _VERSION, args.term))


def cancel(numbers: Iterable[int]) -> bytes:
    content = b"".join((bytes((CANCEL,)), *map(_id.pack, numbers)))
    return _size.pack(len(content)) + content


def atoms(texts: Iterable[str]) -> bytes:
    values = tuple(text.encode() for text in texts)
    content = bytes((ATOMS,)) + _VERSION + encoded_list(values, "atoms", set())
    return _size.pack(len(content)) + content


class Reader:
    """Splits what arrives into frames."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        # The number of bytes without which no frame is complete.
        self._missing = _size.size

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that are complete now, without their sizes."""
        if len(chunk) < self._missing:
            self._chunks.append(chunk)
            self._missing -= len(chunk)
            return []
        data = b"".join((*self._chunks, chunk)) if self._chunks else chunk
        frames = []
        begin = 0
        while (left := len(data) - begin) >= _size.size:
            size = _size.size + _size.unpack_from(data, begin)[0]
            if left < size:
                self._missing = size - left
                break
            frames.append(data[begin + _size.size : begin + size])
            begin += size
        else:
            self._missing = _size.size - left
        self._chunks = [data[begin:]] if left else []
        return frames
