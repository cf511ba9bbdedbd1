# SPDX-License-Identifier: Apache-2.0
"""The end of a loop by force, with interruptions at the worst moments."""

import asyncio
import threading
from collections.abc import Callable

import pytest
import uvloop

from erlang._errors import Interrupted
from erlang._loop_end import LoopEnd


def nothing() -> None:
    """The exception came inside the turn, before the first callback."""


def leave() -> None:
    """The exception came in the code around the turn."""
    raise Interrupted


@pytest.mark.parametrize("interruption", [nothing, leave])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_interruption_of_the_last_turn_leaves_no_task_of_ours(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
    interruption: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    hanging = threading.Event()
    left: list[set[asyncio.Task[object]]] = []

    def run() -> None:
        loop = new_loop()
        end = LoopEnd(loop, lambda: None)
        end.stopped = True
        end.HASTE = 0.001  # type: ignore[misc]
        loop.run_in_executor(None, hanging.wait)
        turn = end._turn

        def interrupted_turn() -> None:
            end._turn = turn  # type: ignore[method-assign]
            left.append(asyncio.all_tasks(loop))
            interruption()

        end._turn = interrupted_turn  # type: ignore[method-assign]
        end.close(None)
        left.append(asyncio.all_tasks(loop))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    hanging.set()
    assert [len(tasks) for tasks in left] == [1, 0]
    assert "was destroyed" not in caplog.text
