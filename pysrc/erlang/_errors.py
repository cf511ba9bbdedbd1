# SPDX-License-Identifier: Apache-2.0
"""The exceptions and warnings of the bridge."""

from collections.abc import Sequence


class Error(RuntimeError):
    """An Erlang function failed.

    Attributes:
        kind: The class of the failure in Erlang: ``'error'``, ``'exit'`` or ``'throw'``.
        reason: The reason of the failure, converted to Python.
        function: The name under which the function was called.
        stacktrace: Erlang's stack, one line for each frame. The exception has it as a note too.
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
    """No Erlang function is registered under this name."""


class Timeout(Error, TimeoutError):
    """The call's ``timeout`` ran out. The Erlang process that worked on the call is stopped."""


class Disconnected(Error, ConnectionError):
    """The Erlang process that worked on the call died, or the application has stopped."""


class Overloaded(Error):
    """Too many calls are in flight: in the node, or of this function."""


class NoNode(RuntimeError):
    """There is no Erlang node here: this Python is neither in a node nor a child process of one.

    Start the program by ``erlpy``, or as a child of a node whose ``python_processes`` is true.
    Tests use `erlang.testing.fake`.
    """


class Interrupted(KeyboardInterrupt):
    """The running code is interrupted: nobody waits for its result.

    Its ``py:call`` timed out, its caller died, or the application stops. The class is a
    ``KeyboardInterrupt`` because much code catches every ``Exception``, and event loops let only
    this class out of a callback. Each request gets the exception once, so that the clean-up can
    call Erlang. If the code has not ended a second later, the exception comes again.
    """


class BlockingCallWarning(RuntimeWarning):
    """``erlang.call`` blocked the event loop that runs in its thread."""


_CLASSES: dict[str, type[Error]] = {
    "undefined_function": UndefinedFunction,
    "timeout": Timeout,
    "disconnected": Disconnected,
    "overloaded": Overloaded,
}


def make_error(
    kind: str,
    function: str,
    reason: object,
    text: str,
    stacktrace: Sequence[str],
    item: int | None = None,
) -> Error:
    """Returns the exception for a failed call; ``text`` is the reason as Erlang prints it.

    ``item`` is the index of the item with which a map failed.
    """
    error = _error(kind, function, reason, text, stacktrace)
    if item is not None:
        name_item(error, item)
    return error


def name_item(error: BaseException, item: int) -> None:
    """Notes the index of the item with which a map failed."""
    error.add_note(f"The call for item {item} failed. The calls for the other items are stopped.")


def _error(kind: str, function: str, reason: object, text: str, stacktrace: Sequence[str]) -> Error:
    cls = _CLASSES.get(kind)
    if cls is None:
        # An Elixir exception is printed as in Elixir: "** (ArgumentError) ...".
        what = text if text.startswith("** (") else f"{kind}: {text}"
        return Error(
            f"{function}: {what}",
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
