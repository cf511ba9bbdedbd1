# SPDX-License-Identifier: Apache-2.0
"""The output of the soak test: a line for each epoch, tables at the end, a summary as JSON."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drift import MB, Drift
from ledger import Accounts, Ending

Sample = Mapping[str, Any]

MOST_SHOWN = 20


def say(line: str) -> None:
    # This is the program's own output; print() would write to the node's log.
    print(line, file=sys.__stdout__, flush=True)


def progress(epoch: int, sample: Sample) -> None:
    say(
        f"epoch {epoch}: {sample['seconds']:.0f} s, {sample['calls']:,} calls,"
        f" {sample['rss'] / MB:.0f} MB, {sample['processes']} processes,"
        f" {sample['descriptors']} descriptors, {sample['threads']} threads"
    )


def summary(
    seed: int,
    samples: Sequence[Sample],
    accounts: Mapping[str, Accounts],
    drifts: Sequence[Drift],
    wrong: Sequence[str],
) -> dict[str, Any]:
    calls = sum(each.issued for side in accounts.values() for each in side.values())
    seconds = samples[-1]["seconds"]
    return {
        "seed": seed,
        "seconds": seconds,
        "calls": calls,
        "calls_per_second": round(calls / seconds),
        "wrong": list(wrong),
        "kinds": {
            side: {
                kind: {"issued": account.issued, "ended": account.ended}
                | {ending.name.lower(): count for ending, count in account.endings.items()}
                for kind, account in kinds.items()
            }
            for side, kinds in accounts.items()
        },
        "drift": {
            each.rule.figure: {
                "first": each.first,
                "last": each.last,
                "allowed": each.allowed,
                "per_million_calls": each.per_million,
                "failed": each.failed,
            }
            for each in drifts
        },
    }


def show(
    accounts: Mapping[str, Accounts], drifts: Sequence[Drift], totals: dict[str, Any], where: Path
) -> None:
    endings = [ending for ending in Ending if ending is not Ending.OPEN]
    head = "".join(f"{ending.name.lower():>11}" for ending in endings)
    for side, kinds in accounts.items():
        say(f"\n{side + ' calls':20}{'issued':>11}{'ended':>11}{head}")
        for kind, account in sorted(kinds.items(), key=lambda item: -item[1].issued):
            counts = "".join(f"{account.endings[ending]:>11,}" for ending in endings)
            say(f"{kind:20}{account.issued:>11,}{account.ended:>11,}{counts}")
    say(f"\n{'figure':18}{'first third':>14}{'last third':>14}{'allowed':>12}{'per million':>14}")
    for drift in drifts:
        unit = drift.rule.unit
        say(
            f"{drift.rule.figure:18}{drift.first / unit:>14,.6g}{drift.last / unit:>14,.6g}"
            f"{drift.allowed / unit:>+12.3g}{drift.per_million / unit:>+14.3g}"
            f"{'  FAILED' if drift.failed else ''}"
        )
    say(
        f"\n{totals['calls']:,} calls in {totals['seconds']:.0f} s:"
        f" {totals['calls_per_second']:,} calls/s; seed {totals['seed']}; {where}"
    )
    for text in totals["wrong"][:MOST_SHOWN]:
        say(f"WRONG: {text}")
    say("soak: ok" if not totals["wrong"] else f"soak: {len(totals['wrong'])} things are wrong")
