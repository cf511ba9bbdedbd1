# SPDX-License-Identifier: Apache-2.0
"""Python values without parts as external terms: numbers, texts, bytes, None, atoms."""

from collections.abc import Callable, Mapping
from math import isnan
from typing import Any

from erlang._outside import external

# More bits than any Erlang release allows.
_MAX_BITS = 1 << 26

_SMALL_INTEGERS = [bytes((external.SMALL_INTEGER, number)) for number in range(256)]
_INFINITY = float("inf")
_pack_integer = external.INT32.pack
_pack_size = external.UINT32.pack
_pack_float = external.DOUBLE.pack


Leaves = Mapping[type, Callable[[Any], bytes]]


class Refused(Exception):
    """A leaf can't be sent. The caller raises `error`, with the place of the leaf."""

    def error(self, place: str) -> Exception:
        raise NotImplementedError


class _LoneSurrogates(Refused):
    def error(self, place: str) -> Exception:
        text = "text with lone surrogates has no UTF-8 form; replace them, or send bytes"
        return ValueError(f"{place}: {text}")


class _TooLarge(Refused):
    def error(self, place: str) -> Exception:
        error = OverflowError("the integer is too large for Erlang")
        error.add_note(f"while converting {place} to an Erlang term")
        return error


def atom(text: str) -> bytes:
    """The atom with this text, which has at most 255 characters."""
    data = str.encode(text)
    if len(data) < 256:
        return bytes((external.SMALL_ATOM_UTF8, len(data))) + data
    return bytes((external.ATOM_UTF8,)) + external.UINT16.pack(len(data)) + data


def _integer(number: int) -> bytes:
    if 0 <= number < 256:
        return _SMALL_INTEGERS[number]
    if -0x80000000 <= number < 0x80000000:
        return b"b" + _pack_integer(number)
    # Of a negative integer, too, bit_length() is that of the magnitude.
    bits = int.bit_length(number)
    if bits > _MAX_BITS:
        raise _TooLarge
    size = (bits + 7) // 8
    magnitude = int.to_bytes(int.__abs__(number), size, "little")
    negative = number < 0
    if size < 256:
        return bytes((external.SMALL_BIG, size, negative)) + magnitude
    return b"o" + _pack_size(size) + bytes((negative,)) + magnitude


def _float(number: float) -> bytes:
    if number - number == 0:  # finite
        return b"F" + _pack_float(number)
    if isnan(number):
        return _NAN
    return _PLUS if number == _INFINITY else _MINUS


def _text(text: str) -> bytes:
    try:
        data = str.encode(text)
    except UnicodeEncodeError:
        raise _LoneSurrogates from None
    return b"m" + _pack_size(len(data)) + data


def _bytes(data: bytes) -> bytes:
    return b"m" + _pack_size(bytes.__len__(data)) + data


def _bool(value: bool) -> bytes:
    return _TRUE if value else _FALSE


def _none(_: None) -> bytes:
    return _none_term


def spell_none(text: str) -> None:
    """Sets the atom that `None` becomes, by the configuration of the node."""
    global _none_term
    _none_term = atom(text)


_none_term = atom("none")
_TRUE, _FALSE = atom("true"), atom("false")
_NAN, _PLUS, _MINUS = atom("nan"), atom("infinity"), atom("neg_infinity")

# The begin of {bytes, Binary}.
_MARK = bytes((external.SMALL_TUPLE, 2)) + atom("bytes")

# By exact class.
LEAVES: Leaves = {
    str: _text,
    int: _integer,
    float: _float,
    bytes: _bytes,
    bool: _bool,
    type(None): _none,
}
# The same, with a mark for bytes: they are decoded as bytes, and all other binaries as text.
MARKED_LEAVES: Leaves = {
    **LEAVES,
    bytes: lambda data: _MARK + _bytes(data),
}
# By base: the methods of a derived class are not used.
DERIVED: Leaves = {
    str: lambda value: _text(str.__str__(value)),
    int: lambda value: _integer(int.__int__(value)),
    float: lambda value: _float(float.__float__(value)),
}
