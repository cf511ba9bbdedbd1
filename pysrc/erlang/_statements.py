# SPDX-License-Identifier: Apache-2.0
"""Compiles source text that is in no file, for ``erlpy``: ``-c`` and the prompt."""

import __future__

import ast
import codeop
import linecache
import sys
import textwrap
import warnings
from collections.abc import Callable
from types import CodeType
from typing import cast

# The flags of `from __future__` statements.
FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)


def compile_command(source: str) -> CodeType:
    """For ``-c``."""
    if sys.version_info >= (3, 14):
        source = textwrap.dedent(source)
    code = compile(source, "<string>", "exec", dont_inherit=True)
    announce(code, source, "<string>")
    return code


def announce(code: CodeType, source: str, name: str) -> None:
    """Tells audit hooks. From CPython 3.13 on, tracebacks show lines of code that is in no file."""
    remember = getattr(linecache, "_register_code", None)
    if remember is not None:
        remember(code, source, name)
    sys.audit("exec", code)


class Statements:
    """Reads an interactive program, statement by statement."""

    def __init__(self, read_line: Callable[[str], bytes]) -> None:
        self._read_line = read_line
        self._compile = codeop.CommandCompiler()
        self._count = 0
        for name, text in (("ps1", ">>> "), ("ps2", "... ")):
            if not hasattr(sys, name):
                setattr(sys, name, text)

    def next(self) -> CodeType | None:
        """Returns the code of the next statement; None at the end of the input."""
        lines: list[str] = []
        while True:
            try:
                line = self._read_line(prompt_text("ps2" if lines else "ps1"))
            except KeyboardInterrupt:
                print(file=sys.stderr)
                raise
            if not line:
                print(file=sys.stderr)
                return self._last(lines)
            lines.append(line.decode(getattr(sys.stdin, "encoding", None) or "utf-8"))
            if not line.endswith(b"\n"):
                continue  # the line is incomplete: read more
            source = "".join(lines).removesuffix("\n")
            if source.lstrip()[:1] in ("", "#"):
                return self._code("pass")  # compile() refuses text without a statement
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
        if not lines or lines[0].lstrip().startswith("#"):
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
        announce(code, source, name)
        return code

    def _parse(self, source: str) -> ast.Interactive:
        flags = self._flags() | ast.PyCF_ONLY_AST
        return cast(ast.Interactive, compile(source, "<stdin>", "single", flags, True))

    def _flags(self) -> int:
        # The other flags are for inputs that may be incomplete.
        return cast(int, self._compile.compiler.flags & FUTURES)


def prompt_text(name: str) -> str:
    try:
        return str(getattr(sys, name))
    except Exception:
        return ""


def prompt_name(number: int) -> str:
    """The file name of a statement's code at the prompt."""
    if sys.version_info >= (3, 14):
        name = f"<stdin-{number}>"
    elif sys.version_info >= (3, 13):
        name = f"<stdin>-{number}"
    else:
        name = "<stdin>"
    return name
