# SPDX-License-Identifier: Apache-2.0
"""Calls that block a thread: `erlang.call` in all its ways, chosen at random."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random

import targets
from ledger import Ending, Ledger

import erlang

KINDS = (
    "thread_call thread_function thread_attribute thread_payload thread_failing thread_killed"
    " thread_unregistered thread_timeout thread_nested thread_send thread_churn thread_log"
    " executor short_thread"
).split()
MOST_PAYLOAD = 5_000_000

Act = Callable[["ThreadLoad"], None]

_echo = erlang.function("soak_echo")
_logger = logging.getLogger("soak")


def _call_echo(value: object, token: int) -> object:
    return erlang.call("soak_echo", token, value)


def payload(random: Random, token: int) -> bytes:
    """From nothing to 5 MB, all magnitudes alike, recognizable."""
    size = int(MOST_PAYLOAD ** random.random()) - 1
    return (token.to_bytes(7, "big") + b"\xff") * (size // 8)


class ThreadLoad:
    """The work of one thread; must not be shared."""

    def __init__(self, ledger: Ledger, random: Random, kind: str = "thread_call") -> None:
        self.ledger = ledger
        self.random = random
        self.kind = kind

    def act_each(self) -> None:
        """Perform each act once, in any order."""
        for act in self.random.sample(_ACTS, len(_ACTS)):
            act(self)

    def act(self) -> None:
        self.random.choices(_ACTS, _WEIGHTS)[0](self)

    def expect(self, kind: str, call: Callable[[int], object], value: object = None) -> None:
        """Make one call. Its value is the list of its token and of `value`, if any."""
        token = self.ledger.begin(kind)
        try:
            result = call(token)
        except Exception as error:
            self.ledger.end_wrong(kind, token, error)
            return
        if result == ([token] if value is None else [token, value]):
            self.ledger.end(kind, token, Ending.VALUE)
        else:
            self.ledger.end_wrong(kind, token, result)

    def expect_error(
        self, kind: str, ending: Ending, error: type[erlang.Error], call: Callable[[int], object]
    ) -> None:
        token = self.ledger.begin(kind)
        try:
            result = call(token)
        except erlang.Error as caught:
            right = type(caught) is error
            if right and error is erlang.Error:
                right = caught.reason == ("soak", token)
            if right:
                self.ledger.end(kind, token, ending)
            else:
                self.ledger.end_wrong(kind, token, caught)
        else:
            self.ledger.end_wrong(kind, token, result)

    def calls(self) -> None:
        for _ in range(self.random.randint(5, 50)):
            value = self.random.random()
            self.expect(self.kind, partial(_call_echo, value), value)

    def function(self) -> None:
        for _ in range(self.random.randint(5, 50)):
            self.expect("thread_function", lambda token: _echo(token, "ä"), "ä")

    def attribute(self) -> None:
        self.expect("thread_attribute", lambda token: erlang.soak_echo(token, [1, {}]), [1, {}])

    def payload(self) -> None:
        data = payload(self.random, self.random.randrange(1 << 50))
        self.expect(
            "thread_payload",
            lambda token: erlang.call("soak_echo", token, data, binaries="bytes"),
            data,
        )

    def failing(self) -> None:
        self.expect_error(
            "thread_failing",
            Ending.FAILED,
            erlang.Error,
            lambda token: erlang.call("soak_fail", token),
        )

    def killed(self) -> None:
        self.expect_error(
            "thread_killed",
            Ending.FAILED,
            erlang.Disconnected,
            lambda token: erlang.call("soak_kill", token),
        )

    def unregistered(self) -> None:
        self.expect_error(
            "thread_unregistered",
            Ending.REFUSED,
            erlang.UndefinedFunction,
            lambda token: erlang.call("soak_no_such_function", token),
        )

    def timeout(self) -> None:
        name = self.random.choice(["soak_sleep", "soak_sleep", "soak_sleep", "soak_trap"])
        seconds = self.random.uniform(0.0, 0.01)
        self.expect_error(
            "thread_timeout",
            Ending.UNSURE,
            erlang.Timeout,
            lambda token: erlang.call(name, token, 60_000, timeout=seconds),
        )

    def nested(self) -> None:
        depth = self.random.randint(0, 3)
        self.expect("thread_nested", lambda token: erlang.call("soak_nested", token, depth), depth)

    def send(self) -> None:
        """A check at the quiescent point sees whether the message arrived."""
        for _ in range(10):
            token = self.ledger.begin("thread_send")
            erlang.send("soak_mailbox", token)
            self.ledger.end("thread_send", token, Ending.VALUE)

    def churn(self) -> None:
        """Register and remove functions repeatedly, under few names."""
        name = f"soak_thread_{threading.get_ident() % 97}_{id(self)}"
        erlang.call("soak_register", name)
        self.expect("thread_churn", lambda token: erlang.call(name, token))
        erlang.call("soak_unregister", name)
        self.expect_error(
            "thread_churn",
            Ending.REFUSED,
            erlang.UndefinedFunction,
            lambda token: erlang.call(name, token),
        )

    def log(self) -> None:
        """A check at the quiescent point sees whether the log handler got the line."""
        token = self.ledger.begin("thread_log")
        _logger.info("%d", token)
        self.ledger.end("thread_log", token, Ending.VALUE)


_MENU: dict[Act, int] = {
    ThreadLoad.calls: 40,
    ThreadLoad.function: 20,
    ThreadLoad.attribute: 10,
    ThreadLoad.payload: 4,
    ThreadLoad.failing: 10,
    ThreadLoad.killed: 2,
    ThreadLoad.unregistered: 5,
    ThreadLoad.timeout: 2,
    ThreadLoad.nested: 8,
    ThreadLoad.send: 10,
    ThreadLoad.churn: 3,
    ThreadLoad.log: 5,
}
_ACTS = list(_MENU)
_WEIGHTS = list(_MENU.values())


def long_thread(ledger: Ledger, random: Random, stop: threading.Event) -> None:
    """Run one thread that calls until the load stops."""
    load = ThreadLoad(ledger, random)
    load.act_each()
    while not stop.is_set():
        load.act()


def executors(ledger: Ledger, random: Random, stop: threading.Event) -> None:
    """Use executors one after another."""
    while not stop.is_set():
        with ThreadPoolExecutor(random.randint(1, 6)) as executor:
            for _ in range(random.randint(1, 8)):
                loads = [ThreadLoad(ledger, Random(random.random()), "executor") for _ in range(4)]
                list(executor.map(ThreadLoad.calls, loads))


def short_threads(ledger: Ledger, random: Random, stop: threading.Event) -> None:
    """Run threads that make some calls and end, several at a time."""
    while not stop.is_set():
        loads = [
            ThreadLoad(ledger, Random(random.random()), "short_thread")
            for _ in range(random.randint(1, 8))
        ]
        acts = [ThreadLoad.calls, ThreadLoad.act]
        threads = [threading.Thread(target=random.choice(acts), args=(load,)) for load in loads]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


ALL_KINDS = (*KINDS, targets.INNER)
