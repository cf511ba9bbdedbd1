# SPDX-License-Identifier: Apache-2.0
"""Where the node is: the environment names its socket to the node's child processes."""

import os
import stat

from erlang._errors import NoNode

SOCKET_VARIABLE = "ERLANG_PYTHON_SOCKET"


def socket_path() -> str | None:
    """The path of the node's socket, if this process belongs to a node."""
    return os.environ.get(SOCKET_VARIABLE) or None


def check_owner(path: str) -> None:
    """Raises `erlang.NoNode` if users other than the node's could have made the socket.

    A missing folder is no problem here: connecting fails then.
    """
    folder = os.path.dirname(path)
    try:
        status = os.stat(folder)
    except OSError:
        return
    if status.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
        raise NoNode(f"the folder {folder} of the node's socket belongs to another user")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NoNode(f"other users can write to the folder {folder} of the node's socket")
