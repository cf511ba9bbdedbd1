# SPDX-License-Identifier: Apache-2.0
"""Functions for pools of processes, which import this module."""

import asyncio
from typing import Any

import erlang


def call_many(count: int) -> list[int]:
    return [erlang.call("double_it", number) for number in range(count)]


def await_many(count: int) -> list[int]:
    async def main() -> list[int]:
        calls = [erlang.async_call("double_it", number) for number in range(count)]
        return await asyncio.gather(*calls)

    return asyncio.run(main())


def echo(value: object) -> Any:
    return erlang.call("echo", value)


def fail() -> None:
    erlang.call("maybe_fail", 11)
