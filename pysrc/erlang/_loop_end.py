# SPDX-License-Identifier: Apache-2.0
"""The end of a hosted loop: graceful, and where something refuses to stop, forced."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

import _erlang
from erlang._errors import Interrupted


class LoopEnd:
    """Ends one loop.

    `close` is for the loop's own thread, after the main coroutine: other tasks are cancelled, then
    asynchronous generators and the default executor are shut down, and connections that are open
    still are closed. `force` is for other threads, when nobody waits any longer: then tasks may
    refuse and code may spin, the loop ends.
    """

    # Seconds for a graceful end of the main coroutine, for which it may be waiting for others.
    GRACE = 1.0
    # Seconds after that for tasks that heed a cancellation, to clean up at once.
    HASTE = 0.5
    # Seconds, in all, until code is interrupted that gives the loop no chance to cancel it.
    PATIENCE = 2.0
    # How often tasks may follow on others that were cancelled; those that never end are left.
    ROUNDS = 10

    def __init__(self, loop: asyncio.AbstractEventLoop, cancel_main: Callable[[], None]) -> None:
        self._loop = loop
        self._cancel_main = cancel_main
        self._thread = threading.get_ident()
        # By force, with tasks left that are not done.
        self.stopped = False
        self._phase: asyncio.Task[None] | None = None
        self._ended = threading.Event()
        # Under this lock a forced end interrupts the thread only while it is still in the loop.
        self._lock = threading.Lock()
        # The one that the loop would make, known to us: uvloop does not show its own.
        self._executor: Executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
        loop.set_default_executor(self._executor)

    def force(self) -> None:
        """Asks politely once more, then insists; any thread, returns at once."""
        with contextlib.suppress(RuntimeError):  # closed meanwhile
            self._loop.call_soon_threadsafe(self._begin)
        threading.Thread(target=self._insist, name="erlang-loop-end", daemon=True).start()

    def close(self) -> None:
        """Ends what is left in the loop and closes it."""
        try:
            self._run(self._cancel_tasks, self._loop.shutdown_asyncgens, self._end_executor)
            self._abort_connections()
            self._cancel_latecomers()
        except Interrupted:
            pass  # by ourselves, and it has served its purpose
        finally:
            with self._lock:
                self._ended.set()
                _erlang.interrupt_thread(self._thread, None)
            asyncio.set_event_loop(None)
            self._loop.close()

    def _run(self, *phases: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            for phase in phases:
                if self.stopped:
                    break
                self._phase = self._loop.create_task(phase())
                self._complete(self._phase)
        except Interrupted:
            pass  # the loop can be closed nevertheless
        except RuntimeError:
            if not self.stopped:
                raise

    def _complete(self, phase: asyncio.Task[None]) -> None:
        while not phase.done():
            # What ends now may well exit, which stops the loop: the others are still to be ended.
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self._loop.run_until_complete(phase)

    def _cancel_latecomers(self) -> None:
        """Tasks that began since the others were cancelled, e.g. of a connection just accepted."""
        for _ in range(self.ROUNDS):
            if self.stopped or not asyncio.all_tasks(self._loop):
                break
            self._run(self._cancel_tasks)

    def _begin(self) -> None:
        self._cancel_main()
        self._loop.call_later(self.GRACE, self._hasten)

    def _hasten(self) -> None:
        """Cancels everything once more: whoever waits for others, gracefully, shall not."""
        for task in asyncio.all_tasks(self._loop):
            if task is not self._phase:
                task.cancel()
        self._loop.call_later(self.HASTE, self._stop)

    def _stop(self) -> None:
        self.stopped = True
        self._loop.stop()

    def _abort_connections(self) -> None:
        """Closes what asyncio would leave to the collector, its clients waiting; uvloop does not.

        They are told so, as they would be by the loop.
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
            # One turn of the loop.
            self._loop.call_soon(self._loop.stop)
            with contextlib.suppress(SystemExit, KeyboardInterrupt):
                self._loop.run_forever()

    def _insist(self) -> None:
        while not self._ended.wait(self.PATIENCE):
            with self._lock:
                if not self._ended.is_set():
                    _erlang.interrupt_thread(self._thread, Interrupted)

    async def _cancel_tasks(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
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
        # A user may have set another one, which asyncio's own loops show.
        executor = getattr(self._loop, "_default_executor", None) or self._executor
        ended = self._loop.create_future()

        def wait() -> None:
            executor.shutdown(wait=True)
            with contextlib.suppress(RuntimeError):  # the loop was stopped by force
                self._loop.call_soon_threadsafe(ended.set_result, None)

        # Not the loop's own shutdown_default_executor(): that can't be interrupted before 3.12.
        threading.Thread(target=wait, name="erlang-executor-end", daemon=True).start()
        await ended
