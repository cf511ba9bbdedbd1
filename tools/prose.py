# SPDX-License-Identifier: Apache-2.0
"""Plain English, as far as a program can tell: phrases to avoid, and the length of sentences.

Phrases are searched in every line of code and documents, since the code has the error texts. The
length counts for comments and docstrings.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MOST_WORDS = 25

# A pattern, and what to write instead. Upper case counts only at the begin of a sentence.
PHRASES = (
    (r"\bas (many|much|long|soon|far|often|little) as (may|can|might)\b", "name the limit"),
    (r"\bas may\b", "name the limit"),
    (r"(^|[.;:] )Were \w+ ", "if ..."),
    (r"\bwere (it|they) to\b", "if ..."),
    (r"\bhad (it|they) been\b", "if ..."),
    (r"\b(nobody|somebody|everybody)'s (any|business|but)\b", "name the owner"),
    (r"\bnone of (its|their|our) business\b", "must not ..."),
    (r"\b(wants|wishes|likes|cares|minds) to\b", "say what it does"),
    (r"\bis to be had\b|\bfor want of\b|\bof no use\b", "say what is missing"),
    (r"\bso it is with\b", "name the noun again"),
    (r"\b(he|she|it|they) shall\b", "must, or the plain present"),
    (r"\bnot what it should be\b", "say what it must be"),
    (r", please\b", "say what to do"),
)
# Files that quote the phrases.
QUOTING = {"CONTRIBUTING.md", "tools/prose.py", "tests/house/test_prose.py"}
MARKS = {
    ".erl": "%%",
    ".hrl": "%%",
    ".py": "#",
    ".pyi": "#",
    ".sh": "#",
    ".ex": "#",
    ".exs": "#",
    ".h": "//",
    ".cpp": "//",
}
DOCUMENTS = {".md"}
# Examples in EDoc, tables, and the columns of a header's table of threads are not sentences.
EXAMPLE = re.compile(r"```.*?'''", re.DOTALL)
ELIXIR_DOC = re.compile(r'^  @(?:module)?doc """\n(.*?)^  """$', re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {6,}.*$", re.MULTILINE)
PARAGRAPH = re.compile(r"\n\s*\n|\n(?=\s*(?:[|(-]|Threads:|Owns:|Life:|@|[`*\w.]+:  ))")
TABLE = re.compile(r"\S {3,}\S|->")
SENTENCE = re.compile(r"(?<=[.!?;:])\s+")
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def prose(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Comments and docstrings, each with the number of its first line."""
    mark = MARKS[path.suffix]
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip().startswith(mark) and "SPDX" not in line:
            block.append(line.strip()[len(mark) :])
        elif block:
            yield number - len(block), "\n".join(block)
            block = []
    if path.suffix in (".py", ".pyi"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, DOCUMENTED) and (docstring := ast.get_docstring(node)):
                yield node.body[0].lineno, docstring
    if path.suffix == ".ex":
        for documented in ELIXIR_DOC.finditer(text):
            # Lines that are further to the right are code.
            yield text.count("\n", 0, documented.start()) + 1, INDENTED.sub("", documented[1])


def long_sentences(text: str) -> Iterator[str]:
    for paragraph in PARAGRAPH.split(EXAMPLE.sub("", text)):
        if any(TABLE.search(line.strip()) for line in paragraph.splitlines()):
            continue
        for sentence in SENTENCE.split(" ".join(paragraph.split())):
            words = [word for word in sentence.split() if re.search(r"\w", word)]
            if len(words) > MOST_WORDS:
                yield f"{len(words)} words, at most {MOST_WORDS}: {' '.join(words[:6])} ..."


def findings(path: Path) -> Iterator[str]:
    text = path.read_text()
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, advice in PHRASES:
            if found := re.search(pattern, line):
                yield f"{path}:{number}: {found[0].strip()!r}: {advice}"
    if path.suffix in MARKS:
        for number, block in prose(path, text):
            for problem in long_sentences(block):
                yield f"{path}:{number}: {problem}"


def main() -> int:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in listed.splitlines() if name not in QUOTING]
    found = [
        finding
        for path in paths
        if path.suffix in MARKS.keys() | DOCUMENTS and path.exists()
        for finding in findings(path)
    ]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
