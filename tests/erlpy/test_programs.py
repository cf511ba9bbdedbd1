# SPDX-License-Identifier: Apache-2.0
"""Programs have the same output and the same end under erlpy as under python3."""

import pytest
from conftest import ERLPY, PYTHON, Ended, Place

FAILING = """\
import sys
def inner(x):
    return 1 / x
class Program:
    def run(self):
        try:
            inner(0)
        except ZeroDivisionError as error:
            raise ValueError("größe") from error
print("before", flush=True)
Program().run()
"""

WHO = """\
import sys, traceback, inspect, threading
print(__name__, __file__ if "__file__" in globals() else None, type(__loader__).__name__)
print(__spec__ if __spec__ is None else __spec__.name, sys.argv, repr(sys.path[0]))
print(sorted(n for n in globals() if n != "erlang"))
print(len(inspect.stack()), sys._getframe().f_back, threading.current_thread().name)
traceback.print_stack(file=sys.stdout)
print(sys.executable, sys.prefix, sys.flags)
"""


def test_a_script(place: Place) -> None:
    place.write("folder/script.py", WHO)
    assert place.same("folder/script.py", "-x", "", "a b", "--", "-c").status == 0


def test_a_script_behind_a_link(place: Place) -> None:
    place.write("folder/script.py", WHO)
    (place.folder / "link.py").symlink_to("folder/script.py")
    place.same("link.py")


def test_code_from_the_command_line(place: Place) -> None:
    place.same("-c", WHO, "argument")


@pytest.mark.parametrize(
    "source",
    [
        "\n  x = 1\n  print(x)\n\n  1/0",
        "  if 1:\n      print(1)\n  print(2)",
        "\tprint(1)\n\tprint(2)",
        "  print(1)\n \tprint(2)",
        "  print(1)\nprint(2)",
        "  print(1)\n \n\n   # a comment\n  print('a\\\n  b')",
        "  \n",
        "",
    ],
)
def test_indented_code_from_the_command_line(place: Place, source: str) -> None:
    place.same("-c", source)


def test_lines_of_code_from_the_command_line(place: Place) -> None:
    place.same("-c", "def f():\n  return g()\ndef g():\n  return 1/0\nf()\n")
    place.same("-W", "always", "-c", "import warnings\nwarnings.warn('beware')\n")
    place.same("-c", "import inspect\ndef f(): pass\nprint(inspect.getsource(f))")


def test_a_module(place: Place) -> None:
    place.write("module.py", WHO)
    place.write("package/__init__.py", "print('package', __name__)")
    place.write("package/__main__.py", WHO)
    place.same("-m", "module", "argument")
    place.same("-m", "package", "-m")
    place.same("-m", "no_such_module")


def test_a_folder_and_an_archive(place: Place) -> None:
    place.write("folder/__main__.py", WHO)
    place.same("folder", "argument")
    place.run([*ERLPY[:1]], "-m", "zipapp", "folder", "-o", "archive.pyz")
    place.same("archive.pyz")
    (place.folder / "empty").mkdir()
    place.same("empty")


def test_a_compiled_file(place: Place) -> None:
    place.write("module.py", WHO)
    place.run([*ERLPY[:1]], "-c", "import py_compile; py_compile.compile('module.py', 'm.pyc')")
    place.same("m.pyc")
    (place.folder / "m.pyc").rename(place.folder / "compiled.bin")
    place.same("compiled.bin")


@pytest.mark.parametrize("arguments", [(), ("-",), ("-", "a", "b")])
def test_a_program_from_standard_input(place: Place, arguments: tuple[str, ...]) -> None:
    place.same(*arguments, stdin=WHO)


def test_a_program_from_a_pipe(place: Place) -> None:
    place.same("/dev/stdin", stdin=FAILING)


def test_a_program_from_standard_input_can_read_on(place: Place) -> None:
    place.same(stdin="import sys\nprint(len(sys.stdin.read()))\n" + "# padding\n" * 5000)


def test_a_debugger_that_goes_on_after_the_program(place: Place) -> None:
    place.same("-c", "import threading\nbreakpoint()\nx = 1", stdin="next\nnext\ncontinue\n")


def test_standard_input_is_the_programs(place: Place) -> None:
    place.same(
        "-c", "print([input('? '), input()], __import__('sys').stdin.read())", stdin="a\nb\nc"
    )
    place.same(
        "-c",
        "import sys; data = sys.stdin.buffer.read(); print(len(data), hash(data) != 0)",
        stdin="\x00\x01ü\n" * 100_000,
    )
    place.same("-c", "input()", stdin="")


@pytest.mark.parametrize(
    "source",
    [
        FAILING,
        "def f(:\n  pass\n",
        "x = 1\n  y = 2\n",
        "print('never')\n'unterminated\n",
        "raise SystemExit(None)",
        "raise SystemExit(300)",
        "raise SystemExit(-1)",
        "raise SystemExit(('a', 1))",
        "import sys; sys.exit('a message')",
        "import sys; sys.stderr = None; sys.exit('a message')",
        "class E(SystemExit): pass\nraise E(7)",
        "raise StopIteration",
        "raise GeneratorExit",
        "raise KeyboardInterrupt",
        "class K(KeyboardInterrupt): pass\nraise K",
        "import sys\nsys.excepthook = lambda *a: print('hook', a[0])\n1/0",
        "import os; os._exit(9)",
        "raise BaseException('base')",
        "raise ExceptionGroup('group', [ValueError(1), TypeError(2)])",
        "def f(): f()\nf()",
    ],
)
def test_how_programs_end(place: Place, source: str) -> None:
    place.same(place.write("program.py", source))
    place.same("-c", source)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise SystemExit(2**70)", ""),
        ("raise SystemExit(-(2**70))", ""),
        ("raise SystemExit(2**32 + 5)", ""),
        ("class E:\n  def __str__(self): 1/0\nraise SystemExit(E())", "\n"),
    ],
)
def test_an_exit_that_fails_itself(place: Place, source: str, error: str) -> None:
    """Some versions of python3 then print an additional error, which erlpy need not print."""
    for arguments in (("-c", source), (place.write("program.py", source),)):
        expected = place.run(PYTHON, *arguments)
        assert place.run(ERLPY, *arguments) == Ended("", error, expected.status)


def test_how_modules_and_input_end(place: Place) -> None:
    place.write("module.py", FAILING)
    place.same("-m", "module")
    place.same(stdin=FAILING)
    place.same("-c", "import module")
    place.same("-m", "module", PYTHONUTF8="1", PYTHONNODEBUGRANGES="1")


def test_what_can_not_be_run(place: Place) -> None:
    place.same("no_such_file.py")
    (place.folder / "latin1.py").write_bytes(b"print('\xe4')\n")
    place.same("latin1.py")
    (place.folder / "zero.py").write_bytes(b"print(1)\n\x00\n")
    place.same("zero.py")
    place.same("-c", "import no_such_module")


def test_fatal_signals_end_the_process_as_python3(place: Place) -> None:
    place.same("-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    place.same("-c", "import os, signal; os.kill(os.getpid(), signal.SIGHUP)")


@pytest.mark.parametrize(
    "options",
    [
        "-O -OO -c",
        "-W error -X utf8 -X tracemalloc=5 -c",
        "-W ignore::UserWarning -b -c",
        "-u -B -s -c",
        "-E -c",
        "-I -c",
        "-P -c",
        "-S -s -c",
        "-X dev -c",
        "-X nosuchoption=1 -c",
        "-X warn_default_encoding -X no_debug_ranges -c",
        "-v -V",
        "-VV",
        "--version",
        "-h",
        "--help-env",
        "--nonsense",
        "-m",
        "-c",
    ],
)
def test_options(place: Place, options: str) -> None:
    code = (
        "import sys, warnings; print(sys.flags, sys.warnoptions, sys._xoptions, __debug__); "
        "print('' in sys.path, 'extra' in sys.path); warnings.warn('beware'); input"
    )
    chosen = options.split()
    if chosen[-1] == "-c" and len(chosen) > 1:
        chosen.append(code)
    if "-v" not in chosen:
        place.same(*chosen, PYTHONPATH="extra", PYTHONWARNINGS="default")


def test_the_first_line_may_be_skipped(place: Place) -> None:
    place.write("program.py", "this is no Python\nprint('second')\n1/0\n")
    place.same("-x", "program.py")


# Without what tells child processes where the node and its package are. Both stand at the end.
VARIABLES = """
import os
os.environ.pop("ERLANG_PYTHON_SOCKET", None)
os.environ["PYTHONPATH"] = os.environ["PYTHONPATH"].split(os.pathsep)[0]
print(sorted(os.environ.items()))
"""


def test_variables_of_the_environment(place: Place) -> None:
    place.write("extra/found.py", "print('found', __name__)")
    place.same("-c", "import found", PYTHONPATH="extra")
    place.same("-c", "import found, sys; print(sys.flags)", PYTHONPATH="extra", PYTHONOPTIMIZE="2")
    place.same("-c", "print('ü')", PYTHONIOENCODING="latin-1")
    place.same("-c", "import sys; print(sys.stdout.encoding, sys.flags.utf8_mode)", LC_ALL="C")
    place.write("variables.py", VARIABLES)
    place.same("variables.py", EXTRA="1", PYTHONHASHSEED="0", PYTHONPATH="extra")
    place.same("-c", "print(hash('a'))", PYTHONHASHSEED="5")
