# SPDX-License-Identifier: Apache-2.0
"""Without a node the package can be imported, and what needs a node says so."""

import asyncio
import inspect
from collections.abc import Callable

import pytest

import erlang


async def start_call() -> None:
    await erlang.async_call("echo", 1)


async def start_map() -> None:
    await erlang.map("echo", [1])


@pytest.mark.parametrize(
    "use",
    [
        lambda: erlang.call("echo", 1),
        lambda: erlang.function("echo")(1),
        lambda: erlang.echo(1),
        lambda: erlang.send("init", 1),
        lambda: erlang.stats(),
        lambda: erlang.registered(),
        lambda: asyncio.run(start_call()),
        lambda: asyncio.run(start_map()),
    ],
)
def test_what_needs_a_node_says_what_to_do(use: Callable[[], object]) -> None:
    with pytest.raises(erlang.NoNode, match=r"start the program by erlpy, .*erlang\.testing\.fake"):
        use()
    assert issubclass(erlang.NoNode, RuntimeError)


def test_a_name_cannot_be_imported() -> None:
    with pytest.raises(erlang.NoNode):
        from erlang import echo  # noqa: F401


def test_tools_that_probe_the_package_are_not_disturbed() -> None:
    assert not hasattr(erlang, "__wrapped__")
    assert not hasattr(erlang, "_private")
    assert inspect.getdoc(erlang)


def test_dir_shows_the_public_names_only() -> None:
    names = {*erlang.__all__, "__version__"}
    assert names <= {*dir(erlang)} <= names | {"hosting", "testing"}


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"timeout": "1"}, TypeError, "timeout must be a number of seconds or None, not str"),
        ({"timeout": float("nan")}, ValueError, "not nan"),
        ({"timeout": 10**400}, ValueError, "timeout must be between"),
        ({"wait": 1}, TypeError, "wait must be True, False or None, not int"),
        ({"other": 1}, TypeError, "unexpected keyword argument 'other'"),
    ],
)
def test_bad_arguments_are_refused_first(
    arguments: dict[str, object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        erlang.call("echo", 1, **arguments)  # type: ignore[arg-type]


def test_a_name_must_be_text() -> None:
    with pytest.raises(TypeError, match="name must be str, not bytes"):
        erlang.call(b"echo")  # type: ignore[arg-type]


def test_async_call_needs_a_loop() -> None:
    with pytest.raises(RuntimeError, match="needs a running event loop"):
        erlang.async_call("echo", 1)
