# SPDX-License-Identifier: Apache-2.0
"""The awaitable that ``async_call`` returns."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from erlang._task_acceptance import let_tasks_take

T = TypeVar("T")


if TYPE_CHECKING:
    # For type checkers only: without this they refuse `create_task(call)`.
    class _Future(asyncio.Future[T], Coroutine[Any, Any, T]): ...
else:
    _Future = asyncio.Future


class Call(_Future[T]):
    """A call of an Erlang function that is under way: a future of the running loop.

    A call is no coroutine, but ``create_task`` and ``TaskGroup.create_task`` take it. Cancelling
    the call stops the Erlang process that works on it.
    """

    # Slots: a dictionary would take most of the memory of a call in flight. The native side sets
    # the slots of a call that is under way. A call that was refused has none.
    __slots__ = ("_channel", "_id")
    _channel: Any
    _id: int

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the future and stop the Erlang process. False if the call is done already."""
        if not super().cancel(msg):
            return False
        if hasattr(self, "_channel"):
            self._channel.forget(self._id)
        return True

    def _expire_after(self, seconds: float) -> None:
        # A call that was refused has ended.
        if not self.done():
            expire = self._channel.expire
            timer = self.get_loop().call_later(seconds, expire, self._id, seconds)
            self.add_done_callback(lambda _: timer.cancel())

    # A task needs these methods of a coroutine. `send` is missing: with `send` a call would be a
    # coroutine. Several tasks may run one call, so the methods keep no state of a task.

    def __next__(self) -> Any:
        """Wait for the result, as ``await`` does."""
        if not self.done():
            self._asyncio_future_blocking = True
            return self
        raise StopIteration(self.result())

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        """Raise in the place of the wait, as a task does when it is cancelled."""
        error = typ if isinstance(typ, BaseException) else val
        if not isinstance(error, BaseException):
            error = typ() if val is None else typ(val)  # type: ignore[operator]
        if isinstance(error, asyncio.CancelledError):
            # A task that is cancelled before its first step does not wait for this future yet.
            self.cancel()
        raise error if tb is None else error.with_traceback(tb)

    def close(self) -> None:
        """Stop the call. A task group that refuses a call does this."""
        self.cancel()


let_tasks_take(Call, "erlang.async_call()")
