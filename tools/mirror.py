# SPDX-License-Identifier: Apache-2.0
"""A copy of the project's files in another folder, kept up to date."""

import filecmp
import shutil
import subprocess
from pathlib import Path

# Folders that builds make. Each copy has its own.
OWN = ("build", "_build", "priv")


def mirrored(folder: Path) -> Path:
    """Copy the project's files to `folder`; touch only files that changed."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    sources = {Path(name) for name in names if name and Path(name).is_file()}
    for source in sources:
        copy = folder / source
        if not copy.exists() or not _alike(source, copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            # With a new time stamp: builds compare the times of their inputs and outputs.
            shutil.copy(source, copy)
    for entry in folder.iterdir():
        if entry.name not in OWN:
            _remove_others(entry, folder, sources)
    return folder


def share_venv(folder: Path) -> None:
    """Let the copy use the project's Python packages."""
    venv = folder / "build/venv"
    venv.parent.mkdir(exist_ok=True)
    if not venv.is_symlink():
        venv.symlink_to(Path("build/venv").absolute())


def _alike(source: Path, copy: Path) -> bool:
    return source.stat().st_mode == copy.stat().st_mode and filecmp.cmp(source, copy, shallow=False)


def _remove_others(entry: Path, folder: Path, sources: set[Path]) -> None:
    if not entry.is_dir():
        if entry.relative_to(folder) not in sources:
            entry.unlink()
        return
    for inner in entry.iterdir():
        _remove_others(inner, folder, sources)
