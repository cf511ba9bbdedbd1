# SPDX-License-Identifier: Apache-2.0
"""When many replies arrive for a loop at once, its other callbacks run in between."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from conftest import LoopFactory

import erlang

pytestmark = pytest.mark.channel

CALLS = 5_000
# The upper limit of calls that end before other callbacks run, with some room for changes.
MOST = 500
# In seconds: the time for all calls on a busy machine.
LIMIT = 30


async def waiting_calls(count: int) -> tuple[erlang.Pid, list[asyncio.Future[int]]]:
    """Calls that are all in progress, and the gate at which they wait."""
    gate: erlang.Pid = await erlang.async_call("open_gate")
    calls = [erlang.async_call("pass_gate", gate, number) for number in range(count)]
    assert await erlang.async_call("everybody_at_gate", gate, count) == count
    return gate, calls


def answer_all(gate: erlang.Pid) -> None:
    """Answer all calls before the loop looks at the first reply: the loop's thread waits here."""
    with pytest.warns(erlang.BlockingCallWarning):
        assert erlang.call("empty_gate", gate)


async def turns_until_done(calls: Sequence[asyncio.Future[Any]]) -> list[int]:
    """The number of calls that ended in each turn of the loop."""
    ended = 0

    def count(_: object) -> None:
        nonlocal ended
        ended += 1

    for call in calls:
        call.add_done_callback(count)
    turns = []
    async with asyncio.timeout(LIMIT):
        while sum(turns) < len(calls):
            before = ended
            await asyncio.sleep(0)
            turns.append(ended - before)
    return turns


async def first_of(calls: Sequence[asyncio.Future[Any]]) -> None:
    """Wait until some calls have ended and the loop is about to end more."""
    done, _ = await asyncio.wait(calls, timeout=LIMIT, return_when=asyncio.FIRST_COMPLETED)
    assert done


async def test_replies_that_come_at_once_end_in_many_turns() -> None:
    gate, calls = await waiting_calls(CALLS)
    answer_all(gate)
    assert not any(call.done() for call in calls)
    turns = await turns_until_done(calls)
    assert max(turns) <= MOST
    assert [call.result() for call in calls] == list(range(CALLS))


async def test_calls_whose_handler_dies_end_in_many_turns() -> None:
    _, calls = await waiting_calls(CALLS)
    killing = erlang.async_call("kill_handler")
    calls.append(killing)
    turns = await turns_until_done(calls)
    assert max(turns) <= MOST
    errors = [call.exception() for call in calls]
    assert {type(error) for error in errors} == {erlang.Disconnected}


def calls_out_of_time(gate: object, count: int, seconds: float) -> list[asyncio.Future[int]]:
    """Calls whose timeout passes before the loop looks again: the loop's thread waits here."""
    calls = [erlang.async_call("pass_gate", gate, each, timeout=seconds) for each in range(count)]
    time.sleep(seconds)
    return calls


async def expired_calls(count: int) -> list[asyncio.Future[int]]:
    return calls_out_of_time(await erlang.async_call("open_gate"), count, 0.2)


async def test_calls_that_run_out_of_time_at_once_end_in_many_turns() -> None:
    calls = await expired_calls(CALLS)
    turns = await turns_until_done(calls)
    assert max(turns) <= MOST
    errors = {repr(call.exception()) for call in calls}
    assert errors == {"Timeout('pass_gate: no reply within 0.2 s')"}


async def test_calls_out_of_time_can_be_cancelled_until_they_have_failed() -> None:
    calls = await expired_calls(CALLS)
    await first_of(calls)
    cancelled = [call for call in calls if call.cancel()]
    assert 0 < len(cancelled) < CALLS
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ends} == {erlang.Timeout, asyncio.CancelledError}
    assert sum(isinstance(end, asyncio.CancelledError) for end in ends) == len(cancelled)
    assert await erlang.async_call("echo", "after all") == "after all"
    assert erlang.stats()["in_flight"] == 0


async def test_a_call_made_while_others_still_end_is_answered() -> None:
    gate, calls = await waiting_calls(CALLS)
    answer_all(gate)
    await first_of(calls)
    later = erlang.async_call("echo", "later")
    assert not calls[-1].done()
    assert await later == "later"
    # In the order of their arrival.
    assert calls[-1].done()
    assert await asyncio.gather(*calls) == list(range(CALLS))


async def test_calls_made_while_a_dead_handlers_still_end_get_another_one() -> None:
    _, calls = await waiting_calls(CALLS)
    killing = erlang.async_call("kill_handler")
    await first_of(calls)
    assert not all(call.done() for call in calls)
    assert await erlang.async_call("echo", "another") == "another"
    ends = await asyncio.gather(killing, *calls, return_exceptions=True)
    assert {type(end) for end in ends} == {erlang.Disconnected}


async def test_calls_cancelled_before_their_replies_are_looked_at_are_stale() -> None:
    gate, calls = await waiting_calls(CALLS)
    stale = erlang.stats()["stale"]
    answer_all(gate)
    await first_of(calls)
    cancelled = [call for call in calls if call.cancel()]
    assert 0 < len(cancelled) < CALLS
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(end, asyncio.CancelledError) for end in ends) == len(cancelled)
    assert await erlang.async_call("echo", "after all") == "after all"
    assert erlang.stats()["stale"] == stale + len(cancelled)


def test_a_loop_that_ends_between_two_turns_leaves_nothing(loop_factory: LoopFactory) -> None:
    async def main() -> list[asyncio.Future[int]]:
        gate, calls = await waiting_calls(CALLS)
        answer_all(gate)
        await first_of(calls)
        return calls

    loop = loop_factory()
    try:
        calls = loop.run_until_complete(main())
    finally:
        loop.close()
    assert not all(call.done() for call in calls)
    assert erlang.stats()["in_flight"] == 0
