# SPDX-License-Identifier: Apache-2.0
"""erlang.call on a thread whose loop is running works, blocks the loop, and warns once."""

import asyncio
import linecache
import warnings

import pytest

import erlang


@pytest.fixture(autouse=True)
def defaults() -> None:
    """As in a program, each place warns once. In the tests, warnings would be errors."""
    warnings.simplefilter("default")


async def test_each_place_warns_once(recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("default")
    for number in range(5):
        assert erlang.call("echo", number) == number
    assert erlang.call("echo", 5) == 5
    found = [w for w in recwarn.list if w.category is erlang.BlockingCallWarning]
    assert len(found) == 2
    assert found[0].lineno != found[1].lineno


async def test_the_warning_points_to_the_call_and_to_the_remedy(
    recwarn: pytest.WarningsRecorder,
) -> None:
    erlang.call("echo", 1)
    (found,) = recwarn.list
    assert found.filename == __file__
    assert "erlang.call" in linecache.getline(found.filename, found.lineno)
    assert "async_call" in str(found.message)


async def test_function_objects_warn_at_their_callers_place(
    recwarn: pytest.WarningsRecorder,
) -> None:
    erlang.function("echo")(1)
    (found,) = recwarn.list
    assert found.category is erlang.BlockingCallWarning
    assert found.filename == __file__


async def test_as_an_error_it_comes_before_anything_is_sent() -> None:
    warnings.simplefilter("error", erlang.BlockingCallWarning)
    before = erlang.stats()["calls"]
    with pytest.raises(erlang.BlockingCallWarning):
        erlang.call("echo", 1)
    assert erlang.stats()["calls"] == before


async def test_other_threads_do_not_warn(recwarn: pytest.WarningsRecorder) -> None:
    assert await asyncio.to_thread(erlang.call, "echo", 1) == 1
    assert not recwarn.list


async def test_neither_do_async_calls_nor_attributes(recwarn: pytest.WarningsRecorder) -> None:
    assert await erlang.echo.aio(1) == 1
    assert not recwarn.list


def test_without_a_running_loop_nothing_warns(recwarn: pytest.WarningsRecorder) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0))
    assert erlang.call("echo", 1) == 1
    loop.close()
    assert not recwarn.list
