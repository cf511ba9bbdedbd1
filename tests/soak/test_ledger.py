# SPDX-License-Identifier: Apache-2.0
"""The accounts find lost, doubled and crossed calls."""

from collections import Counter

import pytest
from ledger import EXECUTIONS, Account, Accounts, Ending, Ledger, settle

KINDS = ["call", "gather"]


def checked(ledger: Ledger, *executed: int) -> list[str]:
    return ledger.wrong + settle(ledger.kinds, ledger.take(), bytes(executed), {})


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(KINDS, capacity=100)


@pytest.mark.parametrize("ending", list(EXECUTIONS))
@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_call_is_executed_as_often_as_its_end_says(
    ledger: Ledger, ending: Ending, times: int
) -> None:
    ledger.end("call", ledger.begin("call"), ending)
    wrong = checked(ledger, times)
    assert bool(wrong) == (times not in EXECUTIONS[ending])


def test_a_call_that_never_ends_is_lost(ledger: Ledger) -> None:
    ledger.end("call", ledger.begin("call"), Ending.VALUE)
    ledger.begin("gather")
    assert checked(ledger, 1, 1) == ["gather: 1 calls never ended (executed 1 times)"]


def test_a_call_that_ends_twice_is_noticed(ledger: Ledger) -> None:
    token = ledger.begin("call")
    ledger.end("call", token, Ending.VALUE)
    ledger.end("call", token, Ending.VALUE)
    assert checked(ledger, 1) == ["call: calls 0 and following ended twice"]


def test_a_call_that_ends_as_one_of_another_kind_is_noticed(ledger: Ledger) -> None:
    ledger.end("gather", ledger.begin("call"), Ending.VALUE)
    assert checked(ledger, 1)


def test_a_value_of_another_call_is_noticed(ledger: Ledger) -> None:
    token = ledger.begin("call")
    ledger.end_wrong("call", token, [token + 1])
    assert checked(ledger, 1) == ["call: call 0 got [1]"]


def test_one_of_many_that_is_executed_twice_is_noticed(ledger: Ledger) -> None:
    first = ledger.begin("gather", 50)
    ledger.end("gather", first, Ending.VALUE, 50)
    assert checked(ledger, *[1] * 49, 2) == ["gather: 1 calls ended with VALUE, executed 2 times"]


def test_executions_of_calls_that_nobody_made_are_noticed(ledger: Ledger) -> None:
    assert checked(ledger, 1) == ["0 calls, but 1 counts of executions"]


def test_each_kind_has_its_account(ledger: Ledger) -> None:
    accounts: Accounts = {}
    for _ in range(2):
        ledger.end("gather", ledger.begin("gather", 3), Ending.VALUE, 3)
        ledger.end("call", ledger.begin("call"), Ending.REFUSED)
        ledger.begin("call")
        settle(ledger.kinds, ledger.take(), bytes([1, 1, 1, 0, 0]), accounts)
    assert accounts["gather"] == Account(6, 6, Counter({Ending.VALUE: 6}))
    assert accounts["call"].endings == {Ending.REFUSED: 2, Ending.OPEN: 2}
    assert (accounts["call"].issued, accounts["call"].ended) == (4, 2)


def test_tokens_begin_anew_when_the_states_are_taken(ledger: Ledger) -> None:
    ledger.end("gather", ledger.begin("gather", 7), Ending.VALUE, 7)
    assert ledger.issued == len(ledger.take()) == 7
    assert ledger.begin("call") == 0
    assert ledger.issued == 1


def test_more_calls_than_there_is_room_for_are_refused(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="room"):
        ledger.begin("gather", 101)
