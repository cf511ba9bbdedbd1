#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# native.sh FOLDER PYTHON [--all | --configure] [MESON-OPTIONS...]: compiles with Meson into FOLDER
# for PYTHON. Without --all, only the NIF library; with --configure, nothing. meson and ninja must be
# on PATH.
set -eu

folder=$1
python=$2
shift 2
scope=
case ${1:-} in
    --all | --configure)
        scope=$1
        shift
        ;;
esac

# Only tests and benchmarks need their libraries.
parts='-Dtests=false -Dbench=false'
[ -z "$scope" ] || parts='-Dtests=true -Dbench=true'

# Another interpreter, Erlang or option means other headers: the build starts from scratch. Meson
# handles all other changes.
wanted="$("$python" -c 'import sys; print(sys.base_prefix, sys.version)' | tr '\n' ' ') $(command -v erl) $*"
if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$folder/configured_for" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$folder"
    # shellcheck disable=SC2086 # options without spaces; later ones take precedence
    meson setup "$folder" -Dpython="$python" $parts "$@"
    printf '%s\n' "$wanted" >"$folder/configured_for"
    [ -z "$scope" ] || touch "$folder/has_all"
elif [ -n "$scope" ] && [ ! -f "$folder/has_all" ]; then
    # shellcheck disable=SC2086
    meson configure "$folder" $parts "$@"
    touch "$folder/has_all"
fi

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
if [ "$scope" = --all ]; then
    ninja -C "$folder" -j "$jobs" --quiet
elif [ "$scope" != --configure ]; then
    ninja -C "$folder" -j "$jobs" --quiet nif/erlang_python_nif.so
fi
