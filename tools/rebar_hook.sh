#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rebar3 runs this script before it compiles the application. Under `./dev` everything is built
# already. As another project's dependency, the script builds the native library in the dependency's
# own folder.
set -eu

[ "${ERLANG_PYTHON_BUILT:-}" != 1 ] || exit 0
cd "$(dirname -- "$0")/.."
# A checkout that `./dev` has built is left as it is when rebar3 runs in it.
[ ! -L priv/python ] || exit 0
. tools/environment.sh

python=$(sh tools/python.sh)
mkdir -p build
if command -v meson >/dev/null 2>&1 && command -v ninja >/dev/null 2>&1; then
    :
else
    tools=$PWD/build/meson_venv
    if [ ! -x "$tools/bin/ninja" ]; then
        rm -rf "$tools"
        "$python" -m venv "$tools"
        "$tools/bin/python3" -m pip install --quiet --disable-pip-version-check \
            --constraint requirements.txt meson ninja
    fi
    PATH=$tools/bin:$PATH
    export PATH
fi
locked build/lock sh tools/native.sh build/library "$python" \
    --buildtype=release
sh tools/priv.sh build/library "$python" copy
escript tools/doc_chunks.escript doc
