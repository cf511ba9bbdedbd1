#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# venv.sh [--tests]: makes build/venv with the packages of requirements-demo.txt; --tests adds those of
# requirements.txt. Makes it again when a list or the chosen interpreter changed. -I: packages that the
# user's PYTHONPATH or site has are not in build/venv.
set -eu
. tools/environment.sh

lists=requirements-demo.txt
[ "${1:-}" != --tests ] || lists="$lists requirements.txt"
python=$(sh tools/python.sh)
version=$("$python" -I -S -c 'import sys; print(sys.version)' | head -n 1)

# What build/venv/LIST.complete says when the packages of a list are there. The interpreter is the file
# behind its name: python3 and python3.11 may be two names of one interpreter.
wanted() {
    printf '%s %s %s\n' "$(readlink -f -- "$python")" "$version" "$(cksum <"$1")"
}

is_complete() {
    [ "$(cat "$VENV/$1.complete" 2>/dev/null)" = "$(wanted "$1")" ]
}

missing=
changed=
for list in $lists; do
    is_complete "$list" || missing="$missing $list"
done
[ -n "$missing" ] || exit 0
for list in requirements-demo.txt requirements.txt; do
    [ ! -f "$VENV/$list.complete" ] || is_complete "$list" || changed=yes
done

say "Python packages into build/venv, for $python"
mkdir -p build
# Also an environment that was not completed.
if [ -n "$changed" ] || [ ! -f "$VENV/requirements-demo.txt.complete" ]; then
    rm -rf "$VENV"
    "$python" -I -m venv "$VENV"
    missing=$lists
fi
for list in $missing; do
    "$VENV_PYTHON" -I -m pip install --quiet --disable-pip-version-check --requirement "$list" >&2
    wanted "$list" >"$VENV/$list.complete"
done
