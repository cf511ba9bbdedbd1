# SPDX-License-Identifier: Apache-2.0
"""Classes with named fields: dataclasses, attrs, msgspec, pydantic. None of them is imported here.

A class shows its kind by an attribute that its package gives it.
"""

from collections.abc import Callable
from dataclasses import fields
from typing import Any
from weakref import WeakKeyDictionary

Fields = Callable[[Any], object]


def _of_dataclass(value: Any) -> object:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _of_attrs(value: Any) -> object:
    return {field.name: getattr(value, field.name) for field in value.__attrs_attrs__}


def _of_struct(value: Any) -> object:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def _of_model(value: Any) -> object:
    # The model's own way, which leaves out fields with `exclude` and uses its serializers.
    return value.model_dump()


# A dataclass of pydantic has the attributes of both.
_KINDS: dict[str, Fields] = {
    "__dataclass_fields__": _of_dataclass,
    "__attrs_attrs__": _of_attrs,
    "__struct_fields__": _of_struct,
    "__pydantic_serializer__": _of_model,
}

# The classes that were found to have fields. Other classes are not kept.
_known: WeakKeyDictionary[type, Fields] = WeakKeyDictionary()


def fields_of(cls: type) -> Fields | None:
    """Returns the function from an instance of ``cls`` to its fields; None for other classes."""
    known = _known.get(cls)
    if known is None:
        known = next((read for name, read in _KINDS.items() if hasattr(cls, name)), None)
        if known is not None:
            _known[cls] = known
    return known
