# SPDX-License-Identifier: Apache-2.0
"""Files that a program leaves open. CPython writes them out when it finalises; a node never does.

CPython's own text files and buffers are flushed. Files of other classes are closed, as their
``__del__`` would do: a compressed file is complete only then.
"""

import gc
import io
import sys
from _io import _IOBase, _RawIOBase
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

_TEXTS = (io.TextIOWrapper,)
_BUFFERS = (io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair)

# Other classes of the standard library whose `__del__` completes a file.
_COMPLETING = (("zipfile", "ZipFile"), ("shelve", "Shelf"), ("wave", "Wave_write"))


def endings() -> Iterator[tuple[Any, Callable[[], object]]]:
    """Each file and the function that writes the file out. Outer files come before inner files."""
    objects = gc.get_objects()
    files = _of_kinds(objects, (_IOBase,))
    yield from _flushes(files, _TEXTS)
    # A buffer may write to a compressed file, and a compressed file to a buffer.
    yield from _flushes(files, _BUFFERS)
    standard = (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__)
    for file in files:
        # Raw files have nothing to write.
        foreign = type(file).__module__ != "_io" and not issubclass(type(file), _RawIOBase)
        if foreign and not any(file is stream for stream in standard):
            yield file, partial(_close, file)
    yield from ((file, file.close) for file in _of_kinds(objects, _completing()))
    yield from _flushes(files, _BUFFERS)


def _of_kinds(objects: Iterable[Any], kinds: tuple[type, ...]) -> list[Any]:
    # Millions of objects have few classes. `isinstance` would run code of classes, and of objects
    # that stand for others.
    classes = {id(type(each)): type(each) for each in objects}
    found = {
        key
        for key, cls in classes.items()
        if any(type.__subclasscheck__(kind, cls) for kind in kinds)
    }
    return [each for each in objects if id(type(each)) in found]


def _flushes(
    files: Iterable[Any], kinds: tuple[type, ...]
) -> Iterator[tuple[Any, Callable[[], object]]]:
    return ((file, partial(_flush, file)) for file in files if type(file) in kinds)


def _flush(file: Any) -> None:
    if not file.closed and file.writable():
        file.flush()


def _close(file: Any) -> None:
    if not file.closed and file.writable():
        file.close()


def _completing() -> tuple[type, ...]:
    """Those classes of `_COMPLETING` that the program has imported."""
    found = (getattr(sys.modules.get(module), name, None) for module, name in _COMPLETING)
    return tuple(kind for kind in found if isinstance(kind, type))
