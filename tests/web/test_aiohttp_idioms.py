# SPDX-License-Identifier: Apache-2.0
"""aiohttp's own idioms, unchanged, with Erlang called in each: supervised, on both loops."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import WSCloseCode
from aiohttp_idioms import STORY
from conftest import Host
from hosted import Hosted, await_story, story
from websockets.exceptions import ConnectionClosed

import erlang


@pytest.fixture
def service(host: Host) -> Hosted:
    story(STORY)
    service = host("aiohttp_idioms", "main")
    erlang.call("await_waiting", STORY)
    assert story(STORY) == ["database opened"]
    return service


def test_startup_and_cleanup_await_erlang_in_order(service: Hosted) -> None:
    assert service.get("/factor") == 10
    assert service.stop() == "shutdown"
    assert story(STORY) == ["client closed", "database closed", "listener cancelled"]


def test_a_background_task_serves_what_erlang_sends(service: Hosted) -> None:
    for word in ("one", "two"):
        erlang.call("release", STORY, word)
        erlang.call("await_waiting", STORY)
    assert story(STORY) == ["heard one", "heard two"]


def test_middlewares_call_erlang_before_and_after_the_handler(service: Hosted) -> None:
    known = service.client.get("/me", headers={"x-user": "7"})
    assert (known.status_code, known.json()) == (200, "user 7")
    assert (known.headers["x-checked"], known.headers["x-signed"]) == ("2", "SIGNED")
    assert service.client.get("/me", headers={"x-user": "700"}).status_code == 401


def test_a_middleware_explains_what_failed_in_erlang(service: Hosted) -> None:
    answer = service.client.get("/fail")
    assert (answer.status_code, answer.json()) == (502, {"reason": "refused"})
    assert story(STORY) == ["explained: refused"]


def test_to_thread_calls_erlang(service: Hosted) -> None:
    assert [service.get(f"/thread/{number}") for number in range(20)] == list(range(0, 40, 2))


def test_the_applications_client_asks_the_service_itself(service: Hosted) -> None:
    assert service.get("/itself") == 42


def test_class_based_views_of_a_sub_application(service: Hosted) -> None:
    assert service.client.post("/sub/plus", content="14").json() == 42


def test_a_stream_calls_erlang_between_its_chunks(service: Hosted) -> None:
    assert service.client.get("/stream").text.split() == [str(2 * n) for n in range(20)]


def test_a_stop_says_goodbye_to_websockets_and_finishes_requests(
    service: Hosted, name: str
) -> None:
    with service.websocket("/ws") as websocket, ThreadPoolExecutor(2) as pool:
        websocket.send("hello")
        assert websocket.recv() == "HELLO"
        waiting = pool.submit(service.get, f"/wait/{name}")
        erlang.call("await_waiting", name)
        stopping = pool.submit(service.stop)
        with pytest.raises(ConnectionClosed):
            websocket.recv()
        assert websocket.close_code == WSCloseCode.GOING_AWAY
        assert websocket.close_reason == "BYE"
        assert not stopping.done()
        erlang.call("release", name, "served to the end")
        assert waiting.result() == "served to the end"
        assert stopping.result() == "shutdown"
    await_story(STORY, ["client closed", "database closed", "listener cancelled"])
