# SPDX-License-Identifier: Apache-2.0
"""Hosted code finds the modules that the program finds, also before the program begins."""

import pytest
from conftest import ERLPY, Place

SERVICE = """\
import asyncio
async def main():
    await asyncio.get_running_loop().create_future()
async def name():
    return __file__
"""

PROGRAM = "import erlang; print(erlang.call('where'))"
START = (
    "{ok, _} = py_loop:start_link(#{name => web, main => {hosted_service, main, []}}),"
    "{ok, File} = py_loop:call(web, hosted_service, name, []),"
    "py:register_function(where, fun([]) -> File end)"
)


@pytest.mark.parametrize("way", ["code", "module", "script", "input"])
def test_a_loop_that_starts_before_the_program(place: Place, way: str) -> None:
    place.write("hosted_service.py", SERVICE)
    place.write("program.py", PROGRAM)
    arguments = {
        "code": ("-c", PROGRAM),
        "module": ("-m", "program"),
        "script": ("program.py",),
        "input": (),
    }[way]
    ended = place.run(ERLPY, "--erl", START, *arguments, stdin=PROGRAM if way == "input" else "")
    assert ended.status == 0, ended.error
    assert ended.output.strip() == str(place.folder / "hosted_service.py")


def test_a_loop_of_the_configuration(place: Place) -> None:
    place.write("hosted_service.py", SERVICE)
    config = place.write(
        "node.config",
        "[{erlang_python, [{loops, [#{name => web, main => {hosted_service, main, []}}]}]}].",
    )
    call = "{ok, _} = py_loop:call(web, hosted_service, name, [])"
    ended = place.run(ERLPY, "--config", config, "--erl", call, "-c", "print('ended')")
    assert (ended.output, ended.status) == ("ended\n", 0), ended.error


def test_the_folder_is_put_on_the_path_once(place: Place) -> None:
    program = place.write("program.py", "import sys; print(sys.path.count(sys.path[0]))")
    assert place.same(program).output == "1\n"
    assert place.same("-m", "program").output == "1\n"


def test_a_safe_path_has_no_folder_of_the_program(place: Place) -> None:
    place.write("hosted_service.py", SERVICE)
    call = "{error, {'ModuleNotFoundError', _}} = py:call(hosted_service, name, [])"
    ended = place.run(ERLPY, "--erl", call, "-P", "-c", "print('ended')")
    assert (ended.output, ended.status) == ("ended\n", 0), ended.error
