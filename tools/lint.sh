#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs all formatters and linters in check mode, then names those that failed.
set -eu
. tools/environment.sh
PATH=$VENV/bin:$PATH
export PATH

failed=
check() {
    name=$1
    shift
    printf '== %s ==\n' "$name"
    "$@" || failed="$failed $name"
}

cpp_files() {
    git ls-files -co --exclude-standard -- '*.cpp' '*.h'
}

clang_format() {
    cpp_files | xargs clang-format --dry-run -Werror
}

python_folders() {
    for folder in pysrc demo examples/hello bench tools tests/soak tests/mutants; do
        # mypy refuses a folder without Python files.
        [ -z "$(find "$folder" -name '*.py' 2>/dev/null | head -n 1)" ] || printf '%s\n' "$folder"
    done
}

types() {
    # shellcheck disable=SC2046 # the names have no spaces
    mypy $(python_folders) tools/erlpy
}

check clang-format clang_format
# Only built files are checked: files of other platforms have no compile command here.
check clang-tidy "$VENV_PYTHON" tools/tidy.py
# Elixir may be missing: an Erlang from elsewhere comes without it.
! command -v mix >/dev/null 2>&1 || check mix-format mix format --check-formatted
check ruff-format ruff format --check --quiet .
check ruff ruff check .
check mypy types
check warnings rebar3 as lint compile
check xref rebar3 xref
# shellcheck disable=SC2046 # the names have no spaces
check spelling codespell $(git ls-files -- '*.[ch]*' '*.erl' '*.ex' '*.exs' '*.md' '*.py' '*.pyi' '*.sh' '*.build')
check prose "$VENV_PYTHON" tools/prose.py
check dialyzer rebar3 dialyzer

if [ -n "$failed" ]; then
    echo "lint: failed:$failed"
    exit 1
fi
echo "lint: all passed"
