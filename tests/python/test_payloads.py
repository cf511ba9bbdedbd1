# SPDX-License-Identifier: Apache-2.0
"""Arguments and results of all sizes, in both directions, also around the sizes of pipes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from usage import resident_bytes

import erlang

pytestmark = pytest.mark.channel

SIZES = [0, 1, 4095, 4096, 65536, 5_000_000]


def payload(size: int) -> bytes:
    return b"\xff" * size


@pytest.mark.parametrize("size", SIZES)
def test_bytes_by_call(size: int) -> None:
    assert erlang.call("size_of", payload(size)) == size
    assert erlang.call("blob", size) == payload(size)
    assert erlang.call("echo", payload(size), binaries="bytes") == payload(size)


@pytest.mark.parametrize("size", SIZES)
async def test_bytes_by_async_call(size: int) -> None:
    assert await erlang.async_call("size_of", payload(size)) == size
    assert await erlang.async_call("blob", size) == payload(size)
    echoed = await erlang.async_call("echo", payload(size), binaries="bytes")
    assert echoed == payload(size)


@pytest.mark.parametrize("size", SIZES)
def test_text_by_call(size: int) -> None:
    assert erlang.call("echo", "a" * size) == "a" * size


@pytest.mark.parametrize("size", SIZES)
async def test_text_by_async_call(size: int) -> None:
    assert await erlang.async_call("echo", "a" * size) == "a" * size


async def test_many_sizes_at_once_do_not_mix() -> None:
    sizes = [size + step for size in SIZES[:-1] for step in range(20)]
    results = await asyncio.gather(*(erlang.async_call("blob", size) for size in sizes))
    assert results == list(map(payload, sizes))


def test_large_payloads_from_many_threads_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        sizes = [1_000_000 + step for step in range(24)]
        results = list(pool.map(erlang.function("echo", binaries="bytes"), map(payload, sizes)))
    assert [len(result) for result in results] == sizes


def test_a_buffer_may_change_once_the_call_is_made() -> None:
    """Erlang uses the content from the start of the call."""
    buffer = bytearray(b"\xfe" * 100_000)
    echo = erlang.function("echo", binaries="bytes")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(echo, buffer).result() == b"\xfe" * 100_000
    buffer[:] = b"\xfd" * 100_000
    assert echo(memoryview(buffer)[1:3]) == b"\xfd\xfd"


async def test_arguments_that_are_refused_leave_no_terms_behind() -> None:
    def refuse(count: int) -> None:
        for _ in range(count):
            with pytest.raises(TypeError):
                erlang.async_call("echo", "x" * 50_000, object())

    assert await erlang.async_call("echo", 1) == 1
    refuse(100)
    before = resident_bytes()
    refuse(2_000)
    assert resident_bytes() < before + 20_000_000  # the refused values had 100 MB in all
