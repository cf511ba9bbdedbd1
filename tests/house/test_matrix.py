# SPDX-License-Identifier: Apache-2.0
"""The page of `./dev matrix`, and the settings of this machine that a Debian tree gets."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def report(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(root / "tools")
    import matrix_report

    monkeypatch.setattr(matrix_report, "PAGE", tmp_path / "platforms.md")
    return matrix_report


def result(report: ModuleType, name: str, date: str, failed: tuple[str, ...] = ()) -> object:
    parts = {"erl": report.Counts(3, len(failed), 0, failed), "web": report.Counts(2)}
    return report.Result(name, date, "abc", ("13", "27", "3.13", "14"), True, parts)


def test_a_row_stays_until_its_platform_runs_again(report: ModuleType) -> None:
    order = ["a", "b", "c", "d"]
    old = [result(report, "a", "day 1", ("x|y", "z")), result(report, "b", "day 1")]
    report.write(old, order, {"c": "no CPython"})
    page = report.PAGE.read_text()
    assert "| a | day 1 | abc | 13 | 27 | 3.13 | 14 | ok | 5 passed, 2 failed |" in page
    assert "| a | erl 3; **2 failed**, web 2 |" in page
    assert "| a | erl: `x/y` |\n| a | erl: `z` |" in page
    assert "| c | no CPython |" in page
    assert "| d | not run |" in page
    report.write([result(report, "b", "day 2"), result(report, "d", "day 2")], order, {})
    after = report.PAGE.read_text()
    assert [line for line in after.splitlines() if line.startswith("| a ")] == [
        line for line in page.splitlines() if line.startswith("| a ")
    ]
    assert after.count("| b |") == 2
    assert "| b | day 1 |" not in after
    assert "| c | no CPython |" in after
    assert "| d | day 2 |" in after
    report.write([result(report, "a", "day 3")], order, {})
    assert "## Failed tests" not in report.PAGE.read_text()


def test_only_a_run_without_failures_is_good(report: ModuleType) -> None:
    good = result(report, "a", "day")
    assert good.good  # type: ignore[attr-defined]
    assert not result(report, "a", "day", ("x",)).good  # type: ignore[attr-defined]
    assert not report.Result("a", "day", "abc", demo=True).good
    for trouble, demo in (("no tree", True), ("", False)):
        bad = report.Result("a", "day", "abc", demo=demo, parts=good.parts, trouble=trouble)  # type: ignore[attr-defined]
        assert not bad.good


def test_a_tree_gets_of_the_environment_what_package_clients_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(root / "tools")
    import matrix_tree

    kept = {"PIP_CERT": "a", "https_proxy": "b", "NO_PROXY": "c", "SSL_CERT_FILE": "d"}
    other = {"PYTHONPATH": "e", "PIPX": "f", "ERL_FLAGS": "g", "TOKEN": "h"}
    assert matrix_tree.registry_variables({**kept, **other}) == kept


def test_an_unknown_platform_is_refused(root: Path) -> None:
    command = [sys.executable, "tools/matrix.py", "no_such"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no platform is called no_such; there are: debian12" in done.stderr


def test_a_tree_gets_the_commit_of_the_whole_run(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(root / "tools")
    import matrix_tree

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        command = ["git", "-C", str(tmp_path / "origin"), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    (tmp_path / "origin").mkdir()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "the run begins")
    commit = git("rev-parse", "HEAD")
    git("commit", "-q", "--allow-empty", "-m", "meanwhile")
    monkeypatch.setattr(matrix_tree, "ROOT", tmp_path / "origin")
    monkeypatch.setattr(matrix_tree, "MATRIX", tmp_path)
    tree = matrix_tree.Tree("tree", "sid")
    with (tmp_path / "log").open("w") as log:
        for keep_build in (False, True):
            tree.clone(commit, keep_build=keep_build, log=log)
            head = (tree.project / ".git/HEAD").read_text().removeprefix("ref: ").strip()
            assert (tree.project / ".git" / head).read_text().strip() == commit
