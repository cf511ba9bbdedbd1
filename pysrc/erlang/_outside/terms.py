# SPDX-License-Identifier: Apache-2.0
"""Atom, Pid, Ref, Port and Fun in pure Python: twins of the native types of a node.

A twin keeps its term in the external term format. Pickles of twins and of native objects are
interchangeable.
"""

from typing import Any, NoReturn, Self, cast, final

from erlang._outside import external, printing

MAX_ATOM_LENGTH = 255


class _Final(type):
    """The metaclass of types that are final and immutable, as the native types are."""

    def __new__(cls, name: str, bases: tuple[type, ...], names: dict[str, Any]) -> "_Final":
        for base in bases:
            if isinstance(base, _Final) and base.__module__ == "erlang":
                raise TypeError(f"type 'erlang.{base.__name__}' is not an acceptable base type")
        return super().__new__(cls, name, bases, names)

    def __setattr__(cls, name: str, value: object) -> NoReturn:
        raise TypeError(f"cannot set {name!r} attribute of immutable type 'erlang.{cls.__name__}'")


@final
class Atom(str, metaclass=_Final):
    """An Erlang atom. It equals its text, and becomes the same atom when it is sent to Erlang.

    Erlang never frees atoms: make atoms from a fixed set of texts only. Python can make at most
    100,000 new atoms in a node.

    Raises:
        ValueError: The text has more than 255 characters or can't be encoded.
    """

    __slots__ = ("__weakref__",)
    __module__ = "erlang"

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        if kwargs or len(args) != 1:
            raise TypeError("Atom() takes one argument: its text")
        (text,) = args
        if type(text) is cls:
            return cast(Self, text)
        if not isinstance(text, str):
            raise TypeError(f"an atom is made of a str, not of '{type(text).__name__}'")
        if str.__len__(text) > MAX_ATOM_LENGTH:
            raise ValueError(f"an atom has at most {MAX_ATOM_LENGTH} characters")
        try:
            str.encode(text)
        except UnicodeEncodeError:
            raise ValueError("an atom can't have lone surrogates") from None
        return str.__new__(cls, text)

    def __repr__(self) -> str:
        return f"Atom({str.__repr__(self)})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object, /) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str.__str__(self),)


class _Term(metaclass=_Final):
    """A term in the external term format, without its version byte."""

    __slots__ = ("__weakref__", "_external")
    _external: bytes
    # The tags of the type, and its place in Erlang's order of terms.
    _tags: frozenset[int] = frozenset()
    _rank = 0

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        raise TypeError(
            f"erlang.{cls.__name__} objects come from Erlang, as arguments and results; "
            "Python can't make them"
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"'erlang.{type(self).__name__}' object has no attribute {name!r}")

    def __repr__(self) -> str:
        return printing.printed(self._external, limit=1000)

    def __hash__(self) -> int:
        return hash(self._external)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Term) and other._external == self._external

    def __lt__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, _Term) else _order(self) < _order(other)

    def __le__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, _Term) else _order(self) <= _order(other)

    def __gt__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, _Term) else _order(self) > _order(other)

    def __ge__(self, other: object) -> bool:
        return NotImplemented if not isinstance(other, _Term) else _order(self) >= _order(other)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object, /) -> Self:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return type(self)._from_external, (bytes((external.VERSION,)) + self._external,)

    @classmethod
    def _from_external(cls, encoded: bytes, /) -> Self:
        """The function that ``__reduce__`` names."""
        if not isinstance(encoded, bytes):
            raise TypeError(f"_from_external() needs bytes, not {type(encoded).__name__}")
        if not _is_whole(encoded, cls._tags):
            raise ValueError(f"these bytes are not a pickled erlang.{cls.__name__} of this node")
        made = object.__new__(cls)
        object.__setattr__(made, "_external", encoded[1:])
        return made


def _is_whole(encoded: bytes, tags: frozenset[int]) -> bool:
    """Whether the bytes are one term with one of the tags."""
    if len(encoded) < 2 or encoded[0] != external.VERSION or encoded[1] not in tags:
        return False
    try:
        return external.end_of_term(encoded, 1) == len(encoded)
    except external.Malformed:
        return False


def _order(term: _Term) -> tuple[int, tuple[object, ...]]:
    return term._rank, printing.order(term._external)


@final
class Ref(_Term):
    """An Erlang reference."""

    __slots__ = ()
    __module__ = "erlang"
    _tags = external.REFERENCE_TAGS
    _rank = 1


@final
class Fun(_Term):
    """An Erlang fun. Python can keep it and send it, but not call it."""

    __slots__ = ()
    __module__ = "erlang"
    _tags = external.FUN_TAGS
    _rank = 2


@final
class Port(_Term):
    """An Erlang port."""

    __slots__ = ()
    __module__ = "erlang"
    _tags = external.PORT_TAGS
    _rank = 3


@final
class Pid(_Term):
    """An Erlang process. Only Erlang makes a `Pid`; Python can compare it and send it back."""

    __slots__ = ()
    __module__ = "erlang"
    _tags = external.PID_TAGS
    _rank = 4
