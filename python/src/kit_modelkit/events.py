"""The events that kit reports while it works.

They are those of `kit --progress json`. Members that a later version of kit adds, and events of types that this
version does not know, are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Union


@dataclass(frozen=True)
class Start:
    """A task begins, for example the upload of a layer."""

    task: int
    """The number of the task."""
    label: str
    """A text for people."""
    total_bytes: Optional[int]
    """None if it is not known."""
    phase: str
    """`hashing`, `uploading`, `downloading`, `copying`, `unpacking`, `verifying` or `scanning`."""


@dataclass(frozen=True)
class Progress:
    """The progress of a task, at most five times a second."""

    task: int
    bytes: int
    """Done so far. It decreases when a transfer starts again."""


@dataclass(frozen=True)
class End:
    """A task ends, successfully or not."""

    task: int
    bytes: int


@dataclass(frozen=True)
class Overall:
    """The progress of all tasks of an operation, when it begins, at most five times a second, and when it ends."""

    bytes: int
    total_bytes: Optional[int]


@dataclass(frozen=True)
class Message:
    """A step is finished."""

    text: str
    """A text for people."""
    event: Optional[str] = None
    """The kind of step, such as `layerPacked`, if it has facts."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The facts of the step by their names in JSON, such as `digest`."""


@dataclass(frozen=True)
class WarningMessage(Message):
    """Something needs attention; the work continues."""


Event = Union[Start, Progress, End, Overall, Message, WarningMessage]
"""An event."""

Callback = Callable[[Event], None]
"""A function that receives events in the order in which kit reports them."""


def event(document: Mapping[str, Any]) -> Optional[Event]:
    """Return the event in a line of kit, or None if it has a type of a later version."""
    kind = document.get("type")
    if kind == "start":
        return Start(document["task"], document["label"], document.get("totalBytes"), document["phase"])
    if kind == "progress":
        return Progress(document["task"], document["bytes"])
    if kind == "end":
        return End(document["task"], document["bytes"])
    if kind == "overall":
        return Overall(document["bytes"], document.get("totalBytes"))
    if kind in ("message", "warning"):
        facts = {name: value for name, value in document.items() if name not in ("type", "text", "event")}
        message = Message if kind == "message" else WarningMessage
        return message(document["text"], document.get("event"), facts)
    return None
