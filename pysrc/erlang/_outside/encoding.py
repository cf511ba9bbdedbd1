# SPDX-License-Identifier: Apache-2.0
"""Python values to the external term format, by the rules of `nif/conversion/python_to_term.h`.

The work is a loop over a stack of open containers, not a recursion: a value may nest deeper than
Python's own limit of recursion.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from erlang import _adapters
from erlang._outside import external, printing
from erlang._outside.leaves import DERIVED, LEAVES, MARKED_LEAVES, Leaves, Refused, atom
from erlang._outside.places import MAX_DEPTH, Step, rendered, too_deep
from erlang._types import Atom, Fun, Pid, Port, Ref

_MAX_TUPLE = (1 << 24) - 1
_NIL = bytes((external.NIL,))
_pack_size = external.UINT32.pack
# Py_TPFLAGS_HEAPTYPE: not a static type of C code.
_HEAP_TYPE = 1 << 9

_TERMS = frozenset((Pid, Ref, Port, Fun))
# For classes that derive from a builtin class; the order is that of the native conversion.
_BASES = (int, str, float, bytes, dict, list, tuple, set, frozenset, bytearray, memoryview)
_WHOLE = slice(None)
_CONTAINERS = frozenset((dict, list, tuple, set, frozenset))
# Dicts with keys of one of these classes have no two keys that become the same term.
_DISTINCT = ({str}, {int}, {bytes})


def encoded(value: object, root: str, atoms: set[str], *, marked: bool = False) -> bytes:
    """One value, as `encoded_list`. ``marked``: bytes become ``{bytes, Binary}``."""
    encoder = _Encoder(root, atoms, MARKED_LEAVES if marked else LEAVES, single=True)
    # Without the head of the list: its tag and size. And without its tail.
    return encoder.list_of((value,))[5:-1]


def encoded_list(values: tuple[object, ...], root: str, atoms: set[str]) -> bytes:
    """A list of the values, without a version byte. Adds the texts of their atoms to ``atoms``.

    Raises:
        TypeError: A value has no Erlang term; the text names its place.
        ValueError: A value can't be sent, such as text with lone surrogates.
        OverflowError: An integer is too large for Erlang.
        RecursionError: A value is nested too deeply.
        RuntimeError: A container changed while it was converted.
    """
    return _Encoder(root, atoms, LEAVES).list_of(values)


class _Level:
    """An open container, and the step from it to its current item."""

    __slots__ = ("container", "index", "items", "size")
    tail = b""

    def __init__(self, container: Any, items: Iterator[object], size: int) -> None:
        self.container = container
        self.items = items
        self.size = size
        self.index = -1

    def step(self) -> Step:
        return Step(self.container, self.index)

    def has_changed(self) -> bool:
        return False


class _List(_Level):
    __slots__ = ()
    tail = _NIL

    def has_changed(self) -> bool:
        return self.container is not None and list.__len__(self.container) != self.size


class _Set(_Level):
    __slots__ = ()
    tail = _NIL

    def step(self) -> Step:
        return Step(self.container, self.index, is_element=True)

    def has_changed(self) -> bool:
        return len(self.container) != self.size


class _Entries(_Level):
    """An open dict: keys and values by turns. ``size`` counts both."""

    __slots__ = ("key", "key_begin", "seen")

    def __init__(self, container: Any, items: Iterator[object], size: int) -> None:
        super().__init__(container, items, size)
        self.key: object = None
        self.key_begin = 0
        self.seen: set[bytes] | None = None
        if size > 2 and {*map(type, dict.keys(container))} not in _DISTINCT:
            self.seen = set()

    def step(self) -> Step:
        if self.index % 2 == 0:
            return Step(self.container, self.index // 2, is_element=True)
        return Step(self.container, self.index // 2, key=self.key, is_key=True)

    def has_changed(self) -> bool:
        return 2 * dict.__len__(self.container) != self.size


class _Adapted(_Level):
    __slots__ = ()

    def step(self) -> Step:
        return Step(self.container, is_converted=True)


class _Encoder:
    def __init__(self, root: str, atoms: set[str], leaves: Leaves, single: bool = False) -> None:
        self._root = root
        self._atoms = atoms
        self._leaves = leaves
        # The number of outer levels that are no part of a path.
        self._hidden = int(single)
        self._parts: list[bytes] = []
        self._stack: list[_Level] = []

    def list_of(self, values: tuple[object, ...]) -> bytes:
        self._open_sized(_List(None, iter(values), len(values)), b"l", len(values))
        while self._stack:
            level = self._stack[-1]
            if level.has_changed():
                raise self._changed()
            try:
                complete = self._write_items(level)
            except Refused as refused:
                raise refused.error(self._place()) from None
            if complete:
                self._close(level)
        return b"".join(self._parts)

    def _write_items(self, level: _Level) -> bool:
        """Writes the next items. False if one of them is a container, which is open then."""
        write, leaves = self._parts.append, self._leaves
        entries = level if isinstance(level, _Entries) else None
        for item in level.items:
            level.index += 1
            if entries is not None:
                self._note_key(entries, item)
            leaf = leaves.get(type(item))
            if leaf is not None:
                write(leaf(item))
            elif self._write_other(item):
                return False
        return True

    def _note_key(self, level: _Entries, item: object) -> None:
        """Called before each key and each value of a dict is written."""
        if level.index % 2 == 0:
            level.key = item
            level.key_begin = len(self._parts)
        elif level.seen is not None:
            key = b"".join(self._parts[level.key_begin :])
            if key in level.seen:
                self._stack.pop()
                text = "two keys of the dict become the same Erlang key"
                raise ValueError(f"{self._place()}: {text} {printing.printed(key)}")
            level.seen.add(key)

    def _write_other(self, item: Any) -> bool:
        """Writes a value of another class. True if the value is a container, which is open now."""
        cls = type(item)
        if cls is Atom:
            self._atoms.add(str.__str__(item))
            self._parts.append(atom(item))
            return False
        if cls in _TERMS:
            self._parts.append(item.__reduce__()[1][0][1:])
            return False
        base = cls if cls in _CONTAINERS else self._base(cls)
        if base is None:
            self._open_adapted(item)
        elif base in _CONTAINERS:
            self._open_container(item, base)
        else:
            self._write_derived(item, base)
            return False
        return True

    def _base(self, cls: type) -> type | None:
        """The builtin class whose conversion holds for ``cls``; None if an adapter's does."""
        base = next((base for base in _BASES if issubclass(cls, base)), None)
        return None if base is None or _adapters.goes_first(cls) else base

    def _write_derived(self, item: Any, base: type) -> None:
        if base in DERIVED:
            self._parts.append(DERIVED[base](item))
            return
        content = bytes.__getitem__(item, _WHOLE) if base is bytes else self._content(item)
        self._parts.append(self._leaves[bytes](content))

    def _content(self, buffer: Any) -> bytes:
        try:
            return memoryview(buffer).tobytes()
        except Exception as error:  # a released memoryview
            raise self._noted(error) from None

    def _open_container(self, item: Any, base: Any) -> None:
        size = base.__len__(item)
        if base is dict:
            entries = _Entries(item, chain.from_iterable(dict.items(item)), 2 * size)
            self._open_sized(entries, b"t", size, always=True)
        elif base is list:
            self._open_sized(_List(item, list.__iter__(item), size), b"l", size)
        elif base is not tuple:
            self._open_sized(_Set(item, base.__iter__(item), size), b"l", size)
        else:
            if size > _MAX_TUPLE:
                text = f"the tuple has {size} items, an Erlang tuple at most {_MAX_TUPLE}"
                raise ValueError(f"{self._place()}: {text}; send a list")
            self._open(_Level(item, tuple.__iter__(item), size))
            self._parts.append(bytes((104, size)) if size < 256 else b"i" + _pack_size(size))

    def _open_adapted(self, item: object) -> None:
        # Counts as a level: an adapter that returns its argument would go on for ever.
        level = _Adapted(item, iter(()), 1)
        self._check_depth(item)
        try:
            adapted = _adapters.adapt(item)
            why = None
            if adapted is NotImplemented:
                why = _adapters.why_refused(item, _full_name(type(item)))
        except Exception as error:
            raise self._noted(error) from None
        if why is not None:
            raise TypeError(f"{self._place()}: {why}")
        level.items = iter((adapted,))
        self._stack.append(level)

    def _open_sized(self, level: _Level, tag: bytes, size: int, always: bool = False) -> None:
        self._open(level)
        if size or always:
            self._parts.append(tag + _pack_size(size))

    def _open(self, level: _Level) -> None:
        self._check_depth(level.container)
        self._stack.append(level)

    def _check_depth(self, value: object) -> None:
        # The list of all values is not counted.
        if len(self._stack) > MAX_DEPTH:
            raise too_deep(self._root, self._steps(), value)

    def _close(self, level: _Level) -> None:
        if level.index + 1 != level.size:
            raise self._changed()
        self._stack.pop()
        if level.tail:
            self._parts.append(level.tail)

    def _changed(self) -> RuntimeError:
        kind = type(self._stack.pop().container).__name__
        text = f"the {kind} changed while it was converted; send a copy"
        return RuntimeError(f"{self._place()}: {text}")

    def _noted(self, error: Exception) -> Exception:
        error.add_note(f"while converting {self._place()} to an Erlang term")
        return error

    def _steps(self) -> list[Step]:
        return [level.step() for level in self._stack[self._hidden :]]

    def _place(self) -> str:
        return rendered(self._root, self._steps())


def _full_name(cls: type) -> str:
    """The name as CPython has it for types made in C: such as "numpy.ndarray"."""
    if cls.__flags__ & _HEAP_TYPE or cls.__module__ == "builtins":
        return cls.__name__
    return f"{cls.__module__}.{cls.__qualname__}"
