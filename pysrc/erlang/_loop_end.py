# SPDX-License-Identifier: Apache-2.0
"""The end of a hosted loop: graceful, or forced if something refuses to stop."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import _erlang
from erlang._errors import Interrupted

_logger = logging.getLogger("erlang")


class LoopEnd:
    """Ends one loop.

    `close` runs on the loop's own thread, after the main coroutine. It cancels the other tasks,
    shuts down asynchronous generators and the default executor, and closes the open connections.
    `force` runs on other threads, when nobody waits any longer. Then the loop ends even if tasks
    refuse to end or code spins.
    """

    # Seconds for a graceful end of the main coroutine, which may wait for other tasks.
    GRACE = 1.0
    # Seconds after that in which cancelled tasks may clean up.
    HASTE = 0.5
    # Seconds, in all, until code is interrupted that does not let the loop cancel it.
    PATIENCE = 2.0
    # How often new tasks may follow cancelled ones. Tasks that never end are left.
    ROUNDS = 10

    def __init__(self, loop: asyncio.AbstractEventLoop, cancel_main: Callable[[], None]) -> None:
        self._loop = loop
        self._cancel_main = cancel_main
        self._thread = _erlang.this_thread()
        # Ended by force, with tasks that are not done.
        self.stopped = False
        self._phase: asyncio.Task[None] | None = None
        self._ended = threading.Event()
        # Held while the loop's thread is interrupted: only as long as the loop runs.
        self._lock = threading.Lock()
        # Stands for the loop's default executor: uvloop does not show its own.
        self._executor: Executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
        loop.set_default_executor(self._executor)

    def force(self) -> None:
        """Asks the loop once more to end, then interrupts it. Any thread; returns at once."""
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._loop.call_soon_threadsafe(self._begin)
        threading.Thread(target=self._insist, name="erlang-loop-end", daemon=True).start()

    def close(self, limit: float | None) -> None:
        """Ends the rest of the loop and closes the loop.

        Uses force after ``limit`` seconds. With None, somebody else enforces the end.
        """
        if limit is not None:
            threading.Thread(
                target=self._limit, args=[limit], name="erlang-loop-limit", daemon=True
            ).start()
        try:
            for phase in (self._cancel_tasks, self._loop.shutdown_asyncgens, self._end_executor):
                self._run(phase)
            self._abort_connections()
            self._cancel_latecomers()
            self._report_left()
        except Interrupted:
            pass  # by ourselves, and has served its purpose
        finally:
            with contextlib.suppress(Interrupted):
                self._finish_phase()
            with self._lock:
                self._ended.set()
                _erlang.settle_interruption()
            asyncio.set_event_loop(None)
            self._loop.close()

    def _limit(self, seconds: float) -> None:
        if not self._ended.wait(seconds):
            self.force()

    def _run(self, phase: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Completes one phase. After a forced end, a phase does not delay the next one."""
        task = self._phase = self._loop.create_task(phase())
        try:
            self._complete(task)
        except Interrupted:
            pass  # the loop can be closed all the same
        except RuntimeError:
            if not self.stopped:
                raise
        self._finish_phase()

    def _finish_phase(self) -> None:
        """Ends our own task of the phase, if an interruption or a forced end has left the task."""
        for _ in range(self.ROUNDS):
            if self._phase is None or self._phase.done():
                break
            self._phase.cancel()
            self._turn()  # an interruption may come before the task's step

    def _complete(self, phase: asyncio.Task[None]) -> None:
        attempts = self.ROUNDS
        while not phase.done() and attempts > 0:
            limit = None
            if self.stopped:
                # Each attempt has its own limit: an interruption may come just after the last
                # limit.
                limit = self._loop.call_later(self.HASTE, self._loop.stop)
                attempts -= 1
            try:
                # A task that ends now may exit or be interrupted. The others must still end.
                with contextlib.suppress(SystemExit, KeyboardInterrupt):
                    self._loop.run_until_complete(phase)
            finally:
                if limit is not None:
                    limit.cancel()

    def _cancel_latecomers(self) -> None:
        """Cancels tasks that began since the others were cancelled, e.g. of a new connection."""
        for _ in range(self.ROUNDS):
            if self.stopped or not asyncio.all_tasks(self._loop):
                break
            self._run(self._cancel_tasks)

    def _report_left(self) -> None:
        if left := asyncio.all_tasks(self._loop):
            names = ", ".join(sorted(_name(task) for task in left))
            _logger.warning(
                "a hosted loop is closed although tasks ignored their cancellation: %s", names
            )

    def _begin(self) -> None:
        self._cancel_main()
        self._loop.call_later(self.GRACE, self._hasten)

    def _hasten(self) -> None:
        """Cancels all tasks once more: those that gracefully wait for others must stop."""
        for task in asyncio.all_tasks(self._loop):
            if task is not self._phase:
                task.cancel()
        self._loop.call_later(self.HASTE, self._stop)

    def _stop(self) -> None:
        self.stopped = True
        self._loop.stop()

    def _abort_connections(self) -> None:
        """Closes connections that asyncio would leave to the garbage collector; uvloop does not.

        Their protocols are told, as they would be by the loop.
        """
        transports: Iterable[asyncio.BaseTransport] = list(
            getattr(self._loop, "_transports", {}).values()
        )
        for transport in transports:
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
            else:
                transport.close()
        if transports:
            self._turn()

    def _turn(self) -> None:
        """One turn of the loop."""
        self._loop.call_soon(self._loop.stop)
        with contextlib.suppress(SystemExit, KeyboardInterrupt):
            self._loop.run_forever()

    def _insist(self) -> None:
        while not self._ended.wait(self.PATIENCE):
            with self._lock:
                if not self._ended.is_set():
                    _erlang.interrupt_thread(self._thread)

    async def _cancel_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                self._loop.call_exception_handler(
                    {
                        "message": "unhandled exception in a task that was cancelled",
                        "exception": error,
                        "task": task,
                    }
                )

    async def _end_executor(self) -> None:
        # A user may have set another executor. asyncio's own loops show it.
        executor = getattr(self._loop, "_default_executor", None) or self._executor
        ended = self._loop.create_future()

        def wait() -> None:
            executor.shutdown(wait=True)
            with contextlib.suppress(RuntimeError):  # the loop was ended by force
                self._loop.call_soon_threadsafe(ended.set_result, None)

        # Not the loop's own shutdown_default_executor(): before 3.12 nothing can interrupt it.
        threading.Thread(target=wait, name="erlang-executor-end", daemon=True).start()
        await ended


def _name(task: asyncio.Task[Any]) -> str:
    coroutine = getattr(task.get_coro(), "__qualname__", "?")
    return f"{task.get_name()} ({coroutine})"
