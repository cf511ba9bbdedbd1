# SPDX-License-Identifier: Apache-2.0
"""The documentation reaches the tools of users: the shell's `h`, iex, and `rebar3 edoc`."""

import re
from pathlib import Path

import pytest
from conftest import ROOT, UserProject

MODULES = ["py", "py_adapter", "py_context", "py_function_options", "py_loop", "py_process"]
PRIVATE = {file.stem for file in (ROOT / "erl/src").glob("*.erl")} - set(MODULES)

# The functions of a module that `h` shows nothing about.
SILENT = """
    begin
        {ok, {docs_v1, _, _, _, ModuleDoc, _, Docs}} = code:get_doc(MODULE),
        #{<<"en">> := _} = ModuleDoc,
        [{F, A} || {{function, F, A}, _, _, Doc, _} <- Docs, Doc =:= none]
    end
"""


def rendered(project: UserProject, call: str) -> str:
    """What the shell prints, without the breaks of its lines."""
    module = call.partition(",")[0]
    docs = f"element(2, code:get_doc({module}))"
    lines = project.evaluate(f"shell_docs:render({call}, {docs})", form="~ts")
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize("module", MODULES)
def test_each_public_function_is_documented_in_the_shell(project: UserProject, module: str) -> None:
    assert project.evaluate(SILENT.replace("MODULE", module)) == ["[]"]


def test_the_shell_shows_a_function_with_its_example(project: UserProject) -> None:
    shown = rendered(project, "py,call,5")
    assert "Calls Module.Function(*Args, **Kwargs) and waits for its value." in shown
    assert "{ok, 4.0} = py:call(math, sqrt, [16])." in shown


def test_the_options_of_a_loop_are_where_users_look(project: UserProject) -> None:
    shown = rendered(project, "py_loop,start_link,1")
    for option in ("name", "main", "loop", "stop_timeout"):
        assert f"{option}:" in shown


@pytest.fixture(scope="module")
def manual(project: UserProject) -> Path:
    project.run("rebar3", "edoc", cwd=project.dependency)
    return project.dependency / "doc"


def test_the_manual_has_the_public_modules(manual: Path) -> None:
    modules = re.findall(r"py\w*", (manual / "edoc-info").read_text().partition("modules")[2])
    assert sorted(modules) == MODULES


def test_no_page_of_the_manual_links_to_a_private_module(manual: Path) -> None:
    pages = {page: page.read_text() for page in manual.glob("*.html")}
    linked = {
        (page.name, target)
        for page, text in pages.items()
        for target in re.findall(r'\shref="[^"]*?(\w+)\.html', text)
    }
    assert ("py.html", "py_context") in linked
    assert [link for link in linked if link[1] in PRIVATE] == []


def test_each_page_that_the_manual_links_to_is_there(manual: Path) -> None:
    missing = [
        (page.name, target)
        for page in manual.glob("*.html")
        for target in re.findall(r'\shref="([^"#:/]+\.html)', page.read_text())
        # EDoc does not know where OTP's pages are.
        if target != "gen_server.html" and not (manual / target).is_file()
    ]
    assert missing == []
