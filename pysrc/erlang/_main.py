# SPDX-License-Identifier: Apache-2.0
"""Parts of ``erlpy``'s main program that run no user code. nif/erlpy/main_program.cpp has the rest.

Everything here does what CPython's own ``main.c`` and ``pythonrun.c`` do, in the same order.
"""

import __future__

import ast
import codeop
import gc
import io
import linecache
import os
import struct
import sys
import textwrap
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import reduce
from importlib import import_module
from importlib.machinery import SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from operator import or_
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

import __main__

# The flags of `from __future__` statements.
FUTURES = reduce(
    or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)

# The largest C long plus one.
LONG = 1 << (8 * struct.calcsize("l") - 1)


def set_first_path(importable: str | None, script: str | None, module: bool) -> None:
    """Puts the folder on ``sys.path`` in which the program finds its own modules."""
    if importable is not None:
        sys.path.insert(0, importable)
    elif not sys.flags.safe_path:
        if module:
            folder = os.getcwd()
        else:
            folder = "" if script is None else os.path.dirname(os.path.realpath(script))
        sys.path.insert(0, folder)


def load_readline() -> None:
    """Line editing for the prompt and for input()."""
    try:
        import readline  # noqa: F401
        import rlcompleter  # noqa: F401
    except ImportError:
        pass


def has_site() -> bool:
    return not sys.flags.no_site


def why_not_to_run(filename: str, error: int) -> int:
    """The exit code for a script that can't be opened or is a folder; 0 for a good script."""
    if error:
        said = (
            f"can't open file {os.path.abspath(filename)!r}: [Errno {error}] {os.strerror(error)}"
        )
        code = 2
    elif os.path.isdir(filename):
        said, code = f"{filename!r} is a directory, cannot continue", 1
    else:
        return 0
    print(f"{sys.orig_argv[0]}: {said}", file=sys.stderr)
    return code


def enter_file(filename: str, is_file: bool) -> tuple[bool, CodeType | None]:
    """Sets the names of ``__main__`` for a file. Returns whether it did, and any compiled code."""
    namespace = __main__.__dict__
    entered = "__file__" not in namespace
    if entered:
        namespace["__file__"] = filename
        if sys.version_info < (3, 15):
            namespace["__cached__"] = None
    if not is_file:
        return entered, None
    with io.open_code(filename) as file:
        compiled = filename.endswith(".pyc") or file.read(2) == MAGIC_NUMBER[:2]
        if not compiled:
            namespace["__loader__"] = SourceFileLoader("__main__", filename)
            return entered, None
        namespace["__loader__"] = loader = SourcelessFileLoader("__main__", filename)
        return entered, loader.get_code("__main__")


def leave_file() -> None:
    __main__.__dict__.pop("__file__", None)
    __main__.__dict__.pop("__cached__", None)


def compile_command(source: str) -> CodeType:
    """For ``-c``, from CPython 3.13 on."""
    if sys.version_info >= (3, 14):
        source = textwrap.dedent(source)
    code = compile(source, "<string>", "exec", dont_inherit=True)
    remember_source(code, source, "<string>")
    return code


def remember_source(code: CodeType, source: str, name: str) -> None:
    """Makes tracebacks show lines of code that is in no file. Before CPython 3.13 none do."""
    remember = getattr(linecache, "_register_code", None)
    if remember is not None:
        remember(code, source, name)


def prompt_name(number: int) -> str:
    """The file name of a statement's code at the prompt."""
    if sys.version_info >= (3, 14):
        name = f"<stdin-{number}>"
    elif sys.version_info >= (3, 13):
        name = f"<stdin>-{number}"
    else:
        name = "<stdin>"
    return name


def run_interactive_hook() -> None:
    """Sets up completion and history as ``site`` has prepared them."""
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        return
    sys.audit("cpython.run_interactivehook", hook)
    try:
        hook()
    except Exception:
        print("Failed calling sys.__interactivehook__", file=sys.stderr)
        sys.excepthook(*cast(Any, sys.exc_info()))


def use_new_prompt(first: bool) -> bool:
    """Runs the prompt of CPython 3.13 and later, if this terminal has one."""
    basic = os.environ.get("PYTHON_BASIC_REPL")
    if (basic and not sys.flags.ignore_environment) or not os.isatty(0):
        return False
    try:
        prompt = import_module("_pyrepl.main")
    except ImportError:
        return False
    if not prompt.CAN_USE_PYREPL:
        if prompt.FAIL_REASON and not basic:
            print(prompt.FAIL_REASON, file=sys.stderr)
        return False
    prompt.interactive_console(mainmodule=__main__, pythonstartup=False)
    return True


class Statements:
    """Reads an interactive program, statement by statement."""

    def __init__(self, read_line: Callable[[str], bytes], flags: int) -> None:
        self._read_line = read_line
        self._compile = codeop.CommandCompiler()
        self._compile.compiler.flags |= flags
        self._count = 0
        for name, text in (("ps1", ">>> "), ("ps2", "... ")):
            if not hasattr(sys, name):
                setattr(sys, name, text)

    def next(self) -> CodeType | None:
        """Returns the code of the next statement; None at the end of the input."""
        lines: list[str] = []
        while True:
            try:
                line = self._read_line(str(sys.ps2 if lines else sys.ps1))
            except KeyboardInterrupt:
                print(file=sys.stderr)
                raise
            if not line:
                print(file=sys.stderr)
                return self._last(lines)
            lines.append(line.decode(sys.stdin.encoding or "utf-8"))
            if not line.endswith(b"\n"):
                continue  # the line is incomplete: read more
            source = "".join(lines).removesuffix("\n")
            whole, has_place = self._is_whole(source)
            if whole:
                # Compile once more with the end of the line, where an error without a place is.
                return self._code(source) if has_place else self._last(lines)

    def _is_whole(self, source: str) -> tuple[bool, bool]:
        """Whether a statement is complete, and whether its error has a place."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings are shown when the statement is compiled
            try:
                return self._compile(source, "<stdin>", "single") is not None, True
            except SyntaxError as error:
                place = error.offset
            try:
                # Early versions of 3.11 gave "incomplete input" a place in the attempt above.
                self._parse(source)
            except SyntaxError as error:
                place = error.offset
        return True, bool(place)

    def _last(self, lines: list[str]) -> CodeType | None:
        if not lines:
            return None
        try:
            return self._code("".join(lines))
        except SyntaxError as error:
            error.text = error.text and error.text.removesuffix("\n")
            raise

    def _code(self, source: str) -> CodeType:
        # A syntax error is in <stdin>. Only a complete statement has a file name of its own.
        tree = self._parse(source)
        name = prompt_name(self._count)
        self._count += 1
        try:
            code = cast(CodeType, compile(tree, name, "single", self._flags(), True))
        except SyntaxError as error:
            if name != "<stdin>" and error.text is None and error.lineno:
                error.text = source.splitlines()[error.lineno - 1]
            raise
        remember_source(code, source, name)
        return code

    def _parse(self, source: str) -> ast.Interactive:
        flags = self._flags() | ast.PyCF_ONLY_AST
        return cast(ast.Interactive, compile(source, "<stdin>", "single", flags, True))

    def _flags(self) -> int:
        # The other flags are for inputs that may be incomplete.
        return cast(int, self._compile.compiler.flags & FUTURES)


def exit_code(leaving: SystemExit) -> int:
    """The exit code of the process for a ``SystemExit``."""
    code = leaving.code
    if code is None:
        return 0
    if isinstance(code, int):
        # A number that a C long can't hold becomes -1.
        return code & 0xFF if -LONG <= code < LONG else 0xFF
    with suppress(Exception):
        sys.stdout.flush()
    with suppress(Exception):
        print(code, end="", file=sys.stderr)
    print(file=sys.stderr)
    return 1


def let_go() -> None:
    """Releases the program's objects, as an interpreter's end would. A node never ends its own."""
    _flush_files()
    # Unless a running thread may still use the program's objects.
    if len(sys._current_frames()) == 1:
        _clear(__main__)
        gc.collect()


def _flush_files() -> None:
    for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
        for file in gc.get_objects():
            if type(file) is kind and not file.closed:
                with suppress(Exception):
                    file.flush()


def _clear(module: ModuleType) -> None:
    """Releases a module's objects. Their ``__del__`` runs, so objects that it may use go last."""
    names = vars(module)
    for kinds in ((type, FunctionType, ModuleType), ()):
        for name in list(names):
            if not isinstance(names[name], kinds) and not name.startswith("__"):
                names[name] = None
