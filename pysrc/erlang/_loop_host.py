# SPDX-License-Identifier: Apache-2.0
"""The Python half of ``py_loop``: an event loop with a main coroutine on a thread of its own."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any, Protocol

import _erlang
from erlang._cancellations import Cancellations
from erlang._containment import Contained, contained
from erlang._errors import Interrupted
from erlang._gathering import gather, run_any
from erlang._late_connections import close_late_connections
from erlang._loop_end import LoopEnd
from erlang._namespace import Invocation, invoke
from erlang._nesting import Mark
from erlang._stop_time import StopTime, of_loops
from erlang._thread_names import run_loop_in_thread


class Request(Protocol):
    """The native object that answers an Erlang process."""

    def answer(self, value: object, /) -> None: ...
    def fail(self, exception: BaseException, /) -> None: ...
    def begin(self, cancel: Callable[[], object], /) -> None: ...


@dataclass
class Main:
    """A loop's main coroutine, and whether it was asked to stop."""

    task: asyncio.Task[Any]
    # Cancels coroutines that nobody waits for any longer.
    cancellations: Cancellations
    is_stopping: bool = False

    def stop(self) -> None:
        self.is_stopping = True
        self.task.cancel()


# The main coroutine of each loop. A loop that is missing here is ending.
_mains: dict[asyncio.AbstractEventLoop, Main] = {}


def run(owner: _erlang.Pid, kind: str, name: str, stop_timeout: int, *main: Any) -> object:
    """Runs the loop ``name`` until its main coroutine ends, and returns that coroutine's value.

    The Erlang process ``owner`` gets ``{loop_ready, Channel}`` when the loop runs. ``main`` has the
    parts of an `Invocation`. Without a main coroutine the loop runs until `stop`, which has
    ``stop_timeout`` milliseconds.
    """
    run_loop_in_thread(name)
    try:
        host = partial(_host, owner, Invocation(*main) if main else None)
        return _run(str(kind), StopTime(stop_timeout / 1000), host)
    finally:
        # Closes sockets that the loop has lost: those of tasks that refused to end. Their clients
        # would wait until the next collection.
        gc.collect()


def _run(kind: str, stop_time: StopTime, host: Callable[[], Coroutine[Any, Any, object]]) -> object:
    abandoned = False
    end: LoopEnd | None = None

    def interrupt() -> None:
        nonlocal abandoned
        abandoned = True
        if end is not None:
            end.force()

    # From here on nothing is raised in this thread. An exception while the loop is being made would
    # leave the loop open for ever.
    _erlang.on_interrupt(interrupt)
    runner = asyncio.Runner(loop_factory=_loop_factory(kind))
    loop = runner.get_loop()
    close_late_connections(loop)
    end = LoopEnd(loop, partial(_cancel_main, loop))
    of_loops[loop] = stop_time
    try:
        if abandoned:
            raise Interrupted
        return runner.run(host())
    except Contained as ending:
        raise ending.content from None
    except RuntimeError:
        if not end.stopped:
            raise
        return None  # nobody waits for the error, which would keep the tasks alive
    finally:
        _mains.pop(loop, None)
        try:
            end.close(stop_time.limit())
        finally:
            del of_loops[loop]


def _cancel_main(loop: asyncio.AbstractEventLoop) -> None:
    main = _mains.get(loop)
    if main is not None:
        main.stop()


async def stop(timeout: int, since: int) -> None:
    """Cancels the main coroutine of the running loop.

    Force ends the loop ``timeout`` milliseconds after ``since``, by the system's clock.
    """
    loop = asyncio.get_running_loop()
    of_loops[loop].begin(timeout / 1000, since / 1000)
    _cancel_main(loop)


def start_coroutine(request: Request, body: tuple[Any, ...], mark: Mark | None) -> None:
    """Starts the request ``(kind, ...)`` of the Erlang side as a task that answers ``request``.

    The calling context belongs to this coroutine alone. ``mark`` is not None if the request is
    nested.

    A loop that is ending cancels its tasks and starts no new ones, since nothing would end those.
    It drops their requests, which answers them.
    """
    loop = asyncio.get_running_loop()
    main = _mains.get(loop)
    if main is None:
        return
    try:
        # A function that begins slowly counts for this turn of the loop.
        begun = _KINDS[str(body[0])](*body[1:])
        context = copy_context()
        task = loop.create_task(contained(_awaitable, begun), context=context)
    except BaseException as error:
        request.fail(error)
        return
    request.begin(partial(main.cancellations.add, task))
    # This converts the answer, with adapters that see the coroutine's variables.
    task.add_done_callback(partial(_finish, request, begun), context=context)
    if mark is not None:
        task.add_done_callback(lambda _: mark.clear())


async def _host(owner: _erlang.Pid, invocation: Invocation | None) -> object:
    loop = asyncio.get_running_loop()
    main = Main(loop.create_task(contained(_main, invocation)), Cancellations(loop))
    _mains[loop] = main
    _erlang.loop_ready(owner)
    try:
        return await main.task
    except asyncio.CancelledError:
        if main.is_stopping:
            return None
        raise


async def _main(invocation: Invocation | None) -> object:
    if invocation is None:
        return await asyncio.get_running_loop().create_future()
    return await invocation.invoke()


def _begun(*invocation: Any) -> Awaitable[Any]:
    value = invoke(*invocation)
    return value if isawaitable(value) else _itself(value)


def _in_task(*invocation: Any) -> Coroutine[Any, Any, Any]:
    return run_any(Invocation(*invocation))


# The kinds of ``py_nif:loop_request()``.
_KINDS: dict[str, Callable[..., Awaitable[Any]]] = {
    "coroutine": _begun,
    "async": _in_task,
    "gather": gather,
    "stop": stop,
}


def _awaitable(begun: Awaitable[object]) -> Awaitable[object]:
    return begun


async def _itself(value: object) -> object:
    return value


def _finish(request: Request, begun: Awaitable[object], task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        if asyncio.iscoroutine(begun):
            begun.close()  # a task that was cancelled before its first step has never awaited it
        # Otherwise the loop's end has cancelled the task. Then the request is dropped too.
        if task.get_loop() in _mains:
            request.fail(asyncio.CancelledError("the coroutine was cancelled"))
    elif (error := task.exception()) is not None:
        request.fail(error.content if isinstance(error, Contained) else error)
    else:
        request.answer(task.result())


def _loop_factory(kind: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if kind == "asyncio":
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        if kind == "uvloop":
            raise
        return asyncio.new_event_loop
    return uvloop.new_event_loop
