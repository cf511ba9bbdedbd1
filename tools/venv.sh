#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes build/venv from requirements.txt; makes it again when the list or the chosen interpreter
# changed.
set -eu
. tools/environment.sh

python=$(sh tools/python.sh)
wanted="$python $("$python" -I -S -c 'import sys; print(sys.version)' | head -n 1) $(cksum <requirements.txt)"
stamp=$VENV/complete
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
say "Python packages into build/venv, for $python"
mkdir -p build
rm -rf "$VENV"
"$python" -m venv "$VENV"
"$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check --requirement requirements.txt >&2
printf '%s\n' "$wanted" >"$stamp"
