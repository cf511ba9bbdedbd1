# SPDX-License-Identifier: Apache-2.0
"""The type table, row by row, both ways."""

import math
from collections import OrderedDict, defaultdict, namedtuple
from enum import IntEnum, IntFlag, StrEnum
from types import SimpleNamespace

import pytest
from erlang_side import alike, echo, is_same, term

import erlang
from erlang import Atom

Point = namedtuple("Point", "x y")


class Number(int):
    pass


class Text(str):
    __slots__ = ()


class Colour(IntEnum):
    RED = 7


class Access(IntFlag):
    READ = 1
    WRITE = 2


class Word(StrEnum):
    YES = "yes"


class Wrapped(StrEnum):
    """A str that is not its own value."""

    VALUE = "text"

    def __new__(cls, text: str) -> "Wrapped":
        member = str.__new__(cls, text)
        member._value_ = 42
        return member


ERLANG_TO_PYTHON = [
    ("0", 0),
    ("-1", -1),
    ("1 bsl 59", 1 << 59),
    ("(1 bsl 63) - 1", (1 << 63) - 1),
    ("-(1 bsl 63)", -(1 << 63)),
    ("1 bsl 63", 1 << 63),
    ("-(1 bsl 63) - 1", -(1 << 63) - 1),
    ("1 bsl 64", 1 << 64),
    ("-(1 bsl 2040)", -(1 << 2040)),
    ("1.5", 1.5),
    ("0.0", 0.0),
    ("-0.0", -0.0),
    ("1.7976931348623157e308", 1.7976931348623157e308),
    ("true", True),
    ("false", False),
    ("none", None),
    ("nil", None),
    ("undefined", None),
    ("ok", Atom("ok")),
    ("'hello world'", Atom("hello world")),
    ("''", Atom("")),
    ("'été'", Atom("été")),
    ("'日本'", Atom("日本")),
    ("<<>>", ""),
    ('<<"text">>', "text"),
    ('<<"x">>', "x"),
    ('<<"naïve 日本 😀"/utf8>>', "naïve 日本 😀"),
    ('<<"with", 0, "nul">>', "with\0nul"),
    ('{bytes, <<"text">>}', b"text"),
    ("{bytes, <<>>}", b""),
    ("{bytes, 1}", (Atom("bytes"), 1)),
    ("{bytes, <<1>>, 2}", (Atom("bytes"), "\x01", 2)),
    ('{text, <<"é"/utf8>>}', "é"),
    ("{text, [1]}", (Atom("text"), [1])),
    ("[]", []),
    ('"ab"', [97, 98]),
    ("[1, [2], {}]", [1, [2], ()]),
    ("{}", ()),
    ("{ok, 1}", (Atom("ok"), 1)),
    ("#{}", {}),
    ('#{<<"k">> => [1], 2 => #{}}', {"k": [1], 2: {}}),
    ("#{key => 1, {1, 2} => none}", {Atom("key"): 1, (1, 2): None}),
    ("maps:from_list([{X, X} || X <- lists:seq(1, 1000)])", {x: x for x in range(1, 1001)}),
]


@pytest.mark.parametrize(("text", "expected"), ERLANG_TO_PYTHON)
def test_erlang_terms_become_python_values(text: str, expected: object) -> None:
    assert alike(term(text), expected)


PYTHON_TO_ERLANG = [
    (0, "0"),
    (-(1 << 63) - 1, "-(1 bsl 63) - 1"),
    (1 << 64, "1 bsl 64"),
    (1.5, "1.5"),
    (-0.0, "-0.0"),
    (math.nan, "nan"),
    (math.inf, "infinity"),
    (-math.inf, "neg_infinity"),
    (True, "true"),
    (False, "false"),
    (None, "none"),
    (Atom("ok"), "ok"),
    (Atom("true"), "true"),
    (Atom("undefined"), "undefined"),
    (Atom("日本"), "'日本'"),
    ("", "<<>>"),
    ("naïve 日本 😀", '<<"naïve 日本 😀"/utf8>>'),
    (b"\xff\x00", "<<255, 0>>"),
    (bytearray(b"ab"), '<<"ab">>'),
    (memoryview(b"abcdef"), '<<"abcdef">>'),
    (memoryview(b"abcdef")[::-2], '<<"fdb">>'),
    (memoryview(bytearray(8)).cast("i", (2, 1)), "<<0:64>>"),
    ([], "[]"),
    ([1, "two"], '[1, <<"two">>]'),
    ((), "{}"),
    ((1, (2,)), "{1, {2}}"),
    ({}, "#{}"),
    ({"k": 1, 2: None, (1, "x"): []}, '#{<<"k">> => 1, 2 => none, {1, <<"x">>} => []}'),
    ({1}, "[1]"),
    (frozenset({"a"}), '[<<"a">>]'),
    (set(), "[]"),
    ({x: x for x in range(1000)}, "maps:from_list([{X, X} || X <- lists:seq(0, 999)])"),
    (Number(5), "5"),
    (Number(1 << 70), "1 bsl 70"),
    (Text("t"), '<<"t">>'),
    (Text("é"), '<<"é"/utf8>>'),
    (Point(1, 2), "{1, 2}"),
    (OrderedDict(a=1), '#{<<"a">> => 1}'),
    (defaultdict(int, {1: 2}), "#{1 => 2}"),
    (Colour.RED, "7"),
    (Access.READ | Access.WRITE, "3"),
    (Word.YES, '<<"yes">>'),
    (Wrapped.VALUE, "42"),
    ([True, 1, 1.0], "[true, 1, 1.0]"),
]


@pytest.mark.parametrize(
    ("value", "text"), PYTHON_TO_ERLANG, ids=[text for _, text in PYTHON_TO_ERLANG]
)
def test_python_values_become_erlang_terms(value: object, text: str) -> None:
    assert is_same(value, text)


@pytest.mark.parametrize(
    "text",
    ["self()", "make_ref()", "fun(X) -> X end", "fun erlang:abs/1", "hd(erlang:ports())"],
)
def test_terms_without_a_python_twin_come_back_as_themselves(text: str) -> None:
    value = term(text)
    assert type(value) in (erlang.Pid, erlang.Ref, erlang.Fun, erlang.Port)
    assert echo([value, {value: value}]) == [value, {value: value}]


def test_pid_of_another_node_comes_back_as_itself() -> None:
    # node(), number, serial and creation in the external term format.
    text = 'binary_to_term(<<131, 88, 119, 5, "a@b.c", 7:32, 0:32, 1:32>>)'
    pid = term(text)
    assert type(pid) is erlang.Pid
    assert is_same(pid, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1 | 2]", "result: there is no Python value for the improper list [1|2]"),
        ("{a, [x, <<1:3>>]}", "result[1][1]: there is no Python value for the bitstring <<1:3>>"),
        ('#{<<"k">> => [0, 0, 0, [1 | 2]]}', "result['k'][3]: "),
        ("#{key => {1, <<1:1>>}}", "result['key'][1]: "),
        ("#{{[1]} => 2}", "result: there is no Python value for the map with the unhashable key"),
        ("#{#{} => 2}", "unhashable key #{}"),
        ("#{[1 | 2] => 2}", r"list(result)[0]: "),
        ("#{1 => a, 1.0 => b}", "result: there is no Python value for the map with two keys"),
        ('#{a => 1, <<"a">> => 2}', 'keys that are equal in Python, one of them <<"a">>'),
        ("#{none => 1, undefined => 2}", "two keys that are equal in Python, one of them"),
    ],
)
def test_terms_without_a_python_value_are_refused(text: str, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        term(text)
    assert message in str(raised.value)


def test_refused_terms_are_shown_shortened() -> None:
    with pytest.raises(TypeError) as raised:
        term("[lists:seq(1, 100000) | x]")
    assert "[[1,2,3," in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "value",
    [object(), 1j, ..., int, len, SimpleNamespace(), iter([]), NotImplemented],
    ids=lambda value: type(value).__name__,
)
def test_python_values_without_an_erlang_value_are_refused(value: object) -> None:
    with pytest.raises(TypeError) as raised:
        echo({"k": [1, 2, 3, value]})
    assert str(raised.value).startswith("args[0]['k'][3]: '")
    assert f"{type(value).__name__}' objects have no Erlang value" in str(raised.value)
