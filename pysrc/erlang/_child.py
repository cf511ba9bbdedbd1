# SPDX-License-Identifier: Apache-2.0
"""Starts the program of a ``py_process``. Run by its path: ``python -I -S _child.py ARGS...``.

If the node is killed, nobody can stop the program. So on Linux the kernel sends SIGTERM to it then.
"""

import os
import signal
import sys

# The number of the option in Linux.
_SIGNAL_AT_DEATH_OF_PARENT = 1


def main() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SIGNAL_AT_DEATH_OF_PARENT, signal.SIGTERM)
    if os.getppid() != parent:  # it has died in between
        raise SystemExit(1)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
