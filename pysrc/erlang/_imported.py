# SPDX-License-Identifier: Apache-2.0
"""Imports objects by their place, as servers do with applications."""

import importlib


def imported(reference: str) -> object:
    """Returns the object at ``"module:attribute"``; the attribute may be a dotted path."""
    module, _, path = reference.partition(":")
    if not module or not path:
        raise ValueError(f"{reference!r} is not of the form 'module:attribute'")
    found: object = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found
