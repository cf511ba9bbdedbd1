# SPDX-License-Identifier: Apache-2.0
"""Servers, test runners and task queues that start processes, as users start them under erlpy."""

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from importlib.util import find_spec

import pytest
from conftest import Programs, becomes_true, output

REQUESTS = 100
# A stop may take this long, in seconds.
STOP = 5.0

SERVICE = """
import os, erlang
from fastapi import FastAPI

app = FastAPI()

@app.get("/await/{number}")
async def awaiting(number: int):
    return {"process": os.getpid(), "value": await erlang.async_call("double_it", number)}

@app.get("/block/{number}")
def blocking(number: int):
    return {"process": os.getpid(), "value": erlang.call("double_it", number)}
"""

TESTS = """
import asyncio, pytest, erlang

@pytest.mark.parametrize("number", range(25))
def test_blocking(number):
    assert erlang.call("double_it", number) == 2 * number

@pytest.mark.parametrize("number", range(25))
def test_awaiting(number):
    async def main():
        return await erlang.async_call("double_it", number)
    assert asyncio.run(main()) == 2 * number
"""

GUNICORN = "gunicorn -k uvicorn.workers.UvicornWorker -w 2 -b 127.0.0.1:{port} service:app"
SERVERS = {
    "uvicorn with workers": "uvicorn service:app --port {port} --workers 2",
    "uvicorn with reload": "uvicorn service:app --port {port} --reload",
    "hypercorn": "hypercorn service:app -b 127.0.0.1:{port}",
    "gunicorn": GUNICORN,
}


def needed(module: str) -> None:
    """Skips the test if the package is not installed: not all are in requirements.txt."""
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def get(port: int, path: str) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as response:
        answer: dict[str, int] = json.load(response)
        return answer


def answers(port: int) -> bool:
    try:
        get(port, "await/1")
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *((name, signal.SIGTERM) for name in SERVERS),
        # After SIGINT, the workers of gunicorn with uvicorn end half a minute later, also under
        # python3.
        *((name, signal.SIGINT) for name in SERVERS if name != "gunicorn"),
    ],
)
def test_the_processes_of_a_server_call_the_node(
    name: str, number: int, programs: Programs
) -> None:
    command = SERVERS[name]
    needed(command.split()[0])
    port = free_port()
    programs.write("service.py", SERVICE)
    server = programs.node("-W", "ignore", "-m", *command.format(port=port).split())
    assert becomes_true(lambda: answers(port), 60), server.poll()
    processes = set()
    for request in range(REQUESTS):
        answer = get(port, f"{['await', 'block'][request % 2]}/{request}")
        assert answer["value"] == 2 * request
        processes.add(answer["process"])
    assert server.pid not in processes
    began = time.monotonic()
    server.send_signal(number)
    printed, _ = server.communicate(timeout=60)
    assert time.monotonic() - began < STOP, printed
    assert becomes_true(lambda: not programs.group(server), STOP), printed


def test_a_worker_that_is_killed_is_replaced(programs: Programs) -> None:
    port = free_port()
    programs.write("service.py", SERVICE)
    command = SERVERS["uvicorn with workers"].format(port=port).split()
    server = programs.node("-W", "ignore", "-m", *command)
    assert becomes_true(lambda: answers(port), 60), server.poll()
    first = get(port, "await/1")["process"]
    os.kill(first, signal.SIGKILL)
    assert becomes_true(lambda: answers(port) and get(port, "await/2")["process"] != first, 60)


def test_the_workers_of_a_test_runner_call_the_node(programs: Programs) -> None:
    needed("xdist")
    programs.write("test_service.py", TESTS)
    command = "-W ignore -m pytest -q -n 2 -p no:cacheprovider test_service.py"
    assert "50 passed" in output(programs.node(*command.split()))


TASKS = """
import celery, erlang, os

app = celery.Celery("tasks", broker="filesystem://", backend="file://results")
app.conf.broker_transport_options = {"data_folder_in": "queue", "data_folder_out": "queue"}

@app.task
def double(number):
    return os.getpid(), erlang.call("double_it", number)
"""

ASK = """
import tasks
results = [tasks.double.delay(number).get(timeout=30) for number in range(20)]
assert [value for _, value in results] == [2 * number for number in range(20)]
print(*{process for process, _ in results})
"""


def test_the_forks_of_a_task_queue_call_the_node(programs: Programs) -> None:
    needed("celery")
    for folder in ("queue", "results"):
        (programs.folder / folder).mkdir()
    programs.write("tasks.py", TASKS)
    command = "-W ignore -m celery -A tasks worker -c 2 -l warning --without-gossip"
    queue = programs.node(*command.split())
    processes = output(programs.python("-W", "ignore", "-c", ASK)).split()
    assert str(queue.pid) not in processes
    queue.send_signal(signal.SIGTERM)
    queue.communicate(timeout=30)
    assert becomes_true(lambda: not programs.group(queue), STOP)
