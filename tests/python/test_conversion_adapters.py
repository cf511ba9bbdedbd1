# SPDX-License-Identifier: Apache-2.0
"""Objects whose classes have no Erlang type."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID

import pytest
from erlang_side import echo, is_same

import erlang
from erlang import Atom, register_adapter


class Level(Enum):
    LOW = 1
    HIGH = "high"
    NESTED = (1, UUID(int=7))


class Mode(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Address:
    street: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: Address
    tags: list[Any] = field(default_factory=list)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Level.LOW, "1"),
        (Level.HIGH, '<<"high">>'),
        (Level.NESTED, '{1, <<"00000000-0000-0000-0000-000000000007">>}'),
        (Mode.READ | Mode.WRITE, "3"),
        (datetime(2024, 2, 29, 12, 30, 5, 600), '<<"2024-02-29T12:30:05.000600">>'),
        (datetime(2024, 1, 1, tzinfo=UTC), '<<"2024-01-01T00:00:00+00:00">>'),
        (
            datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-5))),
            '<<"2024-01-01T00:00:00-05:00">>',
        ),
        (date(2024, 2, 29), '<<"2024-02-29">>'),
        (time(1, 2, 3), '<<"01:02:03">>'),
        (UUID(int=1), '<<"00000000-0000-0000-0000-000000000001">>'),
        (Decimal("1.50"), '<<"1.50">>'),
        (Decimal("NaN"), '<<"NaN">>'),
        (PurePosixPath("/a/é"), '<<"/a/é"/utf8>>'),
        (PureWindowsPath("c:/x"), '<<"c:\\\\x">>'),
        (Path("rel"), '<<"rel">>'),
        (
            Person("Ann", Address("Main"), [Decimal(1)]),
            '#{<<"name">> => <<"Ann">>, <<"tags">> => [<<"1">>],'
            '<<"address">> => #{<<"street">> => <<"Main">>, <<"number">> => none}}',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_built_in_adapters(value: object, text: str) -> None:
    assert is_same(value, text)


def test_fields_of_dataclasses_are_named_in_errors() -> None:
    person = Person("Ann", Address("Main"), [1, object()])
    with pytest.raises(TypeError, match=r"^args\[0\]\['p'\]\.tags\[1\]: 'object' objects"):
        echo({"p": person})


def test_classes_are_no_instances() -> None:
    with pytest.raises(TypeError, match="'type' objects have no Erlang value"):
        echo(Address)


def test_dataclass_that_contains_itself_is_refused() -> None:
    person = Person("Ann", Address("Main"))
    person.tags.append(person)
    with pytest.raises(ValueError, match=r"^args\[0\]\.tags\[0\]: the 'Person' here contains"):
        echo(person)


def test_registered_classes_and_those_derived_from_them_are_converted() -> None:
    class Shape:
        sides = 0

    class Square(Shape):
        sides = 4

    register_adapter(Shape, lambda shape: (Atom("shape"), shape.sides))
    assert echo([Shape(), {"k": Square()}]) == [(Atom("shape"), 0), {"k": (Atom("shape"), 4)}]


def test_the_nearest_class_and_the_latest_adapter_count() -> None:
    class Base:
        pass

    class Derived(Base):
        pass

    register_adapter(Derived, lambda _: "derived")
    register_adapter(Base, lambda _: "base")
    assert echo([Base(), Derived()]) == ["base", "derived"]
    register_adapter(Base, lambda _: "later")
    assert echo(Base()) == "later"


def test_abstract_classes_can_be_registered() -> None:
    class Settings(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return len(key)

        def __iter__(self) -> Iterator[str]:
            return iter(("a", "bb"))

        def __len__(self) -> int:
            return 2

    class Table(ABC):
        @abstractmethod
        def rows(self) -> int: ...

    Table.register(Settings)
    assert echo([Settings(), {"x": 1}]) == [{"a": 1, "bb": 2}, {"x": 1}]
    register_adapter(Table, lambda settings: sorted(settings))
    assert echo([Settings(), {"x": 1}]) == [["a", "bb"], {"x": 1}]


def test_an_adapter_goes_before_a_built_in_base() -> None:
    class Money(int):
        pass

    class Euro(Money):
        pass

    assert echo(Money(5)) == 5
    register_adapter(Money, lambda money: f"{int(money)} EUR")
    assert echo([Money(5), Euro(6), 7, True]) == ["5 EUR", "6 EUR", 7, True]


def test_an_adapter_goes_before_the_fields_of_a_dataclass() -> None:
    @dataclass
    class Point:
        x: int

    assert echo(Point(1)) == {"x": 1}
    register_adapter(Point, lambda point: (point.x,))
    assert echo(Point(1)) == (1,)


def test_what_an_adapter_returns_is_converted_in_turn() -> None:
    class Wrapper:
        def __init__(self, inner: object) -> None:
            self.inner = inner

    register_adapter(Wrapper, lambda wrapper: [wrapper.inner])
    assert echo(Wrapper(Wrapper({1}))) == [[[1]]]
    with pytest.raises(TypeError, match=r"^args\[0\]\[0\]\[0\]: 'object' objects"):
        echo(Wrapper(Wrapper(object())))


def test_exceptions_of_adapters_pass_with_a_note() -> None:
    class Failing:
        pass

    error = KeyError("why")

    def fail(_: Failing) -> object:
        raise error

    register_adapter(Failing, fail)
    with pytest.raises(KeyError) as raised:
        echo([1, {"k": Failing()}])
    assert raised.value is error
    assert error.__notes__ == ["while converting args[0][1]['k'] to an Erlang term"]


def test_exceptions_of_adapters_keep_their_context() -> None:
    class Failing:
        pass

    def fail(_: Failing) -> object:
        try:
            raise ValueError("first")
        except ValueError:
            raise LookupError("second") from None

    register_adapter(Failing, fail)
    try:
        raise OSError("outer")
    except OSError:
        with pytest.raises(LookupError) as raised:
            echo(Failing())
    assert isinstance(raised.value.__context__, ValueError)


def test_an_adapter_refuses_by_not_implemented() -> None:
    class Secret:
        pass

    register_adapter(Secret, lambda _: NotImplemented)
    with pytest.raises(TypeError, match=r"^args\[0\]: 'Secret' objects have no Erlang value"):
        echo(Secret())


def test_an_adapter_that_returns_its_argument_is_refused() -> None:
    class Same:
        pass

    register_adapter(Same, lambda same: same)
    with pytest.raises(ValueError, match="the 'Same' here contains itself"):
        echo(Same())


def test_an_adapter_without_end_is_refused() -> None:
    class Onion:
        pass

    register_adapter(Onion, lambda _: Onion())
    with pytest.raises(RecursionError, match="nested deeper than 1000 levels"):
        echo(Onion())


@pytest.mark.parametrize(
    ("cls", "function", "message"),
    [
        (1, str, "an adapter is for a class, not for 1"),
        (UUID, None, "the adapter for UUID can't be called: None"),
        (object, str, "object can't have an adapter: its conversion is fixed"),
        (int, str, "int can't have an adapter: its conversion is fixed"),
        (bool, str, "bool can't have an adapter: its conversion is fixed"),
        (dict, str, "dict can't have an adapter: its conversion is fixed"),
        (type(None), str, "NoneType can't have an adapter: its conversion is fixed"),
        (erlang.Atom, str, "Atom can't have an adapter: its conversion is fixed"),
        (erlang.Pid, str, "Pid can't have an adapter: its conversion is fixed"),
    ],
)
def test_wrong_registrations_are_refused(cls: Any, function: Any, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        register_adapter(cls, function)
    assert str(raised.value) == message


def test_an_adapter_can_call_erlang_itself() -> None:
    class Looked:
        pass

    register_adapter(Looked, lambda _: echo("up"))
    assert echo([Looked(), Looked()]) == ["up", "up"]


def test_threads_register_and_send_at_the_same_time() -> None:
    failures: list[BaseException] = []

    def register_and_send(start: Callable[[], object]) -> None:
        try:
            start()
            for number in range(100):
                cls = type(f"Made{number}", (), {})
                register_adapter(cls, lambda _, number=number: number)
                assert echo(cls()) == number
        except BaseException as error:
            failures.append(error)

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=register_and_send, args=(barrier.wait,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
