# SPDX-License-Identifier: Apache-2.0
"""The awaitable that ``async_call`` returns."""

import asyncio
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from erlang._errors import make_error

T = TypeVar("T")


if TYPE_CHECKING:
    # What Coroutine.register() below says at run time, where the two can't be bases together.
    class _Future(asyncio.Future[T], Coroutine[Any, Any, T]): ...
else:
    _Future = asyncio.Future


class Call(_Future[T]):
    """A call of an Erlang function that is under way: a future of the loop that made it.

    It is also accepted where a coroutine is asked for (``create_task``, ``TaskGroup``). Cancelling
    it stops the Erlang process that works on the call.
    """

    # Slots, since a dictionary for each call in flight would be most of what it weighs. The native
    # side sets the first two once the call is under way; a call that was refused has neither.
    __slots__ = ("_channel", "_id", "_iterator")
    _channel: Any
    _id: int
    _iterator: Generator[Any, None, T]

    def cancel(self, msg: Any | None = None) -> bool:
        """Cancel the future and stop the Erlang process; false when it is done already."""
        if not super().cancel(msg):
            return False
        self._forget()
        return True

    def _expire_after(self, seconds: float, function: str) -> None:
        timer = self.get_loop().call_later(seconds, self._expire, function)
        self.add_done_callback(lambda _: timer.cancel())

    def _expire(self, function: str) -> None:
        if self.done():
            return
        self._forget()
        self.set_exception(make_error("timeout", function, None, "no reply in time", ()))

    def _forget(self) -> None:
        """Nobody waits any longer: the Erlang side stops its work."""
        if hasattr(self, "_channel"):
            self._channel.forget(self._id)

    # What a task needs of a coroutine: it drives the future's own iterator.

    def send(self, value: None) -> Any:
        """Advance the wait for the result, as ``await`` does."""
        return self._steps().send(value)

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        """Raise in the place of the wait, as a task does when it is cancelled."""
        cls = type(typ) if isinstance(typ, BaseException) else typ
        if issubclass(cls, asyncio.CancelledError):
            # A task that is cancelled before its first step has not come to wait for us yet.
            self.cancel()
        if isinstance(typ, BaseException):
            return self._steps().throw(typ)
        if val is None:
            return self._steps().throw(typ())
        return self._steps().throw(typ, val, tb)

    def close(self) -> None:
        """Stop waiting. The call itself goes on: ``cancel`` stops it."""
        if hasattr(self, "_iterator"):
            self._iterator.close()

    def _steps(self) -> Generator[Any, None, T]:
        if not hasattr(self, "_iterator"):
            self._iterator = self.__await__()
        return self._iterator


Coroutine.register(Call)
