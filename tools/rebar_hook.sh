#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rebar3 runs this script before it compiles the application; Mix does so by mix.exs. Under `./dev`
# everything is built already. As another project's dependency, the script builds the native library
# in the dependency's own folder, with few words: Meson and the compiler write to build/library.log.
set -eu

[ "${ERLANG_PYTHON_BUILT:-}" != 1 ] || exit 0
cd "$(dirname -- "$0")/.."
# A checkout that `./dev` has built is left as it is when rebar3 runs in it.
[ ! -L priv/python ] || exit 0
. tools/environment.sh
SPEAKER=erlang_python

python=$(sh tools/python.sh)
built_for=$(cat priv/python_executable.txt 2>/dev/null) || built_for=
if [ ! -f priv/erlang_python_nif.so ] || [ "$built_for" != "$python" ]; then
    sh tools/build_needs.sh "$python"
    say "building the native library for $python${built_for:+, no longer for $built_for} (about a minute)"
fi

log=build/library.log
mkdir -p build
# Runs a command whose output matters only if the command fails.
quietly() {
    "$@" >"$log" 2>&1 && return
    tail -n 40 "$log" >&2
    fail "the native library was not built; $PWD/$log has the whole output"
}

if command -v meson >/dev/null 2>&1 && command -v ninja >/dev/null 2>&1; then
    :
else
    tools=$PWD/build/meson_venv
    if [ ! -x "$tools/bin/ninja" ]; then
        rm -rf "$tools"
        quietly "$python" -I -m venv "$tools"
        quietly "$tools/bin/python3" -I -m pip install --quiet --disable-pip-version-check \
            --constraint requirements-demo.txt meson ninja
    fi
    PATH=$tools/bin:$PATH
    export PATH
fi
quietly locked build/lock sh tools/native.sh build/library "$python" \
    --buildtype=release
sh tools/priv.sh build/library "$python" copy
escript tools/doc_chunks.escript doc
