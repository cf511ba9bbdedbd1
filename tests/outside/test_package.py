# SPDX-License-Identifier: Apache-2.0
"""`pip install` of the repository: what users and their tools get."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

TYPED = """
import asyncio
import erlang
from erlang import double_it, hosting, testing

async def main() -> None:
    call: erlang.Call[object] = erlang.async_call("echo", 1, timeout=1.0)
    await asyncio.gather(call, erlang.double_it.aio(21))
    await hosting.aiohttp("service:app", port=8000)

names: list[str] = erlang.registered()
version: str = erlang.__version__

def test() -> None:
    with testing.fake(double_it=lambda number: 2 * number) as node:
        double_it(1)
    calls: list[tuple[str, tuple[object, ...]]] = node.calls
    try:
        erlang.call("echo", calls)
    except erlang.NoNode as error:
        print(error)
"""

# The folder of the tests, and with it the package of the repository, must not be in the way.
ISOLATED = ("-I", "-c")


@pytest.fixture(scope="module")
def installed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of a virtual environment with the package and nothing else."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin/python"
    # Without a compiler: the programs of PATH are those of the environment only.
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", root],
        env={"PATH": str(folder / "bin"), "HOME": str(folder)},
        check=True,
    )
    return python


def run(*command: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_the_package_can_be_imported_in_any_python(installed: Path, root: Path) -> None:
    version = run(installed, *ISOLATED, "import erlang; print(erlang.__version__)").strip()
    assert f'{{vsn, "{version}"}}' in (root / "src/erlang_python.app.src").read_text()
    show = "from importlib import metadata; print(metadata.version('erlang-python'))"
    assert run(installed, *ISOLATED, show).strip() == version


def test_every_module_for_users_can_be_imported(installed: Path) -> None:
    run(installed, *ISOLATED, "import erlang.hosting, erlang.testing")


def test_the_installation_leaves_nothing_in_the_checkout(installed: Path, root: Path) -> None:
    assert not [*root.glob("*.egg-info"), *root.glob("pysrc/*.egg-info")]


def test_type_checkers_find_the_installed_package(installed: Path, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(TYPED)
    options = ["--strict", "--cache-dir", tmp_path / "cache", "--config-file", ""]
    run(sys.executable, "-m", "mypy", *options, "--python-executable", installed, program)
