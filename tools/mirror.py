# SPDX-License-Identifier: Apache-2.0
"""A copy of the project's files in another folder, kept like them."""

import shutil
import subprocess
from pathlib import Path

# Made by builds, each copy has its own.
OWN = ("build", "_build", "priv")


def mirrored(folder: Path) -> Path:
    """Makes the files in `folder` those of the project: only what changed is touched."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    sources = {Path(name) for name in names if name and Path(name).is_file()}
    for source in sources:
        copy = folder / source
        if not copy.exists() or not _alike(source, copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    for entry in folder.iterdir():
        if entry.name not in OWN:
            _remove_others(entry, folder, sources)
    return folder


def _alike(source: Path, copy: Path) -> bool:
    ours, theirs = source.stat(), copy.stat()
    return (ours.st_size, ours.st_mtime_ns, ours.st_mode) == (
        theirs.st_size,
        theirs.st_mtime_ns,
        theirs.st_mode,
    )


def _remove_others(entry: Path, folder: Path, sources: set[Path]) -> None:
    if not entry.is_dir():
        if entry.relative_to(folder) not in sources:
            entry.unlink()
        return
    for inner in entry.iterdir():
        _remove_others(inner, folder, sources)
