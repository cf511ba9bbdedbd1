# SPDX-License-Identifier: Apache-2.0
"""Each failure in Erlang is a clear exception, and the next call works."""

import asyncio

import pytest

import erlang

pytestmark = pytest.mark.channel

CASES = {
    "kill_self": (("kill_self",), erlang.Disconnected, "kill_self: .*killed|gone"),
    "exit_normally": (("exit_normally",), erlang.Error, "exit_normally: exit: normal"),
    "unregistered": (("no_such_function", 1), erlang.UndefinedFunction, "no_such_function"),
    "throws": (("throw_it", "a ball"), erlang.Error, 'throw_it: throw: <<"a ball">>'),
    "exits": (("exit_with", (1, [2])), erlang.Error, r"exit_with: exit: \{1,\[2\]\}"),
    "fails": (("fail_with", {"k": 1}), erlang.Error, r"fail_with: error: #\{<<\"k\">> => 1\}"),
    "wrong arguments": (("double_it", 1, 2), erlang.Error, "double_it: error: function_clause"),
    "improper result": (("improper",), TypeError, r"result\[1\]\['k'\]"),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[tuple[object, ...], type, str]:
    """A call, its end, and the text of its exception."""
    return CASES[request.param]


def test_a_call_that_fails_in_a_thread(case: tuple[tuple[str, ...], type[Exception], str]) -> None:
    call, error, text = case
    with pytest.raises(error, match=text):
        erlang.call(*call)
    assert erlang.call("double_it", 21) == 42


async def test_a_call_that_fails_in_a_loop(
    case: tuple[tuple[str, ...], type[Exception], str],
) -> None:
    call, error, text = case
    with pytest.raises(error, match=text):
        await erlang.async_call(*call)
    assert await erlang.async_call("double_it", 21) == 42


async def test_failures_among_others_stay_with_their_calls() -> None:
    calls = [
        erlang.async_call("kill_self" if n % 3 == 0 else "echo", *([n] if n % 3 else []))
        for n in range(60)
    ]
    results = await asyncio.gather(*calls, return_exceptions=True)
    for n, result in enumerate(results):
        if n % 3:
            assert result == n
        else:
            assert isinstance(result, erlang.Disconnected)


async def test_the_end_of_a_loops_handler_ends_all_its_calls(tag: str) -> None:
    waiting = [erlang.async_call("wait_forever", f"{tag}/{n}") for n in range(10)]
    pids = [await erlang.async_call("await_published", f"{tag}/{n}", 5000) for n in range(10)]
    results = await asyncio.gather(
        erlang.async_call("kill_handler"), *waiting, return_exceptions=True
    )
    assert [type(result) for result in results] == [erlang.Disconnected] * 11
    # The next call gets another handler, and the work of the former handler has ended.
    assert await erlang.async_call("double_it", 21) == 42
    for pid in pids:
        assert await erlang.async_call("await_end", pid, 5000)


def test_maybe_fail_is_a_runtime_error_that_names_reason_and_argument() -> None:
    assert erlang.call("maybe_fail", 1) == 1
    with pytest.raises(RuntimeError, match=r"maybe_fail: error: \{too_large,11\}") as caught:
        erlang.call("maybe_fail", 11)
    assert caught.value.__notes__[0].startswith("Erlang stack:")
    assert "bridge_probes:maybe_fail" in caught.value.__notes__[0]


def test_2_000_unknown_names_make_no_atoms() -> None:
    erlang.call("counts")
    before = erlang.call("counts")["atoms"]
    for number in range(1000):
        with pytest.raises(erlang.UndefinedFunction):
            erlang.call(f"unknown_name_{number}")
        assert not hasattr(erlang, f"unknown_attribute_{number}")
    assert erlang.call("counts")["atoms"] == before


async def test_2_000_unknown_names_in_a_loop_make_no_atoms() -> None:
    await erlang.async_call("counts")
    before = (await erlang.async_call("counts"))["atoms"]
    calls = [erlang.async_call(f"unknown_async_name_{number}") for number in range(2000)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {erlang.UndefinedFunction}
    assert (await erlang.async_call("counts"))["atoms"] == before


def test_arguments_that_cannot_be_converted_are_named() -> None:
    with pytest.raises(TypeError, match=r"args\[0\]\['k'\]\[3\]"):
        erlang.call("echo", {"k": [0, 1, 2, object()]})
    with pytest.raises(TypeError, match=r"args\[1\]"):
        erlang.call("add", 1, object())
    assert erlang.call("echo", 1) == 1
