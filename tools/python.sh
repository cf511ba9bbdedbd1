#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the path of the interpreter to embed: $PYTHON, else python3 on PATH, else Debian's. Follows
# a version manager's shim and a virtual environment's python to the real interpreter.
set -eu
. tools/environment.sh

# Prints the real path of interpreter $1; or prints why it cannot be embedded, and fails.
examine() {
    "$1" -I -S - <<'PYTHON'
import os
import sys
import sysconfig

if sys.version_info < (3, 11):
    sys.exit(f"it is Python {sys.version.split()[0]}; 3.11 or later is needed")
if not (sysconfig.get_config_var("Py_ENABLE_SHARED") or sysconfig.get_config_var("PYTHONFRAMEWORK")):
    sys.exit("it was built without a shared library (configure it with --enable-shared)")
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit("it is free-threaded (built without the GIL); use a build with the GIL")
print(getattr(sys, "_base_executable", sys.executable))
PYTHON
}

if [ -n "${PYTHON:-}" ]; then
    if ! answer=$(examine "$PYTHON" 2>&1); then
        echo "dev: PYTHON=$PYTHON can't be used: $answer" >&2
        exit 1
    fi
    echo "$answer"
    exit 0
fi
reasons=
for candidate in python3 /usr/bin/python3; do
    if answer=$(examine "$candidate" 2>&1); then
        echo "$answer"
        exit 0
    fi
    reasons="$reasons
dev:   $candidate: $answer"
done
echo "dev: no Python to embed; set PYTHON=/path/to/python3 (3.11 or later, with a shared library)$reasons" >&2
exit 1
