# SPDX-License-Identifier: Apache-2.0
"""Atom, Pid, Ref, Port and Fun in pure Python. The bytes are those of Erlang/OTP 25 and 26."""

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest

import erlang
from erlang import Atom, Fun, Pid, Port, Ref

NODE = b"w\x0dnonode@nohost"
TERMS: dict[str, tuple[Any, bytes]] = {
    "<0.119.0>": (Pid, b"X" + NODE + b"\0\0\0w\0\0\0\0\0\0\0\0"),
    "#Ref<0.3.2.1>": (Ref, b"Z\0\3" + NODE + b"\0\0\0\0" + b"\0\0\0\1\0\0\0\2\0\0\0\3"),
    "#Port<0.6>": (Port, b"x" + NODE + b"\0\0\0\0\0\0\0\6\0\0\0\0"),
    "fun erlang:abs/1": (Fun, b"qw\6erlangw\3absa\1"),
    "<a@b.c.7.0>": (Pid, b"Xd\0\5a@b.c\0\0\0\7\0\0\0\0\0\0\0\1"),
}

terms = pytest.mark.parametrize(("text", "cls", "data"), [(k, *v) for k, v in TERMS.items()])


def made(cls: Any, data: bytes) -> Any:
    return cls._from_external(b"\x83" + data)


@terms
def test_terms_are_printed_as_erlang_does(text: str, cls: Any, data: bytes) -> None:
    assert repr(made(cls, data)) == str(made(cls, data)) == text


@terms
def test_equal_terms_are_equal_and_hash_alike(text: str, cls: Any, data: bytes) -> None:
    one, again = made(cls, data), made(cls, data)
    assert one == again
    assert (one != again) is False
    assert {one: 1}[again] == 1
    assert one != text
    others = [made(*other) for name, other in TERMS.items() if name != text]
    assert all(one != other for other in others)


@terms
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_terms_can_be_pickled(text: str, cls: Any, data: bytes, protocol: int) -> None:
    value = made(cls, data)
    again = pickle.loads(pickle.dumps([value, value], protocol))
    assert again == [value, value]
    assert type(again[0]) is cls
    assert again[0] is again[1]


@terms
def test_terms_are_immutable(text: str, cls: Any, data: bytes) -> None:
    value = made(cls, data)
    assert copy.copy(value) is value
    assert copy.deepcopy([value])[0] is value
    for name in ("anything", "_external"):
        with pytest.raises(AttributeError):
            setattr(value, name, b"")
    with pytest.raises(TypeError, match="immutable type"):
        cls.anything = 1


@terms
def test_weak_references_end_with_their_term(text: str, cls: Any, data: bytes) -> None:
    value = made(cls, data)
    reference = weakref.ref(value)
    assert reference() is value
    del value
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("cls", [Pid, Ref, Port, Fun])
def test_terms_come_from_erlang_only(cls: Any) -> None:
    with pytest.raises(TypeError, match=rf"^erlang.{cls.__name__} objects come from Erlang"):
        cls()


@pytest.mark.parametrize("cls", [Atom, Pid, Ref, Port, Fun])
def test_the_types_are_final_and_at_home_in_erlang(cls: Any) -> None:
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Derived", (cls,), {})
    assert cls.__module__ == "erlang"
    assert getattr(erlang, cls.__name__) is cls
    assert cls.__doc__


def test_terms_are_ordered_as_in_erlang() -> None:
    kinds = [Ref, Fun, Port, Pid]
    values = [made(*term) for term in TERMS.values()]
    assert [type(value) for value in sorted(values)] == [*kinds, Pid]
    with pytest.raises(TypeError, match="not supported"):
        assert values[0] < 1


@pytest.mark.parametrize("data", [b"", b"\x83", b"\x83a\x01", b"\x83d\x00\x02ok", b"nonsense"])
def test_only_whole_terms_of_their_own_kind_are_unpickled(data: bytes) -> None:
    for cls in (Pid, Ref, Port, Fun):
        decode = cls._from_external  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match=f"not a pickled erlang.{cls.__name__} of"):
            decode(data)
        with pytest.raises(TypeError, match="needs bytes, not str"):
            decode("text")


@terms
def test_a_cut_term_is_not_unpickled(text: str, cls: Any, data: bytes) -> None:
    for size in range(len(data)):
        with pytest.raises(ValueError, match="not a pickled"):
            made(cls, data[:size])


@pytest.mark.parametrize("text", ["ok", "", "hello world", "Ünïcode", "x" * 255, "日" * 255])
def test_an_atom_is_its_text(text: str) -> None:
    atom = Atom(text)
    assert atom == text
    assert hash(atom) == hash(text)
    assert repr(atom) == f"Atom({text!r})"
    assert type(str(atom)) is str
    assert Atom(atom) is atom
    assert copy.deepcopy(atom) is atom
    again = pickle.loads(pickle.dumps(atom))
    assert (type(again), again) == (Atom, text)
    assert weakref.ref(atom)() is atom


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("x" * 256,), ValueError),
        (("\ud800",), ValueError),
        ((b"ok",), TypeError),
        ((), TypeError),
        (("a", "b"), TypeError),
    ],
)
def test_other_texts_are_no_atoms(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Atom(*arguments)
