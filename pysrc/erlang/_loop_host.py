# SPDX-License-Identifier: Apache-2.0
"""The Python half of ``py_loop``: one event loop with a main coroutine on a thread of its own."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import _erlang
from erlang._containment import Contained, contained
from erlang._context import resolve
from erlang._errors import Interrupted
from erlang._gathering import gather, run_any
from erlang._loop_end import LoopEnd
from erlang._nesting import Mark
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
    is_stopping: bool = False

    def stop(self) -> None:
        self.is_stopping = True
        self.task.cancel()


# By their loop. A loop that is no longer here is ending.
_mains: dict[asyncio.AbstractEventLoop, Main] = {}


def run(
    owner: _erlang.Pid,
    kind: str,
    module: str | None,
    function: str | None,
    args: list[Any],
    kwargs: dict[str, Any],
) -> object:
    """Runs a loop until its main coroutine ends; returns that coroutine's value.

    The Erlang process ``owner`` gets ``{loop_ready, Channel}`` when the loop runs. Without a
    main coroutine the loop runs until `stop`.
    """
    run_loop_in_thread()
    try:
        return _run(str(kind), partial(_host, owner, module, function, args, kwargs))
    finally:
        # Closes sockets that the loop has lost, whose clients would wait until the next collection:
        # of tasks that refused to end, of connections that asyncio accepted just when its server
        # was closed (CPython gh-109564).
        gc.collect()


def _run(kind: str, host: Callable[[], Coroutine[Any, Any, object]]) -> object:
    abandoned = False
    end: LoopEnd | None = None

    def interrupt() -> None:
        nonlocal abandoned
        abandoned = True
        if end is not None:
            end.force()

    # From here on nothing is raised in this thread, e.g. while it makes the loop, which would stay
    # open for ever.
    _erlang.on_interrupt(interrupt)
    runner = asyncio.Runner(loop_factory=_loop_factory(kind))
    loop = runner.get_loop()
    end = LoopEnd(loop, partial(_cancel_main, loop))
    try:
        if abandoned:
            raise Interrupted
        return runner.run(host())
    except Contained as ending:
        raise ending.content from None
    except RuntimeError:
        if not end.stopped:
            raise
        return None  # nobody waits for it, and the error would keep the tasks
    finally:
        _mains.pop(loop, None)
        end.close()


def _cancel_main(loop: asyncio.AbstractEventLoop) -> None:
    main = _mains.get(loop)
    if main is not None:
        main.stop()


async def stop() -> None:
    """Cancels the main coroutine of the running loop."""
    _cancel_main(asyncio.get_running_loop())


def start_coroutine(request: Request, body: tuple[Any, ...], mark: Mark | None) -> None:
    """Starts ``(kind, ...)`` as the Erlang side has sent it, as a task that answers ``request``.

    The calling context is for this coroutine alone. ``mark`` is there when the request is nested.

    A loop that ends cancels its tasks and begins no more of them: nobody would end those. Their
    requests are dropped, which answers them.
    """
    loop = asyncio.get_running_loop()
    if loop not in _mains:
        return
    try:
        coroutine = contained(_KINDS[str(body[0])](*body[1:]))
        context = copy_context()
        task = loop.create_task(coroutine, context=context)
    except BaseException as error:
        request.fail(error)
        return
    request.begin(partial(loop.call_soon_threadsafe, task.cancel))
    # The answer is converted there, by adapters that see the coroutine's variables.
    task.add_done_callback(partial(_finish, request), context=context)
    if mark is not None:
        task.add_done_callback(lambda _: mark.clear())


async def _host(
    owner: _erlang.Pid,
    module: str | None,
    function: str | None,
    args: list[Any],
    kwargs: dict[str, Any],
) -> object:
    loop = asyncio.get_running_loop()
    main = Main(loop.create_task(contained(_main(module, function, args, kwargs))))
    _mains[loop] = main
    _erlang.send(owner, (_erlang.Atom("loop_ready"), _erlang.loop_channel()))
    try:
        return await main.task
    except asyncio.CancelledError:
        if main.is_stopping:
            return None
        raise


async def _main(
    module: str | None, function: str | None, args: list[Any], kwargs: dict[str, Any]
) -> object:
    if module is None or function is None:
        return await asyncio.get_running_loop().create_future()
    return await resolve(module, function)(*args, **kwargs)


def _coroutine(
    module: str, function: str, args: list[Any], kwargs: dict[str, Any]
) -> Coroutine[Any, Any, Any]:
    return resolve(module, function)(*args, **kwargs)  # type: ignore[no-any-return]


_KINDS: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
    "coroutine": _coroutine,
    "async": run_any,
    "gather": gather,
}


def _finish(request: Request, task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        # By the loop's end, else: then the request is dropped too.
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
