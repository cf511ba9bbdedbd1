# SPDX-License-Identifier: Apache-2.0
"""The external term format to Python values, by the rules of `nif/conversion/term_to_python.h`.

As in the other direction, the work is a loop over a stack: a term may nest deeper than Python's own
limit of recursion.
"""

import struct
from typing import Any

from erlang import _structs
from erlang._outside import external, printing
from erlang._outside.places import MAX_DEPTH, Step, rendered, too_deep
from erlang._types import Atom, Fun, Pid, Port, Ref

# Atoms that are other objects in Python.
_CONSTANTS = {"true": True, "false": False, "none": None, "nil": None, "undefined": None}
# The atoms that this process has got, by their bytes. Emptied when it is full.
_atoms: dict[bytes, Any] = {}
_MOST_ATOMS = 10_000
# The key of the maps that are structs of Elixir.
_STRUCT = "__struct__"
_ABSENT = object()

_IDENTIFIERS: dict[int, Any] = {
    **dict.fromkeys(external.PID_TAGS, Pid),
    **dict.fromkeys(external.PORT_TAGS, Port),
    **dict.fromkeys(external.REFERENCE_TAGS, Ref),
    **dict.fromkeys(external.FUN_TAGS, Fun),
}

_read_size = external.UINT32.unpack_from
_read_short = external.UINT16.unpack_from
_read_integer = external.INT32.unpack_from
_read_float = external.DOUBLE.unpack_from


def decoded(data: bytes, at: int = 0, root: str = "result", binaries: str = "text") -> Any:
    """The value of the term at ``at``, which is the last one of the data.

    ``binaries``: what binaries become that are not marked as ``{text, _}`` or ``{bytes, _}``.

    Raises:
        TypeError: There is no Python value for a part of the term; the text names its place.
        RecursionError: The term nests too deeply.
        external.Malformed: The data is no term.
    """
    try:
        value, end = _Decoder(data, root, binaries).term(at)
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise external.Malformed(str(error)) from None
    if end != len(data):
        raise external.Malformed("the data does not end with the term")
    return value


class _Level:
    """A container whose items come now: a list, a tuple, or a map with keys and values by turns."""

    __slots__ = ("at", "is_map", "is_tuple", "items", "key_begin", "size")

    def __init__(self, at: int, size: int, *, is_tuple: bool = False, is_map: bool = False) -> None:
        self.at = at
        self.size = size
        self.is_tuple = is_tuple
        self.is_map = is_map
        self.items: list[Any] = []
        self.key_begin: list[int] = []

    def step(self) -> Step:
        index = len(self.items)
        if not self.is_map:
            return Step(None, index)
        if index % 2 == 0:
            return Step(None, index // 2, is_element=True)
        return Step(None, index // 2, key=self.items[-1], is_key=True)


class _Decoder:
    def __init__(self, data: bytes, root: str, binaries: str) -> None:
        self._data = data
        self._root = root
        self._binaries = binaries
        self._stack: list[_Level] = []

    def term(self, at: int) -> tuple[Any, int]:
        stack = self._stack
        while True:
            value, at, opened = self._begin(at)
            if opened is not None:
                if len(stack) >= MAX_DEPTH:
                    raise too_deep(self._root, self._steps())
                stack.append(opened)
            # The value, or an empty container, may complete the containers around it.
            while True:
                if opened is None:
                    if not stack:
                        return value, at
                    stack[-1].items.append(value)
                level = stack[-1]
                if len(level.items) < level.size:
                    if level.is_map and len(level.items) % 2 == 0:
                        level.key_begin.append(at)
                    break
                value, at = self._end(level, at)
                stack.pop()
                opened = None

    def _begin(self, at: int) -> tuple[Any, int, _Level | None]:
        """The value of the term at ``at`` and its end; or its level, if the term has items."""
        data = self._data
        tag = data[at]
        if tag == external.SMALL_INTEGER:
            return data[at + 1], at + 2, None
        if tag == external.BINARY:
            return *self._binary(at, self._binaries), None
        if tag in external.ATOM_TAGS:
            end = external.atom(data, at)[1]
            return _atom(_slice(data, at, end)), end, None
        if tag == external.INTEGER:
            return _read_integer(data, at + 1)[0], at + 5, None
        if tag == external.SMALL_TUPLE:
            if data[at + 1] == 2 and (marked := _marked_binary(data, at + 2)):
                return *self._binary(*marked), None
            return None, at + 2, _Level(at, data[at + 1], is_tuple=True)
        if tag == external.LIST:
            return None, at + 5, _Level(at, _read_size(data, at + 1)[0])
        if tag == external.NIL:
            return [], at + 1, None
        if tag == external.MAP:
            return None, at + 5, _Level(at, 2 * _read_size(data, at + 1)[0], is_map=True)
        if tag == external.NEW_FLOAT:
            return _read_float(data, at + 1)[0], at + 9, None
        return self._begin_rare(tag, at)

    def _begin_rare(self, tag: int, at: int) -> tuple[Any, int, _Level | None]:
        data = self._data
        if tag == external.STRING:  # a list of small integers
            end = at + 3 + _read_short(data, at + 1)[0]
            return list(_slice(data, at + 3, end)), end, None
        if tag in (external.SMALL_BIG, external.LARGE_BIG):
            return *external.integer(data, at), None
        if tag in _IDENTIFIERS:
            end = external.end_of_term(data, at)
            whole = bytes((external.VERSION,)) + data[at:end]
            return _IDENTIFIERS[tag]._from_external(whole), end, None
        if tag == external.LARGE_TUPLE:
            return None, at + 5, _Level(at, _read_size(data, at + 1)[0], is_tuple=True)
        if tag == external.BIT_BINARY:
            raise self._refused("bitstring", at)
        raise external.Malformed(f"no term has the tag {tag}")

    def _binary(self, at: int, binaries: str) -> tuple[str | bytes, int]:
        """The value of the binary at ``at``, and its end."""
        end = at + 5 + _read_size(self._data, at + 1)[0]
        content = _slice(self._data, at + 5, end)
        if binaries == "bytes":
            return content, end
        try:
            return content.decode(), end
        except UnicodeDecodeError:
            place = rendered(self._root, self._steps())
            hint = 'use binaries="bytes", or {bytes, Binary} in Erlang'
            text = printing.printed(self._data, at)
            raise TypeError(f"{place}: the binary {text} is not UTF-8 text; {hint}") from None

    def _end(self, level: _Level, at: int) -> tuple[Any, int]:
        """The value of a complete level, and the end of its term."""
        if level.is_map:
            return self._map(level), at
        if level.is_tuple:
            return tuple(level.items), at
        if self._data[at] != external.NIL:
            self._stack.pop()
            raise self._refused("improper list", level.at)
        return level.items, at + 1

    def _map(self, level: _Level) -> object:
        made = self._dict(level)
        if _STRUCT not in made or not any(type(key) is Atom and key == _STRUCT for key in made):
            return made
        try:
            return _structs.from_struct(made)
        except Exception as error:
            self._stack.pop()
            place = rendered(self._root, self._steps())
            error.add_note(f"while converting {place} to a Python value")
            raise

    def _dict(self, level: _Level) -> dict[Any, Any]:
        keys, values = level.items[::2], level.items[1::2]
        made: dict[Any, Any] = {}
        for key, value, begin in zip(keys, values, level.key_begin, strict=True):
            size = len(made)
            try:
                made[key] = value
            except TypeError:
                self._stack.pop()
                raise self._refused("map with the unhashable key", begin) from None
            if len(made) == size:
                # 1 and 1.0, or an atom and its text, are two keys in Erlang but one in Python.
                self._stack.pop()
                what = "map with two keys that are equal in Python, one of them"
                raise self._refused(what, begin)
        return made

    def _refused(self, what: str, at: int) -> TypeError:
        place = rendered(self._root, self._steps())
        text = printing.printed(self._data, at)
        return TypeError(f"{place}: there is no Python value for the {what} {text}")

    def _steps(self) -> list[Step]:
        return [level.step() for level in self._stack]


def _slice(data: bytes, begin: int, end: int) -> bytes:
    if end > len(data):
        raise external.Malformed("the data ends inside of a term")
    return data[begin:end]


def _atom(encoded: bytes) -> Any:
    made = _atoms.get(encoded, _ABSENT)
    if made is not _ABSENT:
        return made
    text = external.atom(encoded, 0)[0]
    made = _CONSTANTS[text] if text in _CONSTANTS else Atom(text)
    if len(_atoms) >= _MOST_ATOMS:
        _atoms.clear()
    _atoms[encoded] = made
    return made


def _marked_binary(data: bytes, at: int) -> tuple[int, str] | None:
    """The place of the binary in ``{bytes, Binary}`` or ``{text, Binary}``, and its mark.

    The elements of the tuple begin at ``at``.
    """
    if data[at] not in external.ATOM_TAGS:
        return None
    mark, at = external.atom(data, at)
    if data[at] != external.BINARY:
        return None
    return (at, mark) if mark in ("bytes", "text") else None
