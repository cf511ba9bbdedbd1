# SPDX-License-Identifier: Apache-2.0
"""IPython under ``erlpy``: ``erlang`` is imported there, as it is in ``__main__``."""

import functools
import sys
from importlib import import_module
from typing import Any


def add_erlang() -> None:
    """Adds ``erlang`` to the names of each IPython shell; does nothing without IPython."""
    try:
        shells: Any = import_module("IPython.core.interactiveshell")
    except ImportError:
        return
    begin = shells.InteractiveShell.init_user_ns

    # The method also runs after `%reset`.
    @functools.wraps(begin)
    def init_user_ns(shell: Any) -> None:
        begin(shell)
        shell.user_ns["erlang"] = sys.modules["erlang"]

    shells.InteractiveShell.init_user_ns = init_user_ns
