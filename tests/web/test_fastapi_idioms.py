# SPDX-License-Identifier: Apache-2.0
"""FastAPI's own idioms, unchanged, with Erlang called in each: supervised, on both loops."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Host
from fastapi_idioms import STORY
from hosted import Hosted, await_dead, await_story, story

import erlang


@pytest.fixture
def service(host: Host) -> Hosted:
    story(STORY)
    service = host("fastapi_idioms", "main")
    assert story(STORY) == ["lifespan begins"]
    return service


def test_the_lifespan_awaits_erlang_at_both_ends(service: Hosted) -> None:
    assert service.get("/factor") == 10
    assert service.stop() == "shutdown"
    assert story(STORY) == ["lifespan ends"]


def test_dependencies_are_set_up_and_cleaned_up_in_order(service: Hosted) -> None:
    assert service.get("/cursor") == "CONNECTION CURSOR"
    await_story(STORY, ["cursor used", "cursor closed", "connection closed"])


def test_a_dependency_sees_what_failed_in_erlang_and_cleans_up(service: Hosted) -> None:
    assert service.client.get("/fail").status_code == 500
    await_story(STORY, ["rolled back: refused", "connection closed"])


def test_a_dependency_answers_instead_of_its_route(service: Hosted) -> None:
    known = service.client.get("/me", headers={"x-user": "7"})
    assert (known.status_code, known.json()) == (200, "user 7")
    assert service.client.get("/me", headers={"x-user": "700"}).status_code == 401


def test_run_in_threadpool_calls_erlang(service: Hosted) -> None:
    assert [service.get(f"/pool/{number}") for number in range(20)] == list(range(0, 40, 2))


def test_background_tasks_of_both_kinds_run_in_order(service: Hosted) -> None:
    assert service.get("/background") == "accepted"
    await_story(STORY, ["coroutine 2", "plain 4"])


@pytest.mark.parametrize("kind", ["async", "plain"])
def test_streams_call_erlang_between_their_chunks(service: Hosted, kind: str) -> None:
    answer = service.client.get(f"/stream/{kind}")
    assert answer.text.split() == [str(2 * number) for number in range(20)]
    assert story(STORY) == (["stream ends"] if kind == "async" else [])


def test_a_client_that_leaves_a_stream_stops_the_erlang_process(service: Hosted, name: str) -> None:
    with service.client.stream("GET", f"/endless/{name}") as answer:
        chunks = answer.iter_text()
        assert next(chunks) == "first\n"
        process = erlang.call("await_waiting", name)
        assert erlang.call("is_alive", process)
    await_dead(process)
    assert service.get("/double/21") == 42


def test_a_stop_lets_a_stream_go_on_to_its_end(service: Hosted, name: str) -> None:
    with (
        ThreadPoolExecutor(1) as pool,
        service.client.stream("GET", f"/endless/{name}") as answer,
    ):
        chunks = answer.iter_text()
        assert next(chunks) == "first\n"
        erlang.call("await_waiting", name)
        stopping = pool.submit(service.stop)
        service.await_refusal()
        erlang.call("release", name, "last")
        assert "".join(chunks) == "last"
        assert stopping.result() == "shutdown"
    assert story(STORY) == ["lifespan ends"]


def test_a_websocket_has_dependencies_too(service: Hosted) -> None:
    with service.websocket("/ws") as websocket:
        websocket.send("hello")
        assert websocket.recv() == "CONNECTION: HELLO"
    await_story(STORY, ["connection closed"])
