# SPDX-License-Identifier: Apache-2.0
"""The package's public names: registered functions as attributes, `dir`, names of classes."""

import contextlib
import sys
from typing import Any

from erlang import _function

# Modules to import by their own names. They are no functions of Erlang.
SUBMODULES = ("hosting", "testing")


def name_classes(package: dict[str, Any]) -> None:
    """Makes the public classes members of the package."""
    for name in package["__all__"]:
        # Tracebacks name a class by its module: the public one, not the private one of its code.
        if isinstance(package[name], type) and package[name].__module__.startswith("erlang._"):
            package[name].__module__ = "erlang"


def attribute(name: str) -> Any:
    """Registered Erlang functions as attributes: ``erlang.double_it(21)``."""
    if name in SUBMODULES:  # an import looks here first
        raise AttributeError(f"module 'erlang' has no attribute {name!r}; import erlang.{name}")
    return _function.registered_function(name)


def names() -> list[str]:
    """The public names, and the functions that are registered now."""
    package = sys.modules["erlang"]
    shown = {"__version__", *package.__all__, *(set(SUBMODULES) & vars(package).keys())}
    with contextlib.suppress(RuntimeError):  # no node, or its application has stopped
        shown.update(_function.registered())
    return sorted(shown)
