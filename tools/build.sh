#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh [--all]: native library, priv/ and Erlang application; --all: C++ tests and benchmarks
# too. Needs build/venv. NATIVE_OPTIONS are for Meson. Takes little time when nothing changed.
set -eu
. tools/environment.sh

if [ "${BUILD_LOCKED:-}" != 1 ]; then
    mkdir -p build
    BUILD_LOCKED=1
    export BUILD_LOCKED
    locked build/lock sh tools/build.sh "$@"
    exit
fi

PATH=$VENV/bin:$PATH
export PATH
# shellcheck disable=SC2086 # none of the options has spaces
sh tools/native.sh "$MESON_BUILD" "$VENV_PYTHON" "$@" ${NATIVE_OPTIONS:-}
sh tools/priv.sh "$MESON_BUILD" "$VENV_PYTHON" link

# rebar3 needs over a second to find out that nothing changed.
compiled=_build/default/lib/erlang_python/ebin/erlang_python.app
if [ -d erl/src ] && { [ ! -f "$compiled" ] || [ ! -f build/erlang.stamp ] ||
    [ -n "$(find erl src include rebar.config -newer build/erlang.stamp 2>/dev/null | head -n 1)" ]; }; then
    touch build/erlang.stamp.new
    rebar3 compile
    escript tools/doc_chunks.escript doc
    mv build/erlang.stamp.new build/erlang.stamp
fi
