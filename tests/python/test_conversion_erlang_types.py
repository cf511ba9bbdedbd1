# SPDX-License-Identifier: Apache-2.0
"""Atom, Pid, Ref, Port and Fun as Python objects."""

import contextlib
import copy
import gc
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
from erlang_side import echo, is_same, printed, term

import erlang
from erlang import Atom, Fun, Pid, Port, Ref

ROOT = Path(__file__).resolve().parents[2]

TERMS = {
    "self()": Pid,
    'binary_to_term(<<131, 88, 119, 5, "a@b.c", 7:32, 0:32, 1:32>>)': Pid,
    "make_ref()": Ref,
    "hd(erlang:ports())": Port,
    "fun erlang:abs/1": Fun,
    "X = [1, 2], fun(Y) -> {X, Y} end": Fun,
}
ATOMS = ["ok", "", "hello world", "Ünïcode", "日本", "x" * 255, "日" * 255]

terms = pytest.mark.parametrize(("text", "cls"), TERMS.items())
atoms = pytest.mark.parametrize("text", ATOMS)


@terms
def test_terms_are_printed_as_erlang_does(text: str, cls: type) -> None:
    value = term(text)
    assert type(value) is cls
    assert str(value) == repr(value) == printed(value)


@terms
def test_equal_terms_are_equal_and_hash_alike(text: str, cls: type) -> None:
    value = term(text)
    again = echo(value)
    assert again is not value
    assert again == value
    assert (again != value) is False
    assert hash(again) == hash(value)
    assert {value: 1}[again] == 1
    assert value != str(value)
    assert value != 1


def test_funs_that_only_compare_as_equal_are_two_keys() -> None:
    one, other = term("M = fun(X) -> fun() -> X end end, [M(1), M(1.0)]")
    assert one != other
    assert len({one, other}) == 2


@terms
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_terms_can_be_pickled(text: str, cls: type, protocol: int) -> None:
    value = term(text)
    again = pickle.loads(pickle.dumps([value, value], protocol))
    assert again == [value, value]
    assert type(again[0]) is cls
    assert again[0] is again[1]


@terms
def test_terms_are_immutable(text: str, cls: type) -> None:
    value = term(text)
    assert copy.copy(value) is value
    assert copy.deepcopy([value])[0] is value
    with pytest.raises(AttributeError):
        value.anything = 1
    with pytest.raises(TypeError, match="immutable type"):
        cls.anything = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("cls", [Pid, Ref, Port, Fun])
def test_terms_come_from_erlang_only(cls: Any) -> None:
    with pytest.raises(TypeError, match=rf"^erlang.{cls.__name__} objects come from Erlang"):
        cls()
    with pytest.raises(TypeError, match="come from Erlang"):
        cls("<0.1.0>", key=1)


@pytest.mark.parametrize("cls", [Atom, Pid, Ref, Port, Fun])
def test_the_types_are_final_and_at_home_in_erlang(cls: type) -> None:
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Derived", (cls,), {})
    assert cls.__module__ == "erlang"
    assert getattr(erlang, cls.__name__) is cls
    assert cls.__doc__


def test_terms_are_ordered_as_in_erlang() -> None:
    texts = ["make_ref()", "fun erlang:abs/1", "hd(erlang:ports())", "self()"]
    mixed = [term(text) for text in texts * 2]
    mixed += [term("spawn(fun() -> ok end)") for _ in range(5)]
    mixed.reverse()
    assert sorted(mixed) == erlang.call("conversion_order", mixed)
    assert term("make_ref()") < term("self()")
    with pytest.raises(TypeError, match="not supported"):
        assert mixed[0] < 1


@pytest.mark.parametrize("data", [b"", b"\x83", b"\x83a\x01", b"\x83d\x00\x02ok", b"nonsense"])
def test_only_its_own_kind_of_term_is_unpickled(data: bytes) -> None:
    for cls in (Pid, Ref, Port, Fun):
        decode = cls._from_external  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match=f"not a pickled erlang.{cls.__name__} of"):
            decode(data)
        with pytest.raises(TypeError, match="needs bytes, not str"):
            decode("text")


def test_unpickling_makes_no_atoms() -> None:
    """The external format of a pid whose node name is not an atom here."""
    node = b"unheard_of@nowhere"
    data = bytes([131, 88, 119, len(node)]) + node + bytes(12)
    before = term("erlang:system_info(atom_count)")
    with pytest.raises(ValueError, match=r"not a pickled erlang\.Pid of"):
        Pid._from_external(data)  # type: ignore[attr-defined]
    assert term("erlang:system_info(atom_count)") == before


def test_a_fun_over_a_large_map_does_not_end_the_node() -> None:
    # Before OTP 27.3 the runtime crashes when a foreign thread decodes this term.
    fun = term("M = maps:from_list([{X, X} || X <- lists:seq(1, 1000)]), fun() -> M end")
    assert echo(fun) == fun
    data = pickle.dumps(fun)
    with contextlib.suppress(ValueError):  # refused on these versions
        assert pickle.loads(data) == fun


@terms
def test_terms_can_be_referenced_weakly(text: str, cls: type) -> None:
    value = term(text)
    called: list[object] = []
    reference = weakref.ref(value, called.append)
    assert reference() is value
    del value
    gc.collect()
    assert reference() is None
    assert called == [reference]


def test_terms_do_not_leak() -> None:
    counts = [sys.getrefcount(cls) for cls in (Atom, Pid, Ref, Port, Fun)]
    for _ in range(200):
        for text in TERMS:
            pickle.loads(pickle.dumps(term(text)))
        Atom("ok")
    assert [sys.getrefcount(cls) for cls in (Atom, Pid, Ref, Port, Fun)] == counts


@atoms
def test_atoms_are_their_text(text: str) -> None:
    atom = Atom(text)
    assert atom == text
    assert hash(atom) == hash(text)
    assert {text: 1}[atom] == 1
    assert isinstance(atom, str)
    assert str(atom) == f"{atom}" == text
    assert type(str(atom)) is str
    assert repr(atom) == f"Atom({text!r})"
    assert Atom(atom) is atom


@atoms
def test_atoms_go_to_erlang_as_the_same_atoms(text: str) -> None:
    assert is_same(Atom(text), f"'{text}'")
    back = echo(Atom(text))
    assert type(back) is Atom
    assert back == text


@atoms
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_atoms_can_be_pickled_and_copied(text: str, protocol: int) -> None:
    atom = Atom(text)
    again = pickle.loads(pickle.dumps(atom, protocol))
    assert type(again) is Atom
    assert again == atom
    assert copy.copy(atom) is atom
    assert copy.deepcopy([atom])[0] is atom


def test_atoms_can_be_referenced_weakly() -> None:
    for make in (lambda: Atom("ok"), lambda: echo(Atom("hello world"))):
        atom = make()
        reference = weakref.ref(atom)
        assert reference() is atom
        del atom
        gc.collect()
        # The atom is dead, or alive in the cache of recent atoms. In both cases no pointer dangles.
        assert reference() in (None, "hello world")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), TypeError, "Atom() takes one argument: its text"),
        (("a", "b"), TypeError, "Atom() takes one argument: its text"),
        ((1,), TypeError, "an atom is made of a str, not of 'int'"),
        ((b"ok",), TypeError, "an atom is made of a str, not of 'bytes'"),
        (("x" * 256,), ValueError, "an atom has at most 255 characters"),
        (("日" * 256,), ValueError, "an atom has at most 255 characters"),
        (("\ud800",), ValueError, "an atom can't have lone surrogates"),
    ],
)
def test_what_can_not_be_an_atom_is_refused(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        Atom(*arguments)
    assert str(raised.value) == message
    with pytest.raises(TypeError):
        Atom(text="ok")  # type: ignore[call-arg]


def test_text_makes_no_atoms() -> None:
    before = term("erlang:system_info(atom_count)")
    echo([f"never an atom {number}" for number in range(1000)])
    echo({f"neither an atom {number}": None for number in range(1000)})
    assert term("erlang:system_info(atom_count)") == before


BUDGET_PROGRAM = """
import erlang
for number in range(100_000):
    erlang.Atom(f"budget {number}")
assert erlang.Atom("budget 5") == "budget 5"  # this atom is known by now
assert erlang.Atom("ok") == "ok"
try:
    erlang.Atom("one more")
except ValueError as error:
    print(error)
"""


def test_python_makes_a_limited_number_of_atoms() -> None:
    # In a separate node: this node still needs its budget.
    node = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "tools/erlpy", "-c", BUDGET_PROGRAM],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "ERL_FLAGS": ""},
    )
    assert node.returncode == 0, node.stderr
    assert node.stdout.startswith("Python has made 100000 new atoms, the most that this node")
