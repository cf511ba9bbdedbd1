# SPDX-License-Identifier: Apache-2.0
"""Registered functions as callables: erlang.function, attributes, imports."""

import asyncio
import functools
import importlib
import inspect
import pickle
import sys
from collections.abc import Iterator

import pytest

import erlang


@pytest.fixture
def late() -> Iterator[str]:
    """A name that the test registers later."""
    yield "registered_late"
    erlang.call("unregister_name", "registered_late")


def test_a_function_object_calls() -> None:
    double_it = erlang.function("double_it")
    assert double_it(21) == 42
    assert double_it(21, timeout=30) == 42
    assert list(map(double_it, range(3))) == [0, 2, 4]


async def test_a_function_object_awaits() -> None:
    double_it = erlang.function("double_it")
    assert await double_it.aio(21) == 42
    assert await double_it.aio(21, timeout=30) == 42
    with pytest.raises(erlang.Timeout):
        await erlang.function("slow").aio(60_000, timeout=0.01)


def test_tools_see_that_aio_is_to_be_awaited() -> None:
    double_it = erlang.function("double_it")
    # Later versions deprecate asyncio's own function.
    tell = inspect if sys.version_info >= (3, 12) else asyncio
    assert tell.iscoroutinefunction(double_it.aio)
    assert not tell.iscoroutinefunction(double_it)
    if sys.version_info >= (3, 12):
        assert inspect.iscoroutinefunction(functools.partial(double_it.aio, 21))


def test_function_objects_compare_by_name_and_tell_it() -> None:
    assert erlang.function("a") == erlang.function("a")
    assert erlang.function("a") != erlang.function("b")
    assert len({erlang.function("a"), erlang.function("a")}) == 1
    assert repr(erlang.function("a")) == "erlang.function('a')"
    assert erlang.function("a").__name__ == "a"


def test_function_objects_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(erlang.function("double_it")))(21) == 42


def test_a_function_may_be_registered_later_or_anew(late: str) -> None:
    function = erlang.function(late)
    with pytest.raises(erlang.UndefinedFunction, match=late):
        function(21)
    erlang.call("register_name", late, "double_it")
    assert function(21) == 42
    erlang.call("register_name", late, "add_one")
    assert function(21) == 22


def test_a_name_must_be_text() -> None:
    with pytest.raises(TypeError):
        erlang.function(1)  # type: ignore[arg-type]


def test_registered_functions_are_attributes() -> None:
    assert erlang.double_it(21) == 42
    assert erlang.double_it == erlang.function("double_it")


async def test_attributes_can_be_awaited() -> None:
    assert await erlang.double_it.aio(21) == 42


def test_registered_functions_can_be_imported() -> None:
    from erlang import double_it

    assert double_it(21) == 42


def test_an_attribute_appears_and_goes_with_its_registration(late: str) -> None:
    assert not hasattr(erlang, late)
    erlang.call("register_name", late, "double_it")
    assert getattr(erlang, late)(21) == 42
    erlang.call("unregister_name", late)
    assert not hasattr(erlang, late)


def test_other_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="not_registered"):
        _ = erlang.not_registered


def test_other_names_cannot_be_imported() -> None:
    with pytest.raises(ImportError, match="not_registered"):
        from erlang import not_registered  # noqa: F401


def test_modules_that_are_not_there_cannot_be_imported() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("erlang.not_registered")


def test_tools_that_probe_modules_are_not_misled() -> None:
    for name in ("__wrapped__", "__path_hooks__", "__deepcopy__", "__file_name__", "_private"):
        assert not hasattr(erlang, name)
    assert inspect.unwrap(erlang) is erlang  # type: ignore[arg-type]
    assert inspect.getmodule(erlang.function) is not None
    assert inspect.getdoc(erlang)


def test_python_names_come_before_registered_ones() -> None:
    assert erlang.call("register_name", "call", "double_it")
    try:
        assert erlang.call("echo", 1) == 1
        assert erlang.function("call")(21) == 42
    finally:
        erlang.call("unregister_name", "call")


def test_names_need_not_be_identifiers(late: str) -> None:
    name = "Zähler/größer als 1 🦔"
    erlang.call("register_name", name, "double_it")
    try:
        assert erlang.call(name, 21) == 42
        assert getattr(erlang, name)(21) == 42
    finally:
        erlang.call("unregister_name", name)


@pytest.mark.parametrize("name", ["", "$", "x" * 100_000, "nul\0", "$is_registered "])
def test_odd_names_are_undefined_functions_and_no_more(name: str) -> None:
    with pytest.raises(erlang.UndefinedFunction):
        erlang.call(name, 1)


def test_a_name_with_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        erlang.call("\ud800", 1)
