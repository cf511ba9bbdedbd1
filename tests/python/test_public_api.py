# SPDX-License-Identifier: Apache-2.0
"""The package as users see it: names, documentation, types."""

import asyncio
import inspect
import pickle
import subprocess
import sys
import traceback
from importlib import resources
from pathlib import Path

import pytest
from conftest import Node

import erlang
from erlang import hosting, testing

CONTRACT = """
    Atom BlockingCallWarning Disconnected Error Fun NoNode Overloaded Pid Port Ref Timeout
    UndefinedFunction async_call call function map register_adapter registered send starmap stats
""".split()

# Beyond the contract: types that users meet and may need to name.
MORE = ["Call", "Function", "Interrupted"]

TYPED = """
import asyncio
import erlang
from erlang import double_it

async def main() -> None:
    call: erlang.Call[object] = erlang.async_call("echo", 1, timeout=1.0)
    task: asyncio.Task[object] = asyncio.create_task(call)
    future: asyncio.Future[object] = call
    async with asyncio.TaskGroup() as group:
        group.create_task(erlang.double_it.aio(21))
    await asyncio.gather(call, task, future, asyncio.shield(call))
    await asyncio.wait_for(call, 1)
    names: list[str] = await erlang.map("name", range(3), concurrency=2)
    pairs: erlang.Call[list[int]] = erlang.starmap("add", [(1, 2), (3, len(names))])
    await asyncio.wait_for(pairs, 1)
    if call.cancel():
        return

def work(error: erlang.Error, pid: erlang.Pid) -> str:
    erlang.send(pid, erlang.Atom("ok"))
    erlang.send((erlang.Atom("name"), erlang.Atom("node")), 1)
    count: int = erlang.stats()["in_flight"]
    erlang.register_adapter(range, lambda numbers: list(numbers))
    double_it(count)
    return error.kind + error.function + "".join(error.stacktrace)
"""


def test_all_lists_the_contract_and_little_more() -> None:
    assert sorted(erlang.__all__) == sorted(CONTRACT + MORE)
    assert erlang.__all__ == sorted(erlang.__all__)


@pytest.mark.parametrize("name", [*CONTRACT, *MORE])
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(erlang, name)
    assert inspect.getdoc(value)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("call", "(name, /, *args, timeout=None, wait=None, binaries=None)"),
        ("async_call", "(name, /, *args, timeout=None, wait=None, binaries=None)"),
        ("map", "(name, items, /, *, timeout=None, wait=None, binaries=None, concurrency=None)"),
        (
            "starmap",
            "(name, items, /, *, timeout=None, wait=None, binaries=None, concurrency=None)",
        ),
        ("send", "(to, term, /)"),
        ("stats", "()"),
    ],
)
def test_native_functions_have_signatures(name: str, signature: str) -> None:
    assert str(inspect.signature(getattr(erlang, name))) == signature


def test_a_star_import_gives_those_names() -> None:
    names: dict[str, object] = {}
    exec("from erlang import *", names)
    assert set(names) - {"__builtins__"} == set(erlang.__all__)


def test_nothing_else_is_public_but_submodules() -> None:
    public = {
        name
        for name, value in vars(erlang).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(erlang.__all__)


def test_dir_shows_the_public_names_and_the_registered_functions_only() -> None:
    expected = {*erlang.__all__, "__version__", "hosting", "testing", *erlang.registered()}
    assert dir(erlang) == sorted(expected)
    assert "echo" in erlang.registered()
    assert not any(name.startswith("$") for name in erlang.registered())


def test_a_function_may_have_the_name_of_a_module_of_python() -> None:
    assert erlang.call("register_name", "os", "double_it")
    try:
        assert erlang.os(21) == 42
    finally:
        erlang.call("unregister_name", "os")


def test_a_fake_is_for_tests_outside_of_a_node() -> None:
    with pytest.raises(RuntimeError, match="outside of a node"), testing.fake():
        pass


def test_hosting_has_its_coroutines() -> None:
    assert hosting.__all__ == ["aiohttp", "hypercorn", "uvicorn"]
    for name in hosting.__all__:
        assert inspect.iscoroutinefunction(getattr(hosting, name))


@pytest.mark.parametrize(
    "cls", [value for name in erlang.__all__ if isinstance(value := getattr(erlang, name), type)]
)
def test_classes_have_the_name_that_users_import(cls: type) -> None:
    assert f"{cls.__module__}.{cls.__qualname__}" == f"erlang.{cls.__name__}"
    assert pickle.loads(pickle.dumps(cls)) is cls


def test_tracebacks_show_the_public_names_of_exceptions() -> None:
    with pytest.raises(erlang.UndefinedFunction) as raised:
        erlang.call("no_such_function")
    last = traceback.format_exception_only(raised.value)[-1]
    assert last.startswith("erlang.UndefinedFunction: no_such_function: ")


def test_types_print_as_names_of_the_package() -> None:
    assert str(erlang.Atom) == "<class 'erlang.Atom'>"
    assert str(erlang.Pid) == "<class 'erlang.Pid'>"
    assert issubclass(erlang.Call, asyncio.Future)


def test_the_package_is_typed() -> None:
    files = {path.name for path in resources.files("erlang").iterdir()}
    assert {"py.typed", "__init__.pyi"} <= files


def test_the_stubs_say_what_is_there(
    node: Node, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    """stubtest imports the package, so it runs in a node, which has the same version of Python."""
    root = pytestconfig.rootpath
    text = (root / "pyproject.toml").read_text().replace("$MYPY_CONFIG_FILE_DIR", str(root))
    version = 'python_version = "{}.{}"'.format
    assert version(3, 11) in text
    settings = tmp_path / "pyproject.toml"
    settings.write_text(text.replace(version(3, 11), version(*sys.version_info[:2])))
    # Marked as a coroutine function: what it returns can be awaited, but is a future.
    marked = tmp_path / "marked"
    marked.write_text(r"erlang(\._function)?\.Function\.aio")
    options = ["--ignore-disjoint-bases", "--mypy-config-file", settings]
    options += ["--allowlist", marked, "--ignore-unused-allowlist"]
    done = node.run("-m", "mypy.stubtest", "erlang", *options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_code_that_uses_the_package_type_checks(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(TYPED)
    package = Path(erlang.__file__).resolve().parents[1]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", program],
        env={"MYPYPATH": str(package), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
