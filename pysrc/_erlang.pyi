# SPDX-License-Identifier: Apache-2.0
"""The native half of the package `erlang`, built into the node; only that package uses it."""

from collections.abc import Callable, Mapping
from typing import Any

from erlang import Atom as Atom
from erlang import Fun as Fun
from erlang import Pid as Pid
from erlang import Port as Port
from erlang import Ref as Ref
from erlang import async_call as async_call
from erlang import call as call
from erlang import send as send
from erlang import stats as stats

def call_for_caller(
    name: str, /, *args: object, timeout: float | None = None, wait: bool | None = None
) -> Any:
    """`call`, for a Python function that stands in for it: warnings point to its caller."""

def ask(name: str, /, *args: object, timeout: float | None = None) -> Any:
    """`call` without the warning, for the package's own short questions."""

def loop_channel() -> Ref:
    """The channel of the running loop, as Erlang knows it."""

def on_interrupt(cancel: Callable[[], object], /) -> bool:
    """Sets what to call when nobody waits for the running request any longer."""

def interrupt_thread(ident: int, exception: type[BaseException] | None, /) -> None:
    """Raises it in another thread as soon as that runs Python code; ``None`` takes it back."""

def keep_context(keep: bool, /) -> None:
    """Whether the next requests on this thread share their context variables."""

def after_fork_in_child() -> None:
    """Marks the module as unusable."""

def bind_package(parts: Mapping[str, object], /) -> None:
    """Takes what the package supplies."""
