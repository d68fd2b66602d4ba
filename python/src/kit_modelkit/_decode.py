"""Makes the dataclasses of `results` from the documents of kit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def decode(kind: type[T], document: Mapping[str, Any]) -> T:
    """Return a dataclass with the values of an object, whose members have its names in lowerCamelCase.

    The field `document` gets the object itself. Without a member, its field has the default, or is None.
    """
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        name = field.metadata.get("json") or _camel(field.name)
        if field.name == "document":
            values[field.name] = document
        elif name in document or field.default is dataclasses.MISSING:
            values[field.name] = _value(hints[field.name], document.get(name))
    return kind(**values)


def _value(kind: Any, value: Any) -> Any:
    if value is None:
        return () if get_origin(kind) is tuple else None
    if get_origin(kind) is Union:
        return _value(next(option for option in get_args(kind) if option is not type(None)), value)
    if get_origin(kind) is tuple:
        return tuple(_value(get_args(kind)[0], item) for item in value)
    if dataclasses.is_dataclass(kind):
        return decode(kind, value)  # type: ignore[arg-type]
    return value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
