# SPDX-License-Identifier: Apache-2.0
"""What a binary becomes is a choice of the call, the function or the node, never of the data."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from erlang_side import Binaries, alike, echo, term

import erlang
from erlang import Atom

NOT_TEXT = [
    ("<<255>>", b"\xff"),
    ("<<16#ED, 16#A0, 16#80>>", b"\xed\xa0\x80"),
    ("<<16#C0, 16#80>>", b"\xc0\x80"),
    ("<<16#F4, 16#90, 16#80, 16#80>>", b"\xf4\x90\x80\x80"),
    ('<<"12345678é"/utf8, 16#E9>>', b"12345678\xc3\xa9\xe9"),
]

MIXED = '[<<"a">>, #{<<"k">> => {<<>>, [<<255>>]}}, {text, <<"t">>}, {bytes, <<"b">>}, ok]'
MIXED_AS_BYTES = [b"a", {b"k": (b"", [b"\xff"])}, "t", b"b", Atom("ok")]


@pytest.mark.parametrize(("text", "expected"), NOT_TEXT)
def test_a_binary_that_is_not_utf8_is_no_text(text: str, expected: bytes) -> None:
    with pytest.raises(
        TypeError, match=r"^result: the binary <<.* is not UTF-8 text; use binaries"
    ):
        term(text)
    with pytest.raises(TypeError, match=r"^result\['k'\]\[1\]: the binary "):
        term(f'#{{<<"k">> => [0, {text}]}}')
    with pytest.raises(TypeError, match=r"^result: the binary "):
        term(f"{{text, {text}}}", "bytes")
    assert alike(term(text, "bytes"), expected)
    assert alike(term(f"{{bytes, {text}}}", "text"), expected)


def test_bytes_never_convert_at_any_place() -> None:
    assert alike(term(MIXED, "bytes"), MIXED_AS_BYTES)
    with pytest.raises(TypeError, match=r"^result\[1\]\['k'\]\[1\]\[0\]: the binary <<255>> "):
        term(MIXED, "text")


def test_bytes_that_happen_to_be_utf8_stay_bytes() -> None:
    for first in range(256):
        for second in range(0, 256, 5):
            value = bytes((first, second))
            assert alike(echo(value, "bytes"), value)


@pytest.mark.parametrize("kind", ["call", "function", "function of bytes", "attribute"])
def test_each_way_to_call_takes_the_choice(kind: str) -> None:
    ways: dict[str, Callable[[], Any]] = {
        "call": lambda: erlang.call("echo", b"ab", binaries="bytes"),
        "function": lambda: erlang.function("echo")(b"ab", binaries="bytes"),
        "function of bytes": lambda: erlang.function("echo", binaries="bytes")(b"ab"),
        "attribute": lambda: erlang.echo(b"ab", binaries="bytes"),
    }
    assert alike(ways[kind](), b"ab")


async def test_each_way_to_await_takes_the_choice() -> None:
    assert alike(await erlang.async_call("echo", b"ab", binaries="bytes"), b"ab")
    assert alike(await erlang.async_call("echo", b"ab", binaries="text"), "ab")
    of_bytes = erlang.function("echo", binaries="bytes")
    assert alike(await of_bytes.aio(b"ab"), b"ab")
    assert alike(await of_bytes.aio(b"ab", binaries="text"), "ab")
    with pytest.raises(TypeError, match=r"^result: the binary <<255>> is not UTF-8 text"):
        await erlang.async_call("echo", b"\xff")


@pytest.mark.parametrize("registered", ["text", "bytes"])
def test_the_call_goes_before_the_registration(registered: Binaries) -> None:
    name = f"echo_{registered}"
    expected: dict[Binaries | None, object] = {"text": "ab", "bytes": b"ab"}
    expected[None] = expected[registered]
    for binaries, value in expected.items():
        assert alike(erlang.call(name, b"ab", binaries=binaries), value)


async def test_a_limited_or_waiting_call_keeps_its_choice() -> None:
    assert alike(await erlang.async_call("echo", b"ab", wait=True, binaries="bytes"), b"ab")
    in_thread = partial(erlang.call, "echo", b"ab", wait=False, timeout=20.0, binaries="bytes")
    assert alike(await asyncio.to_thread(in_thread), b"ab")


@pytest.mark.parametrize(("binaries", "reason"), [("text", "why"), ("bytes", b"why")])
def test_the_reason_of_a_failure_follows_the_choice(binaries: Binaries, reason: object) -> None:
    with pytest.raises(erlang.Error) as raised:
        erlang.call("conversion_fail", b"why", binaries=binaries)
    assert alike(raised.value.reason, reason)
    assert isinstance(raised.value.stacktrace[0], str)


def test_a_reason_that_is_no_text_does_not_hide_the_failure() -> None:
    with pytest.raises(erlang.Error) as raised:
        erlang.call("conversion_fail", b"\xff\x00")
    assert raised.value.reason == "<<255,0>>"
    with pytest.raises(erlang.Error) as raised:
        erlang.call("conversion_fail", b"\xff\x00", binaries="bytes")
    assert raised.value.reason == b"\xff\x00"


@pytest.mark.parametrize(
    ("binaries", "error"), [("str", ValueError), (b"text", TypeError), (str, TypeError)], ids=repr
)
def test_another_choice_is_refused(binaries: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^binaries must be 'text', 'bytes' or None"):
        erlang.call("echo", 1, binaries=binaries)
    with pytest.raises(ValueError, match=r"^binaries must be 'text', 'bytes' or None"):
        erlang.function("echo", binaries=binaries)


def test_functions_differ_by_their_choice() -> None:
    plain, of_bytes = erlang.function("echo"), erlang.function("echo", binaries="bytes")
    assert plain != of_bytes
    assert of_bytes == erlang.function("echo", binaries="bytes")
    assert len({plain, of_bytes, erlang.function("echo", binaries="bytes")}) == 2
    assert repr(of_bytes) == "erlang.function('echo', binaries='bytes')"
    assert repr(plain) == "erlang.function('echo')"
