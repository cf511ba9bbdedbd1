# SPDX-License-Identifier: Apache-2.0
"""The node's socket for Python processes beside it: its folder, and its name in the environment.

Child processes inherit the environment, and so find the socket and this package. Only the node's
user can enter the folder.
"""

import atexit
import contextlib
import os
import shutil
import socket
import stat
import tempfile

from erlang._outside.environment import SOCKET_VARIABLE

_NAME = "node"
# The longest path of a Unix socket on all platforms, in bytes.
_MOST_BYTES = 103

_path: str | None = None


def make() -> str:
    """The path for the socket, in a folder that lasts as long as the node."""
    global _path
    if _path is None:
        _path = os.path.join(_make_folder(), _NAME)
        atexit.register(_remove, os.path.dirname(_path), os.getpid())
        os.register_at_fork(after_in_child=_close_inherited)
    os.environ[SOCKET_VARIABLE] = _path
    _add_package_to_path()
    return _path


def _make_folder() -> str:
    # A long TMPDIR leaves no room for the name of a socket.
    for parent in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(parent)) + len("/erlang-12345678/" + _NAME) <= _MOST_BYTES:
            return tempfile.mkdtemp(prefix="erlang-", dir=parent)
    raise OSError(f"the path of {tempfile.gettempdir()} is too long for a socket; set TMPDIR")


def _add_package_to_path() -> None:
    """Lets child processes import this very package, of the same version as the node."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder]
    if package not in folders:
        os.environ["PYTHONPATH"] = os.pathsep.join([*folders, package])


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # no fork of the node
        shutil.rmtree(folder, ignore_errors=True)


def _close_inherited() -> None:
    """In a fork: closes its copies of the node's sockets for Python processes.

    With a copy, other processes would not notice the end of the node.
    """
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):
            _close_if_ours(int(name))


def _close_if_ours(descriptor: int) -> None:
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        return
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        is_ours = copy.family == socket.AF_UNIX and copy.getsockname() == _path
    if is_ours:
        os.close(descriptor)
