# SPDX-License-Identifier: Apache-2.0
"""This project: calls of an Erlang function."""

import asyncio

import erlang

NAME = "erlang"


def call(value: int) -> int:
    doubled: int = erlang.call("double_it", value)
    return doubled


async def one(value: int) -> int:
    doubled: int = await erlang.async_call("double_it", value)
    return doubled


async def gather(values: range) -> list[int]:
    calls = [erlang.async_call("double_it", value) for value in values]
    doubled: list[int] = await asyncio.gather(*calls)
    return doubled


async def mapped(values: range) -> list[int]:
    doubled: list[int] = await erlang.map("double_it", values)
    return doubled
