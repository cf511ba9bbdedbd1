#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build_needs.sh PYTHON: fails with a list, and with a command, if something is missing that the
# native library for PYTHON is built with.
set -eu
. tools/environment.sh
SPEAKER=erlang_python

python=$1
missing=
packages=

# lacks WHAT PACKAGE: notes what is missing, and Debian's package for it.
lacks() {
    missing="$missing
$SPEAKER:   $1"
    packages="$packages $2"
}

has() { command -v "$1" >/dev/null 2>&1; }

# Meson takes $CXX, else the first of these.
has_compiler() {
    if [ -n "${CXX:-}" ]; then has "${CXX%% *}"; else has c++ || has g++ || has clang++; fi
}

# Whether the interpreter answers these lines of Python without an error.
python_has() { "$python" -I -c "$1" >/dev/null 2>&1; }

has_compiler || lacks "a C++20 compiler: g++ 12 or later, or clang++ 14 or later" g++
python_has 'import os, sysconfig; os.stat(os.path.join(sysconfig.get_path("include"), "Python.h"))' ||
    lacks "the headers of $python (Python.h)" python3-dev
erl -noshell -eval '
    Header = filename:join([code:root_dir(), "usr", "include", "erl_nif.h"]),
    halt(case filelib:is_regular(Header) of true -> 0; false -> 1 end).' ||
    lacks "the headers of Erlang (erl_nif.h)" erlang-dev
has meson && has ninja || python_has 'import ensurepip, venv' ||
    lacks "meson and ninja, or Python's module venv to install them with" "meson ninja-build"
[ -n "$missing" ] || exit 0

fail "the native library can't be built; these are missing:$missing
$SPEAKER: On Debian or Ubuntu: apt-get install$packages"
