# SPDX-License-Identifier: Apache-2.0
"""Activates virtual environments while Python runs, for ``py:activate_venv``.

`site` does the work, so ``.pth`` files and editable installs take effect. Modules that are imported
already stay imported, at activation and at deactivation.
"""

import importlib
import os
import site
import sys
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Active:
    venv: str
    site_packages: str
    # The values before the activation.
    prefixes: tuple[str, str]
    executable: str
    # The additions of the activation.
    path: list[str]
    finders: list[Any]


_lock = threading.Lock()
_active: _Active | None = None


def activate(venv: str) -> str | None:
    """Puts the packages of ``venv`` before all others.

    If there is no such folder, returns where its packages would be and changes nothing. An active
    venv is deactivated first.
    """
    global _active
    venv = os.path.abspath(venv)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site_packages = os.path.join(venv, "lib", version, "site-packages")
    if not os.path.isdir(site_packages):
        return site_packages
    with _lock:
        _restore()
        before, finders = list(sys.path), list(sys.meta_path)
        prefixes, executable = (sys.prefix, sys.exec_prefix), sys.executable
        # `site` would not move a folder to the front that is on the path already.
        site.addsitedir(site_packages)
        added = [folder for folder in sys.path if folder not in before]
        if site_packages not in added:
            added.insert(0, site_packages)
        sys.path[:] = added + before
        sys.prefix = sys.exec_prefix = venv
        python = os.path.join(venv, "bin", "python3")
        if os.access(python, os.X_OK):
            sys.executable = python
        _active = _Active(
            venv,
            site_packages,
            prefixes,
            executable,
            added,
            [finder for finder in sys.meta_path if finder not in finders],
        )
        importlib.invalidate_caches()
    return None


def deactivate() -> None:
    """Undoes `activate`. Does nothing if no venv is active."""
    with _lock:
        _restore()


def info() -> dict[str, object]:
    """Whether a venv is active, and which one."""
    active = _active
    if active is None:
        return {"active": False}
    return {
        "active": True,
        "venv_path": active.venv,
        "site_packages": active.site_packages,
        "sys_path": list(sys.path),
    }


def _restore() -> None:
    global _active
    if _active is None:
        return
    # Once each: other code may have added the same folder.
    for folder in _active.path:
        if folder in sys.path:
            sys.path.remove(folder)
    for finder in _active.finders:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)
    sys.prefix, sys.exec_prefix = _active.prefixes
    sys.executable = _active.executable
    _active = None
    importlib.invalidate_caches()
