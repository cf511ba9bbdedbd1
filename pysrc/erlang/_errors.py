# SPDX-License-Identifier: Apache-2.0
"""The exceptions and warnings of the bridge."""

from collections.abc import Sequence


class Error(RuntimeError):
    """An Erlang function failed.

    Attributes:
        kind: ``'error'``, ``'exit'`` or ``'throw'``, as Erlang calls it.
        reason: What it failed with, converted.
        function: The name it was called by.
        stacktrace: Erlang's stack, one line a frame; also a note of the exception.
    """

    kind: str
    reason: object
    function: str
    stacktrace: list[str]

    def __init__(
        self,
        text: str,
        *,
        kind: str = "error",
        reason: object = None,
        function: str = "",
        stacktrace: Sequence[str] = (),
    ) -> None:
        super().__init__(text)
        self.kind = kind
        self.reason = reason
        self.function = function
        self.stacktrace = list(stacktrace)
        if self.stacktrace:
            self.add_note("Erlang stack:\n" + "\n".join(f"  {line}" for line in self.stacktrace))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args[0], self.__dict__)


class UndefinedFunction(Error):
    """No function is registered under that name."""


class Timeout(Error, TimeoutError):
    """The call's ``timeout`` ran out; the Erlang process that worked on it is stopped."""


class Disconnected(Error, ConnectionError):
    """Whoever worked on the call died or is shutting down."""


class Overloaded(Error):
    """As many calls are in flight as may: in the node, or of that function."""


class Interrupted(BaseException):
    """Nobody waits for this code any longer.

    Its ``py:call`` timed out, its caller died, or the application stops. A ``BaseException``, so
    that code which survives every ``Exception`` stops all the same. Raised once for each request,
    so that code which cleans up after it can call Erlang; and once more when that, or what has
    swallowed it, has not ended a second later.
    """


class BlockingCallWarning(RuntimeWarning):
    """``erlang.call`` was used on a thread whose event loop is running, and blocked it."""


_CLASSES: dict[str, type[Error]] = {
    "undefined_function": UndefinedFunction,
    "timeout": Timeout,
    "disconnected": Disconnected,
    "overloaded": Overloaded,
}


def make_error(
    kind: str, function: str, reason: object, text: str, stacktrace: Sequence[str]
) -> Error:
    """The exception for a failed call; ``text`` is the reason as Erlang prints it."""
    cls = _CLASSES.get(kind)
    if cls is None:
        return Error(
            f"{function}: {kind}: {text}",
            kind=str(kind),
            reason=reason,
            function=function,
            stacktrace=stacktrace,
        )
    return cls(
        f"{function}: {text}",
        kind="exit" if kind == "disconnected" else "error",
        reason=reason,
        function=function,
        stacktrace=stacktrace,
    )


def _rebuild(cls: type[Error], text: str, attributes: dict[str, object]) -> Error:
    error = cls(text)
    error.__dict__.update(attributes)
    return error
