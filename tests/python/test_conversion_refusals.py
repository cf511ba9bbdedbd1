# SPDX-License-Identifier: Apache-2.0
"""Values that can't be sent are refused, and the error names their place. Afterwards everything
works.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from erlang_side import echo, term

import erlang
from erlang import Atom

DEEPEST = 1000


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = wrap(value)
    return value


WRAPS: dict[str, Callable[[Any], Any]] = {
    "list": lambda inner: [inner],
    "tuple": lambda inner: (0, inner),
    "dict": lambda inner: {"k": inner},
}


@pytest.fixture(autouse=True)
def the_next_call_works() -> Any:
    """After any refusal, the thread's channel works as before."""
    yield
    assert echo("after") == "after"


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (object(), "args[0]: "),
        ([object()], "args[0][0]: "),
        ((1, (2, object())), "args[0][1][1]: "),
        ({"k": [1, 2, 3, object()]}, "args[0]['k'][3]: "),
        ({b"k": {1: object()}}, "args[0][b'k'][1]: "),
        ({Atom("k"): object()}, "args[0]['k']: "),
        ({(1, "x"): object()}, "args[0][(1, 'x')]: "),
        ({object(): 1}, "list(args[0])[0]: "),
        ({"fine": 1, (1, object()): 1}, "list(args[0])[1][1]: "),
        ([{object()}], "list(args[0][0])[0]: "),
    ],
)
def test_the_place_is_named(value: object, place: str) -> None:
    with pytest.raises(TypeError) as raised:
        echo(value)
    assert str(raised.value).startswith(f"{place}'object' objects have no Erlang value")


def test_the_argument_is_named() -> None:
    with pytest.raises(TypeError, match=r"^args\[2\]\['x'\]: "):
        erlang.call("conversion_echo", 1, 2, {"x": object()})


def test_keys_with_a_bad_repr_are_still_named() -> None:
    class Unprintable:
        def __repr__(self) -> str:
            raise ValueError("no repr")

    erlang.register_adapter(Unprintable, lambda _: "key")
    with pytest.raises(TypeError, match=r"^args\[0\]\[<Unprintable object>\]: "):
        echo({Unprintable(): object()})


def test_long_keys_are_shortened() -> None:
    with pytest.raises(TypeError) as raised:
        echo({"é" * 10_000: object()})
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("\ud800", r"args\[0\]"),
        (["x", "a\udfff"], r"args\[0\]\[1\]"),
        ({"k\udc80": 1}, r"list\(args\[0\]\)\[0\]"),
        ("x" * 100_000 + "\ud800", r"args\[0\]"),
    ],
)
def test_lone_surrogates_are_refused(value: object, place: str) -> None:
    with pytest.raises(ValueError, match=f"^{place}: text with lone surrogates") as raised:
        echo(value)
    assert raised.type is ValueError


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, b"a": 2},
        {None: 1, Atom("none"): 2},
        {True: 1, Atom("true"): 2},
        {float("nan"): 1, float("nan"): 2},
        {"x": 1, **{str(index): 1 for index in range(40)}, b"x": 2},
        {"x": 1, **{str(index): 1 for index in range(1000)}, b"x": 2},
    ],
)
def test_keys_that_become_one_are_refused(value: dict[object, object]) -> None:
    with pytest.raises(ValueError, match=r"^args\[0\]\[1\]: two keys of the dict become the same"):
        echo([0, value])


@pytest.mark.parametrize("kind", WRAPS)
def test_a_thousand_levels_are_converted(kind: str) -> None:
    value = nested(DEEPEST, WRAPS[kind])
    back = echo(value)
    # A comparison of these values would be too deep for Python.
    for _ in range(DEEPEST):
        value, back = (next(reversed(x.values() if kind == "dict" else x)) for x in (value, back))
    assert back == value == 1


@pytest.mark.parametrize("kind", WRAPS)
def test_more_than_a_thousand_levels_are_refused(kind: str) -> None:
    with pytest.raises(RecursionError, match=r"^args\[0\].*\[\.\.\.\].*: nested deeper than 1000"):
        echo(nested(DEEPEST + 1, WRAPS[kind]))


def test_results_nested_too_deeply_are_refused() -> None:
    deep = "lists:foldl(fun(_, Inner) -> {Inner} end, 1, lists:seq(1, %d))"
    assert isinstance(term(deep % DEEPEST), tuple)
    with pytest.raises(RecursionError, match=r"^result\[0\].*: nested deeper than 1000"):
        term(deep % (DEEPEST + 1))


def test_deep_values_fit_a_small_stack() -> None:
    # musl gives threads 128 KiB, but Python itself requests 1 MiB there.
    old = threading.stack_size(1 << 20)
    results: list[object] = []
    try:
        value = nested(DEEPEST, WRAPS["dict"])
        thread = threading.Thread(target=lambda: results.append(echo(value)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(old)
    assert isinstance(results[0], dict)


def test_values_that_contain_themselves_are_refused() -> None:
    own: list[Any] = [1]
    own.append({"a": (own,)})
    with pytest.raises(ValueError, match=r"^args\[0\]\[1\]\['a'\]\[0\]: the 'list' here contains"):
        echo(own)


def test_long_cycles_are_told_from_depth() -> None:
    first: list[Any] = []
    chain = first
    for _ in range(DEEPEST - 1):
        chain.append([])
        chain = chain[0]
    chain.append(first)
    with pytest.raises(ValueError, match="contains itself"):
        echo(first)


def test_the_same_value_twice_is_no_cycle() -> None:
    shared = [1]
    assert echo([shared, shared, {"k": shared}]) == [[1], [1], {"k": [1]}]


class Meddler:
    """Run code in the middle of a conversion."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        self.meddle = meddle


def run_meddler(meddler: Meddler) -> object:
    meddler.meddle()
    return 0


erlang.register_adapter(Meddler, run_meddler)


def list_that_changes(change: Callable[[list[Any]], object]) -> list[Any]:
    changing: list[Any] = [1, Meddler(lambda: change(changing)), object(), 2]
    return changing


def dict_that_changes(change: Callable[[dict[Any, Any]], object]) -> dict[Any, Any]:
    changing: dict[Any, Any] = {"a": 1, "b": Meddler(lambda: change(changing)), "c": 2}
    return changing


def set_that_changes(change: Callable[[set[Any]], object]) -> set[Any]:
    changing: set[Any] = {1, 2, 3}
    changing.add(Meddler(lambda: change(changing)))
    return changing


@pytest.mark.parametrize(
    "value",
    [
        list_that_changes(lambda it: it.clear()),
        list_that_changes(lambda it: it.extend(range(1000))),
        dict_that_changes(lambda it: it.clear()),
        dict_that_changes(lambda it: it.update((x, x) for x in range(1000))),
        dict_that_changes(lambda it: it.pop("c")),
        set_that_changes(lambda it: it.clear()),
        set_that_changes(lambda it: it.update(range(1000))),
    ],
)
def test_containers_changed_by_an_adapter_are_refused(value: object) -> None:
    with pytest.raises(RuntimeError, match=r"^args\[0\]: the \w+ changed while it was converted"):
        echo(value)


def test_a_dict_whose_keys_are_swapped_meanwhile_does_no_harm() -> None:
    def swap(changing: dict[Any, Any]) -> None:
        del changing["c"]
        changing["d"] = 2

    with contextlib.suppress(RuntimeError):  # a refusal is right as well
        assert echo(dict_that_changes(swap)).keys() <= {"a", "b", "c", "d"}


def test_a_released_memoryview_is_refused() -> None:
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(ValueError, match="released memoryview") as raised:
        echo([view])
    assert raised.value.__notes__ == ["while converting args[0][0] to an Erlang term"]


def test_integers_too_large_for_erlang_are_refused() -> None:
    with pytest.raises(OverflowError, match="too large for Erlang") as raised:
        echo({"n": -1 << (1 << 27)})
    assert raised.value.__notes__ == ["while converting args[0]['n'] to an Erlang term"]
