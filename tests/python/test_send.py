# SPDX-License-Identifier: Apache-2.0
"""erlang.send: messages to processes, by pid, by name, by name and node."""

from collections.abc import Iterator

import pytest

import erlang

NAME = "bridge_probes_mailbox"


@pytest.fixture
def mailbox() -> Iterator[erlang.Pid]:
    pid = erlang.call("start_mailbox", NAME)
    yield pid
    assert erlang.call("stop_process", pid)


def oldest(mailbox: erlang.Pid) -> object:
    return erlang.call("read_mailbox", mailbox, 5000)


def test_to_a_pid(mailbox: erlang.Pid) -> None:
    erlang.send(mailbox, {"k": [1, erlang.Atom("ok")]})
    assert oldest(mailbox) == {"k": [1, erlang.Atom("ok")]}


def test_to_a_registered_name(mailbox: erlang.Pid) -> None:
    erlang.send(erlang.Atom(NAME), "hello")
    assert oldest(mailbox) == "hello"


def test_to_a_name_at_a_node(mailbox: erlang.Pid) -> None:
    erlang.send((erlang.Atom(NAME), erlang.Atom("nonode@nohost")), "hello")
    assert oldest(mailbox) == "hello"


def test_messages_keep_their_order(mailbox: erlang.Pid) -> None:
    for number in range(100):
        erlang.send(mailbox, number)
    assert [oldest(mailbox) for _ in range(100)] == list(range(100))


async def test_from_a_loop(mailbox: erlang.Pid) -> None:
    erlang.send(mailbox, "hello")
    assert await erlang.async_call("read_mailbox", mailbox, 5000) == "hello"


def test_a_process_that_is_gone_takes_nothing_and_says_nothing(mailbox: erlang.Pid) -> None:
    gone = erlang.call("start_mailbox", None)
    erlang.call("stop_process", gone)
    erlang.send(gone, "hello")


@pytest.mark.parametrize("receiver", [1, None, ("a",), (1, 2), [], b"name"])
def test_other_receivers_are_refused(receiver: object) -> None:
    with pytest.raises(TypeError):
        erlang.send(receiver, "hello")  # type: ignore[arg-type]


def test_what_cannot_be_converted_is_refused(mailbox: erlang.Pid) -> None:
    with pytest.raises(TypeError, match="object"):
        erlang.send(mailbox, [object()])


def test_a_name_that_nobody_has() -> None:
    with pytest.raises((erlang.Error, ValueError, LookupError)):
        erlang.send(erlang.Atom("bridge_probes_nobody"), "hello")
