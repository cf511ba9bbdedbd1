# SPDX-License-Identifier: Apache-2.0
"""A FastAPI application on uvicorn whose routes call Erlang, over real HTTP and WebSockets."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Serve, Service
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi import WebSocketDisconnect as Disconnect
from fastapi.responses import JSONResponse, StreamingResponse

import erlang
from erlang import hosting


def make_app() -> FastAPI:
    app = FastAPI()
    app.state.seen = Counter()

    @app.middleware("http")
    async def catch_and_raise_again(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        try:
            return await call_next(request)
        except BaseException as error:
            app.state.seen[type(error).__name__] += 1
            raise

    @app.exception_handler(erlang.Error)
    async def bad_gateway(_request: Request, error: erlang.Error) -> JSONResponse:
        return JSONResponse({"kind": error.kind, "reason": error.reason}, status_code=502)

    @app.get("/user/{user_id}")
    async def user(user_id: int) -> dict[str, object]:
        found = await erlang.async_call("get_user", user_id)
        if found is None:
            raise HTTPException(404)
        return dict(found)

    @app.get("/sync/{user_id}")
    def sync_user(user_id: int) -> dict[str, object]:
        return dict(erlang.call("get_user", user_id))

    @app.get("/fanout")
    async def fanout(n: int) -> list[int]:
        return await asyncio.gather(*(erlang.async_call("double_it", i) for i in range(n)))

    @app.get("/meet/{name}")
    async def meet(name: str, size: int) -> int:
        return int(await erlang.async_call("meet", name, size))

    @app.get("/sync-meet/{name}")
    def sync_meet(name: str, size: int) -> int:
        return int(erlang.call("meet", name, size))

    @app.get("/stream")
    async def stream(n: int) -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            for i in range(n):
                yield f"{await erlang.async_call('double_it', i)}\n"

        return StreamingResponse(lines())

    @app.get("/later/{name}")
    async def later(name: str, tasks: BackgroundTasks) -> None:
        tasks.add_task(erlang.call, "wait_for", name)

    @app.get("/later/awaited/{name}")
    async def later_awaited(name: str, tasks: BackgroundTasks) -> None:
        tasks.add_task(erlang.function("wait_for").aio, name)

    @app.get("/fail")
    async def fail() -> None:
        await erlang.async_call("fail_with", [erlang.Atom("refused"), 7])

    @app.get("/sync-fail")
    def sync_fail() -> None:
        erlang.call("kill_self")

    @app.get("/raise")
    async def raise_value_error() -> None:
        await erlang.async_call("double_it", 1)
        raise ValueError("ours")

    @app.websocket("/ws")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                text = await websocket.receive_text()
                await websocket.send_text(await erlang.async_call("process_message", text))
        except Disconnect:
            app.state.seen["websocket left"] += 1

    return app


@pytest.fixture
def app() -> FastAPI:
    return make_app()


@pytest.fixture
def service(app: FastAPI, serve: Serve) -> Service:
    async def main(listening: socket.socket) -> None:
        await hosting.uvicorn(app, sockets=[listening], log_level="critical")

    return serve(main)


def test_a_route_awaits_erlang(service: Service) -> None:
    answer = service.http.get("/user/7")
    assert (answer.status_code, answer.json()) == (200, {"id": 7, "name": "user 7"})


def test_a_plain_route_calls_erlang_on_the_thread_pool(service: Service) -> None:
    assert service.http.get("/sync/8").json() == {"id": 8, "name": "user 8"}


def test_what_erlang_does_not_know_is_a_404_and_wrong_input_a_422(service: Service) -> None:
    assert service.http.get("/user/1000").status_code == 404
    assert service.http.get("/user/abc").status_code == 422


def test_a_gather_of_1000_calls_in_a_route(service: Service) -> None:
    assert service.http.get("/fanout?n=1000").json() == list(range(0, 2000, 2))


def test_requests_wait_in_erlang_at_the_same_time(service: Service, name: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(lambda _: service.http.get(f"/meet/{name}?size=20"), range(20))
    assert [answer.json() for answer in answers] == [20] * 20


def test_plain_routes_wait_in_erlang_at_the_same_time(service: Service, name: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = pool.map(lambda _: service.http.get(f"/sync-meet/{name}?size=20"), range(20))
    assert [answer.json() for answer in answers] == [20] * 20


def test_other_requests_are_served_while_one_waits(service: Service, name: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.http.get, f"/meet/{name}?size=2")
        for user_id in range(1, 21):
            assert service.http.get(f"/user/{user_id}").status_code == 200
        assert not waiting.done()
        assert service.http.get(f"/meet/{name}?size=2").json() == 2
        assert waiting.result().json() == 2


def test_a_stream_awaits_erlang_between_its_chunks(service: Service) -> None:
    assert service.http.get("/stream?n=50").text.split() == [str(2 * i) for i in range(50)]


def test_a_background_task_calls_erlang_after_the_answer(service: Service, name: str) -> None:
    for path in (f"/later/{name}", f"/later/awaited/{name}"):
        assert service.http.get(path).status_code == 200
        assert erlang.call("release", name, "done")


def test_an_erlang_error_becomes_the_handlers_answer(service: Service) -> None:
    answer = service.http.get("/fail")
    assert (answer.status_code, answer.json()) == (502, {"kind": "error", "reason": ["refused", 7]})


def test_a_killed_erlang_process_becomes_an_answer_and_the_next_call_works(
    service: Service,
) -> None:
    assert service.http.get("/sync-fail").status_code == 502
    assert service.http.get("/sync/1").status_code == 200


def test_a_websocket_gets_its_messages_back_processed(service: Service) -> None:
    with service.websocket("/ws") as websocket:
        for text in ("hello", "grüß gott", "", "x" * 70_000):
            websocket.send(text)
            assert websocket.recv() == text.upper()


def test_many_websockets_each_get_their_own(service: Service) -> None:
    def talk(number: int) -> list[str | bytes]:
        with service.websocket("/ws") as websocket:
            for turn in range(20):
                websocket.send(f"{number} says {turn}")
            return [websocket.recv() for _ in range(20)]

    with ThreadPoolExecutor(16) as pool:
        heard = list(pool.map(talk, range(16)))
    assert heard == [[f"{number} SAYS {turn}" for turn in range(20)] for number in range(16)]


def test_a_middleware_that_catches_everything_sees_only_what_was_raised(
    app: FastAPI, service: Service, name: str
) -> None:
    for path in ("/user/1", "/sync/2", "/fanout?n=100", "/stream?n=5", "/fail", "/sync-fail"):
        for _ in range(5):
            service.http.get(path)
    assert app.state.seen == {}
    assert service.http.get("/raise").status_code == 500
    assert app.state.seen == {"ValueError": 1}
