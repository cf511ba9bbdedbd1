# SPDX-License-Identifier: Apache-2.0
"""The accounts: one byte for each call, and the other side's count of executions.

The caller draws a token for each call, which travels in the arguments. The token's byte has the
kind of the call and its end. The called function notes, on its own side of the bridge, that this
token was executed. At the quiescent points the two sides are compared.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class Ending(IntEnum):
    """The end of a call; as in ``soak_ledger.erl``."""

    OPEN = 1
    VALUE = 2  # with the right value
    FAILED = 3  # the function failed as it should
    UNSURE = 4  # cancelled, timed out or killed: it may have been executed
    REFUSED = 5  # it was never executed


# How often a call with this end may have been executed.
EXECUTIONS = {
    Ending.VALUE: (1,),
    Ending.FAILED: (1,),
    Ending.UNSURE: (0, 1),
    Ending.REFUSED: (0,),
}

_ENDINGS = 8  # a byte is kind * 8 + ending
MOST_KINDS = 256 // _ENDINGS
_MOST_WRONG = 50


@dataclass
class Account:
    """All calls of one kind."""

    issued: int = 0
    executed: int = 0
    endings: Counter[Ending] = field(default_factory=Counter)

    @property
    def ended(self) -> int:
        return self.issued - self.endings[Ending.OPEN]


Accounts = dict[str, Account]


def settle(kinds: Sequence[str], states: bytes, executed: bytes, accounts: Accounts) -> list[str]:
    """Add the calls to the accounts; return the faults."""
    wrong = []
    if len(states) != len(executed):
        return [f"{len(states)} calls, but {len(executed)} counts of executions"]
    for (state, times), count in Counter(zip(states, executed, strict=True)).items():
        kind, number = kinds[state // _ENDINGS], state % _ENDINGS
        if not number:
            wrong.append(f"{count} calls were never begun")
            continue
        ending = Ending(number)
        account = accounts.setdefault(kind, Account())
        account.issued += count
        account.executed += times * count
        account.endings[ending] += count
        if ending is Ending.OPEN:
            wrong.append(f"{kind}: {count} calls never ended (executed {times} times)")
        elif times not in EXECUTIONS[ending]:
            wrong.append(f"{kind}: {count} calls ended with {ending.name}, executed {times} times")
    return wrong


class Ledger:
    """The calls that Python makes. Any thread may use it."""

    def __init__(self, kinds: Iterable[str], capacity: int) -> None:
        self.kinds = list(kinds)
        assert len(self.kinds) <= MOST_KINDS
        self.capacity = capacity
        self._numbers = {kind: number for number, kind in enumerate(self.kinds)}
        self._states = bytearray(capacity)
        self._lock = threading.Lock()  # guards _next
        self._next = 0
        self.wrong: list[str] = []

    @property
    def issued(self) -> int:
        """The number of calls that have begun since the last `take`."""
        return self._next

    def begin(self, kind: str, count: int = 1) -> int:
        """Begin calls; return the first call's token. The tokens of the other calls follow."""
        with self._lock:
            first = self._next
            self._next += count
        if first + count > self.capacity:
            raise RuntimeError("more calls than the ledger has room for")
        self._states[first : first + count] = self._byte(kind, Ending.OPEN) * count
        return first

    def end(self, kind: str, token: int, ending: Ending, count: int = 1) -> None:
        """End calls, each of which must be open."""
        span = slice(token, token + count)
        if self._states[span] != self._byte(kind, Ending.OPEN) * count:
            self.complain(f"{kind}: calls {token} and following ended twice")
        self._states[span] = self._byte(kind, ending) * count

    def end_wrong(self, kind: str, token: int, what: object, count: int = 1) -> None:
        """End calls that got a wrong result."""
        self.complain(f"{kind}: call {token} got {short(what)}")
        self.end(kind, token, Ending.UNSURE, count)

    def complain(self, text: str) -> None:
        if len(self.wrong) < _MOST_WRONG:
            self.wrong.append(text)

    def take(self) -> bytes:
        """Return the states of all calls; the next call begins at 0. Only while nothing runs."""
        states = bytes(self._states[: self._next])
        self._states[: self._next] = bytes(self._next)
        self._next = 0
        return states

    def _byte(self, kind: str, ending: Ending) -> bytes:
        return bytes((self._numbers[kind] * _ENDINGS + ending,))


def short(what: object) -> str:
    text = repr(what)
    return text if len(text) <= 300 else f"{text[:300]}... ({len(text)} characters)"
