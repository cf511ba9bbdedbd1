# SPDX-License-Identifier: Apache-2.0
"""The benchmarks' plots accept all results of a run."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest


@pytest.mark.parametrize("figure", ["memory", "web_route"])
@pytest.mark.parametrize("value", [-40.0, 0.0, 1e-9, 1e12])
def test_a_figure_of_any_size_is_drawn(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: str, value: float
) -> None:
    monkeypatch.syspath_prepend(root / "bench")
    import plots

    side = {"name": "side", "p50": value, "p99": value, "max": value}
    record = {"figure": figure, "variant": "any", "value": value, "measured": side, "floor": side}
    for file in plots.draw([record], tmp_path):
        numbers = [
            float(element.attrib[name])
            for element in ET.parse(file).iter()
            for name in ("x", "x1", "x2", "cx", "width")
            if name in element.attrib
        ]
        assert all(0 <= number <= plots.LABELS + plots.WIDTH + 60 for number in numbers), file
