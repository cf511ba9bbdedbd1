# SPDX-License-Identifier: Apache-2.0
"""The rules notice growing figures, and only those, on samples made for each rule."""

from random import Random

import pytest
from drift import FEWEST_POINTS, RULES, Rule, beyond, differing, judge, judge_all

POINTS = 30
CALLS_BETWEEN = 200_000
USED = {"rss": 2e8, "erlang_memory": 4e7, "binary_memory": 1e6, "atoms": 10_000}

Points = list[dict[str, float]]

by_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.figure)


def flat() -> Points:
    """Points at which no figure changes."""
    used = {rule.figure: USED.get(rule.figure, 50.0) for rule in RULES}
    return [{**used, "calls": CALLS_BETWEEN * number} for number in range(POINTS)]


def failed(points: Points) -> list[str]:
    return [drift.rule.figure for drift in judge_all(points) if drift.failed]


def test_what_stays_has_not_drifted() -> None:
    assert failed(flat()) == []


@by_rule
def test_more_than_may_grow_in_the_time_between_the_thirds_is_noticed(rule: Rule) -> None:
    """The figure grows evenly, by a little more than the allowed total."""
    points = flat()
    between = POINTS - POINTS // 3
    allowed = rule.slack + rule.per_million * between * CALLS_BETWEEN / 1e6
    each = (allowed * 1.01 + 0.01) / between
    for number, point in enumerate(points):
        point[rule.figure] += number * each
    assert failed(points) == [rule.figure]


@by_rule
def test_what_may_grow_is_forgiven(rule: Rule) -> None:
    points = flat()
    allowed = rule.slack + rule.per_million * (POINTS - POINTS // 3) * CALLS_BETWEEN / 1e6
    for point in points[POINTS // 2 :]:
        point[rule.figure] += allowed * 0.99
    assert failed(points) == []


@by_rule
def test_one_odd_point_fails_what_is_counted_and_no_memory(rule: Rule) -> None:
    points = flat()
    points[POINTS - 3][rule.figure] += rule.slack + 1e9
    assert failed(points) == ([rule.figure] if rule.exact else [])


@by_rule
def test_shrinking_is_no_drift(rule: Rule) -> None:
    points = flat()
    for number, point in enumerate(points):
        point[rule.figure] *= 1 - number / 100
    assert failed(points) == []


def test_ten_bytes_for_each_call_are_noticed_among_noise() -> None:
    random = Random(1)
    points = flat()
    for point in points:
        point["rss"] += random.gauss(0, 5e6)
    assert failed(points) == []
    for point in points:
        point["rss"] += 10 * point["calls"]
    assert failed(points) == ["rss"]


def test_one_process_in_the_last_moment_is_noticed() -> None:
    points = flat()
    points[-1]["processes"] += 1
    assert failed(points) == ["processes"]


def test_a_drift_says_what_grew_from_what_to_what() -> None:
    points = flat()
    points[-1]["processes"] += 3
    (drift,) = [drift for drift in judge_all(points) if drift.failed]
    assert str(drift) == "processes: 50 -> 53, +3 of 0 allowed"


def test_the_growth_of_a_million_calls_is_between_the_medians_of_the_thirds() -> None:
    points = [{"rss": 2.0 * number, "calls": 1e6 * number} for number in range(9)]
    drift = judge(Rule("rss", exact=False), points)
    assert (drift.first, drift.last, drift.millions, drift.per_million) == (2, 14, 6, 2)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ValueError, match="5 quiescent points are too few"):
        judge_all(flat()[: FEWEST_POINTS - 1])


def test_points_are_compared_by_what_is_counted() -> None:
    before, after = flat()[:2]
    after["threads"] += 1
    after["ports"] -= 1
    after["rss"] += 1e9
    assert differing(after, before) == ["threads", "ports"]
    assert beyond(after, before) == ["threads"]
