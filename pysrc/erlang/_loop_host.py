# SPDX-License-Identifier: Apache-2.0
"""The Python half of ``py_loop``: one event loop with a main coroutine on a thread of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

import _erlang
from erlang._context import resolve


class Request(Protocol):
    """The native object that answers an Erlang process."""

    def answer(self, value: object, /) -> None: ...
    def fail(self, exception: BaseException, /) -> None: ...
    def begin(self, cancel: Callable[[], object], /) -> None: ...


# Main coroutines by their loop, for stop().
_mains: dict[asyncio.AbstractEventLoop, asyncio.Task[Any]] = {}


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
    runner = asyncio.Runner(loop_factory=_loop_factory(str(kind)))
    loop = runner.get_loop()
    forced = _ForcedEnd(loop)
    _erlang.on_interrupt(partial(loop.call_soon_threadsafe, forced.begin))
    try:
        return runner.run(_host(owner, module, function, args, kwargs))
    finally:
        _mains.pop(loop, None)
        forced.close(runner)


class _ForcedEnd:
    """For a loop whose owner is gone or has waited long enough: tasks may refuse, it ends."""

    # Seconds for the tasks that do heed their cancellation.
    GRACE = 1.0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._stopped = False

    def begin(self) -> None:
        """Asks politely once more; called in the loop."""
        main = _mains.get(self._loop)
        if main is not None:
            main.cancel()
        self._loop.call_later(self.GRACE, self._stop)

    def _stop(self) -> None:
        self._stopped = True
        self._loop.stop()

    def close(self, runner: asyncio.Runner) -> None:
        """Ends what is left in the loop, which nothing that refuses can hold up for ever."""
        try:
            if not self._stopped:
                runner.close()
        except RuntimeError:
            if not self._stopped:
                raise
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()


async def stop() -> None:
    """Cancels the main coroutine of the running loop."""
    main = _mains.get(asyncio.get_running_loop())
    if main is not None:
        main.cancel()


def start_coroutine(request: Request, body: tuple[Any, ...]) -> None:
    """Starts ``(coroutine, module, function, args, kwargs)`` as a task that answers ``request``."""
    _, module, function, args, kwargs = body
    loop = asyncio.get_running_loop()
    try:
        task = loop.create_task(_as_coroutine(resolve(module, function)(*args, **kwargs)))
    except BaseException as error:
        request.fail(error)
        return
    request.begin(partial(loop.call_soon_threadsafe, task.cancel))
    task.add_done_callback(partial(_finish, request))


async def _host(
    owner: _erlang.Pid,
    module: str | None,
    function: str | None,
    args: list[Any],
    kwargs: dict[str, Any],
) -> object:
    loop = asyncio.get_running_loop()
    main = loop.create_task(_main(module, function, args, kwargs))
    _mains[loop] = main
    _erlang.send(owner, (_erlang.Atom("loop_ready"), _erlang.loop_channel()))
    try:
        return await main
    except asyncio.CancelledError:
        return None  # stop() asked for it


async def _main(
    module: str | None, function: str | None, args: list[Any], kwargs: dict[str, Any]
) -> object:
    if module is None or function is None:
        return await asyncio.get_running_loop().create_future()
    return await resolve(module, function)(*args, **kwargs)


async def _as_coroutine(value: Coroutine[Any, Any, Any]) -> object:
    return await value


def _finish(request: Request, task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        request.fail(asyncio.CancelledError("the coroutine was cancelled"))
    elif (error := task.exception()) is not None:
        request.fail(error)
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
