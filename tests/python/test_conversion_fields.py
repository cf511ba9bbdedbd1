# SPDX-License-Identifier: Apache-2.0
"""Classes of other packages with named fields, and containers that are not lists or dicts."""

from collections import ChainMap, UserDict, deque
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs
import pydantic
import pydantic.dataclasses
import pytest
from conftest import Node
from erlang_side import alike, echo, is_same
from multidict import CIMultiDict
from starlette.datastructures import Headers

import erlang


class Address(pydantic.BaseModel):
    street: str
    number: int | None = None


class Customer(pydantic.BaseModel):
    name: str
    since: datetime
    addresses: list[Address] = []
    balance: Decimal = Decimal("0.10")
    password: str = pydantic.Field("secret", exclude=True)

    @pydantic.computed_field
    def greeting(self) -> str:
        return f"Hello, {self.name}"


class Temperatures(pydantic.RootModel[list[float]]):
    pass


class Anything(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    value: Any


@pydantic.dataclasses.dataclass
class Checked:
    number: int


@attrs.define
class Point:
    x: float
    y: object = None


@attrs.frozen
class Segment:
    start: Point
    end: Point


ANN = Customer(name="Ann", since=datetime(2024, 2, 29), addresses=[Address(street="Main")])
ANN_IN_ERLANG = {
    "name": "Ann",
    "since": "2024-02-29T00:00:00",
    "addresses": [{"street": "Main", "number": None}],
    "balance": "0.10",
    "greeting": "Hello, Ann",
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ANN, ANN_IN_ERLANG),
        ({"customers": (ANN, [ANN])}, {"customers": (ANN_IN_ERLANG, [ANN_IN_ERLANG])}),
        (Temperatures([1.5]), [1.5]),
        (Checked(3), {"number": 3}),
        (Segment(Point(1.0), Point(2.0, [ANN])), {
            "start": {"x": 1.0, "y": None}, "end": {"x": 2.0, "y": [ANN_IN_ERLANG]},
        }),
        (deque([1, (2,)], maxlen=5), [1, (2,)]),
        (deque(), []),
        (range(5, 0, -2), [5, 3, 1]),
        (range(0), []),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (ChainMap({"a": 1}, {"a": 2, "b": 3}), {"a": 1, "b": 3}),
        (UserDict(a=deque([1])), {"a": [1]}),
        (Headers({"accept": "*"}), {"accept": "*"}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_it_becomes_a_map_or_a_list(value: object, expected: object) -> None:
    assert alike(echo(value), expected)


def test_the_keys_of_a_map_are_binaries() -> None:
    assert is_same(Point(1.0), '#{<<"x">> => 1.0, <<"y">> => none}')
    assert is_same(Address(street="é"), '#{<<"street">> => <<"é"/utf8>>, <<"number">> => none}')


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (Point(1.0, [object()]), "args[0].y[0]"),
        (Segment(Point(1.0), Point(1.0, {"k": object()})), "args[0].end.y['k']"),
        (Anything(value=[object()]), "args[0].value[0]"),
        (deque([1, object()]), "args[0][1]"),
        (MappingProxyType({"k": object()}), "args[0]['k']"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_place_in_it_is_named(value: object, place: str) -> None:
    with pytest.raises(TypeError) as raised:
        echo(value)
    assert str(raised.value).startswith(f"{place}: 'object' objects have no Erlang value")


@pytest.mark.parametrize("cls", [Customer, Point, Checked, range, deque])
def test_classes_themselves_are_refused(cls: type) -> None:
    with pytest.raises(TypeError, match="objects have no Erlang value"):
        echo(cls)


@pytest.mark.parametrize(
    "headers",
    [CIMultiDict([("a", "1"), ("a", "2")]), Headers(raw=[(b"a", b"1"), (b"a", b"2")])],
    ids=lambda headers: type(headers).__name__,
)
def test_a_mapping_never_loses_a_value(headers: Any) -> None:
    with pytest.raises(TypeError, match=r"several values for one key; send list\(x.items\(\)\)"):
        echo(headers)
    assert echo(list(headers.items())) == [("a", "1"), ("a", "2")]


def test_an_adapter_goes_before_the_fields() -> None:
    @attrs.define
    class Secret:
        word: str

    class Model(pydantic.BaseModel):
        word: str

    assert echo([Secret("a"), Model(word="b")]) == [{"word": "a"}, {"word": "b"}]
    erlang.register_adapter(Secret, lambda _: "hidden")
    erlang.register_adapter(Model, lambda model: model.word)
    assert echo([Secret("a"), Model(word="b")]) == ["hidden", "b"]


def test_structs_of_msgspec_are_maps() -> None:
    msgspec = pytest.importorskip("msgspec")
    struct = msgspec.defstruct("Struct", [("name", str), ("inner", Any, None)], rename="camel")
    assert echo(struct("a", struct("b"))) == {
        "name": "a",
        "inner": {"name": "b", "inner": None},
    }
    with pytest.raises(TypeError, match=r"^args\[0\]\.inner\[0\]: 'object' objects"):
        echo(struct("a", [object()]))


def test_no_package_is_imported_for_a_conversion(node: Node) -> None:
    program = """
import sys
from dataclasses import dataclass
import erlang
@dataclass
class Own:
    x: int
erlang.call("erlang_list", Own(1), range(2), {1: {2}})
found = {"attrs", "attr", "msgspec", "pydantic", "numpy", "pandas"} & {*sys.modules}
assert not found, found
"""
    done = node.run("--erl", "py:register_function(erlang_list, fun(_) -> ok end)", "-c", program)
    assert done.returncode == 0, done.stderr
