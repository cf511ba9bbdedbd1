# SPDX-License-Identifier: Apache-2.0
"""One fault, and the test that has to notice it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str  # must occur exactly once
    new: str
    test: tuple[str, ...]  # the arguments of `./dev test`
