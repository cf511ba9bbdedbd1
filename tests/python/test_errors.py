# SPDX-License-Identifier: Apache-2.0
"""The exceptions themselves: hierarchy, attributes, notes, pickling."""

import copy
import pickle
import traceback

import pytest

import erlang

CLASSES = [
    erlang.Error,
    erlang.UndefinedFunction,
    erlang.Timeout,
    erlang.Disconnected,
    erlang.Overloaded,
]


def failure(*call: object) -> erlang.Error:
    with pytest.raises(erlang.Error) as caught:
        erlang.call(*call)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_is_an_error_and_a_runtime_error(cls: type[erlang.Error]) -> None:
    assert issubclass(cls, erlang.Error)
    assert issubclass(cls, RuntimeError)


def test_pythons_own_classes_catch_what_they_mean() -> None:
    assert issubclass(erlang.Timeout, TimeoutError)
    assert issubclass(erlang.Disconnected, ConnectionError)
    assert issubclass(erlang.BlockingCallWarning, Warning)


@pytest.mark.parametrize(
    ("function", "kind"), [("fail_with", "error"), ("exit_with", "exit"), ("throw_it", "throw")]
)
def test_a_failure_says_what_it_is(function: str, kind: str) -> None:
    error = failure(function, ("why", 1))
    assert type(error) is erlang.Error
    assert error.kind == kind
    assert error.reason == ("why", 1)
    assert error.function == function
    assert str(error) == f'{function}: {kind}: {{<<"why">>,1}}'
    assert any(f"bridge_probes:{function}/1" in line for line in error.stacktrace)


def test_the_erlang_stack_is_shown_with_the_traceback() -> None:
    error = failure("fail_with", 1)
    shown = "".join(traceback.format_exception(error))
    assert len(error.__notes__) == 1
    assert "bridge_probes:fail_with/1" in shown
    assert "bridge_probes.erl:" in shown


def test_the_stack_ends_where_our_own_frames_begin() -> None:
    assert not any("py_function_call" in line for line in failure("fail_with", 1).stacktrace)


def test_a_reason_without_a_python_twin_is_given_as_its_text() -> None:
    error = failure("fail_improper")
    assert error.reason == "[1|2]"
    assert str(error) == "fail_improper: error: [1|2]"


def test_a_long_reason_is_cut_in_the_text_only() -> None:
    error = failure("fail_with", ["x" * 50] * 1000)
    assert len(str(error)) < 5000
    assert error.reason == ["x" * 50] * 1000


def test_an_undefined_function_is_named() -> None:
    error = failure("no_such_function")
    assert type(error) is erlang.UndefinedFunction
    assert (error.function, error.kind) == ("no_such_function", "error")
    assert "no_such_function" in str(error)


def test_a_timeout_names_its_function() -> None:
    with pytest.raises(erlang.Timeout) as caught:
        erlang.call("slow", 60_000, timeout=0.01)
    assert caught.value.function == "slow"
    assert caught.value.stacktrace == []
    assert not hasattr(caught.value, "__notes__")


def test_a_disconnected_call_tells_why() -> None:
    error = failure("kill_self")
    assert type(error) is erlang.Disconnected
    assert error.function == "kill_self"
    assert error.kind == "exit"


@pytest.mark.parametrize("cls", CLASSES)
def test_exceptions_survive_pickling_and_copying(cls: type[erlang.Error]) -> None:
    error = cls("text", kind="exit", reason=(1, "two"), function="f", stacktrace=["m:f/1"])
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is cls
        assert str(twin) == "text"
        assert (twin.kind, twin.reason, twin.function) == ("exit", (1, "two"), "f")
        assert twin.stacktrace == ["m:f/1"]
        assert twin.__notes__ == error.__notes__


def test_an_exception_may_be_raised_by_hand() -> None:
    error = erlang.Error("just a text")
    assert (error.kind, error.reason, error.function, error.stacktrace) == ("error", None, "", [])
