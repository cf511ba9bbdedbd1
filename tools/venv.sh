#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes build/venv from requirements.txt; makes it again when the list or the chosen interpreter
# changed. -I: packages that the user's PYTHONPATH or site has are not in build/venv.
set -eu
. tools/environment.sh

python=$(sh tools/python.sh)
wanted="$python $("$python" -I -S -c 'import sys; print(sys.version)' | head -n 1) $(cksum <requirements.txt)"
stamp=$VENV/complete

# The words of a stamp, the interpreter by the file behind its name: python3 and python3.11 may be
# two names of one interpreter.
identity() {
    printf '%s %s\n' "$(readlink -f -- "${1%% *}" || echo "${1%% *}")" "${1#* }"
}

if [ -f "$stamp" ] && [ "$(identity "$(cat "$stamp")")" = "$(identity "$wanted")" ]; then
    exit 0
fi
say "Python packages into build/venv, for $python"
mkdir -p build
rm -rf "$VENV"
"$python" -I -m venv "$VENV"
"$VENV_PYTHON" -I -m pip install --quiet --disable-pip-version-check --requirement requirements.txt >&2
printf '%s\n' "$wanted" >"$stamp"
