# SPDX-License-Identifier: Apache-2.0
"""Realistic code that is interrupted in the middle, and checks of what is left behind."""

import asyncio
import contextlib
import datetime
import functools
import http.client
import http.server
import importlib
import logging
import os
import queue
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import uvloop
from locking_code import endlessly

import erlang

logger = logging.getLogger("interrupted")
logger.setLevel(logging.INFO)
logger.propagate = False
handler = logging.FileHandler(os.devnull)
logger.addHandler(handler)

lock = threading.Lock()
reentrant = threading.RLock()
condition = threading.Condition()
semaphore = threading.Semaphore()
event = threading.Event()
shared_queue: "queue.Queue[int]" = queue.Queue()
executor = ThreadPoolExecutor(2)
values: "weakref.WeakValueDictionary[int, Value]" = weakref.WeakValueDictionary()


class Value:
    @functools.cached_property
    def computed(self) -> int:
        return sum(range(5))


def warm_up() -> None:
    barrier = threading.Barrier(3)
    for _ in range(2):
        executor.submit(barrier.wait)
    barrier.wait()
    subprocess.run(["true"])
    uvloop.run(asyncio.sleep(0))
    http_server()


# Locks of the standard library, and of users.


@endlessly
def logging_lines() -> None:
    logger.info("a line")


@endlessly
def logging_of_loggers() -> None:
    logging.getLogger("interrupted.other").info("%s and %d", "text", 1)
    logging.getLevelName(10)


@endlessly
def queues() -> None:
    shared_queue.put(1)
    shared_queue.get()


def timed_queues() -> None:
    empty: queue.Queue[int] = queue.Queue()
    while True:
        with contextlib.suppress(queue.Empty):
            empty.get(timeout=0.001)


@endlessly
def locks() -> None:
    with lock, reentrant:
        sum(range(5))


@endlessly
def acquired_locks() -> None:
    lock.acquire()
    try:
        sum(range(5))
    finally:
        lock.release()


@contextlib.contextmanager
def managed() -> Iterator[None]:
    reentrant.acquire()
    try:
        yield
    finally:
        reentrant.release()


@endlessly
def managed_locks() -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(lock)  # every function takes this lock first
        with managed():
            sum(range(5))


opened: set[object] = set()


def opened_numbers() -> Iterator[int]:
    opened.add(mark := object())
    try:
        yield from range(10)
    finally:
        opened.discard(mark)


@endlessly
def generators() -> None:
    for _ in opened_numbers():
        break


@endlessly
def conditions() -> None:
    with condition:
        condition.wait(0.0001)
        condition.notify_all()


@endlessly
def semaphores() -> None:
    with semaphore:
        sum(range(5))


@endlessly
def events() -> None:
    event.wait(0.0001)
    event.set()
    event.clear()


@endlessly
def imports() -> None:
    sys.modules.pop("colorsys", None)
    with contextlib.suppress(KeyError):  # another thread has just removed the module, too
        import colorsys

        colorsys.rgb_to_hls(0, 0, 0)
    with contextlib.suppress(ImportError):
        importlib.import_module("this_is_not_there")


def executors() -> None:
    with ThreadPoolExecutor(2) as own:
        while True:
            list(own.map(abs, range(5)))


@endlessly
def futures() -> None:
    executor.submit(time.sleep, 0.0001).result(1)


@endlessly
def weak_references() -> None:
    value = Value()
    values[value.computed] = value
    values.pop(10, None)
    weakref.finalize(value, abs, 1).detach()


@endlessly
def temporary_files() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"some bytes")


@endlessly
def parsed_dates() -> None:
    datetime.datetime.strptime("2024-02-29", "%Y-%m-%d")


@endlessly
def databases() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection, connection:
        connection.execute("create table t (a)")
        connection.executemany("insert into t values (?)", [(n,) for n in range(10)])


@endlessly
def sockets() -> None:
    here, there = socket.socketpair()
    with here, there, there.makefile("rb") as lines:
        here.sendall(b"line\n")
        lines.readline()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"pong")

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Ignore a client that left when it was interrupted."""


@functools.cache
def http_server() -> Server:
    server = Server(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@endlessly
def http_requests() -> None:
    host, port = http_server().server_address[:2]
    with contextlib.closing(http.client.HTTPConnection(str(host), port)) as connection:
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"pong"


@endlessly
def subprocesses() -> None:
    subprocess.run(["true"])


@endlessly
def sleeping() -> None:
    time.sleep(0.001)


# Loops.


async def tick() -> None:
    async with asyncio.Lock():
        while True:
            await wait_a_little()


async def wait_a_little() -> None:
    await asyncio.sleep(0.0005)


async def idle() -> None:
    await asyncio.sleep(3600)


async def threads() -> None:
    while True:
        await asyncio.gather(*(asyncio.to_thread(abs, -1) for _ in range(3)))


def asyncio_run() -> None:
    asyncio.run(tick())


def asyncio_idle() -> None:
    asyncio.run(idle())


def asyncio_bare() -> None:
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(tick())


def asyncio_threads() -> None:
    asyncio.run(threads())


def uvloop_run() -> None:
    uvloop.run(tick())


def uvloop_idle() -> None:
    uvloop.run(idle())


def uvloop_bare() -> None:
    with contextlib.closing(uvloop.new_event_loop()) as loop:
        loop.run_until_complete(idle())


@endlessly
def uvloop_made() -> None:
    with contextlib.closing(uvloop.new_event_loop()):
        pass


# Calls, and functions with a trace function.


def spin() -> None:
    while True:
        pass


@endlessly
def calls() -> None:
    with contextlib.suppress(erlang.UndefinedFunction):
        erlang.call("no such function")


@endlessly
def nested_requests() -> None:
    erlang.call("nested_abs", -1)


async def call_both_ways() -> None:
    while True:
        await asyncio.gather(*(erlang.async_call("nested_abs", -n) for n in range(5)))


def asyncio_calls() -> None:
    asyncio.run(call_both_ways())


def uvloop_calls() -> None:
    uvloop.run(call_both_ways())


def waiting_for_erlang() -> None:
    erlang.call("hang")


def nesting(milliseconds: int) -> None:
    erlang.call("nested", milliseconds)


def traced() -> int:
    """Run functions with a trace function; return the number of functions that began."""
    begun = []
    sys.settrace(lambda frame, event, argument: begun.append(event))
    try:
        for function in (one, one, one):
            function()
    finally:
        sys.settrace(None)
    return sum(event == "call" for event in begun)


def one() -> int:
    return 1


# What is left behind.


def held_locks() -> list[str]:
    every = {
        "lock": lock,
        "reentrant": reentrant,
        "condition": condition,
        "semaphore": semaphore,
        "event": event._cond,
        "queue": shared_queue.mutex,
        "handler": handler.lock,
        "logging": logging._lock,
        "executor": executor._shutdown_lock,
        "temporary files": tempfile._once_lock,
        "dates": sys.modules["_strptime"]._cache_lock if "_strptime" in sys.modules else lock,
        "threading": threading._active_limbo_lock,
    }
    held = ["generators"] if opened else []
    for name, each in every.items():
        if each.acquire(timeout=2):
            each.release()
        else:
            held.append(name)
    for function in (logger.info, logging.getLogger):
        function("afterwards")
    import colorsys

    assert colorsys.rgb_to_hls(0, 0, 0) == (0, 0, 0)
    return held
