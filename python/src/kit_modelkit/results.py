"""The results of the functions, as frozen dataclasses.

Their fields are the members of the documents of `kit --format json` with the names of Python. `document` is the whole
document, with what a later version of kit adds. Digests have the form `sha256:HEX`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional


@dataclass(frozen=True)
class Artifact:
    """A ModelKit or an index that was made or moved."""

    action: str
    """Such as `saved` or `pushed`."""
    digest: Optional[str]
    references: tuple[str, ...]
    """Its names."""


@dataclass(frozen=True)
class Result:
    """The result of a command that changes something."""

    digest: str
    """The digest of the result: that of the first artifact."""
    references: tuple[str, ...]
    """The names of all artifacts, in order."""
    artifacts: tuple[Artifact, ...]
    seconds: float
    """The duration of the command."""
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Packed(Result):
    """A ModelKit that was packed."""

    total_bytes: Optional[int] = None
    """The size of all layers; None if it was pushed."""
    reused_bytes: Optional[int] = None
    """Of these, what the local store already had; None if it was pushed."""
    sent_bytes: Optional[int] = None
    """None if it was packed into the local store; so are the following."""
    present_bytes: Optional[int] = None
    """What the registry already had."""
    mounted_bytes: Optional[int] = None
    """What the registry had in another repository."""
    resumed_bytes: Optional[int] = None
    """What an earlier run had sent."""


@dataclass(frozen=True)
class Transferred(Result):
    """A ModelKit or an index that was pushed or pulled."""

    sent_bytes: int = 0
    """What was transferred, also on a pull."""
    present_bytes: int = 0
    """What the destination already had."""
    mounted_bytes: int = 0
    """What the registry had in another repository."""
    resumed_bytes: int = 0
    """What an earlier run had transferred."""
    taken_bytes: int = 0
    """What was read from older versions."""


@dataclass(frozen=True)
class Unpacked(Result):
    """A ModelKit that was unpacked."""

    folder: str = ""
    files: int = 0
    """The number of files that were chosen."""
    written_bytes: int = 0
    replaced_files: int = 0
    unchanged_files: int = 0
    """The number of files that already had the right content."""
    kept_files: int = 0
    """The number of files that were kept although they differ."""
    deleted_files: int = 0


@dataclass(frozen=True)
class Inspection:
    """The manifest and the Kitfile of a ModelKit."""

    digest: str
    cli_version: Optional[str]
    """The version of the program that packed it."""
    kitfile: Mapping[str, Any]
    manifest: Mapping[str, Any]
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True)
class File:
    """A file in a ModelKit."""

    path: str
    mode: Optional[str]
    """The permissions as an octal number, such as `0644`."""
    size_bytes: Optional[int]
    layer: Optional[str]
    """The digest of its layer; None for the Kitfile."""
    offset: Optional[int]
    """The position of its content in the layer without compression."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    reference: str
    digest: Optional[str]
    """None for a folder that was not packed."""
    config: Optional[str]
    """The digest of the config."""
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class FieldChange:
    """A difference of the Kitfiles."""

    path: str
    """Such as `model.version`."""
    concern: str
    before: Any
    after: Any


@dataclass(frozen=True)
class ParentChange:
    """A difference of the ModelKits that the two sides refer to."""

    reference: str
    before: Optional[str]
    after: Optional[str]


@dataclass(frozen=True)
class FileState:
    """A file on one side of a comparison."""

    mode: Optional[str]
    size: Optional[int]
    digest: Optional[str]


@dataclass(frozen=True)
class FileChange:
    """A difference of the files."""

    path: str
    concern: str
    change: str
    """`added`, `removed`, `changed`, `moved`, `mode` or `unread`."""
    before: Optional[FileState]
    after: Optional[FileState]
    moved_from: Optional[str] = field(default=None, metadata={"json": "from"})
    """The old path of a file that was moved."""
    tensors: Optional[Mapping[str, Any]] = None
    """The tensors of weights that differ: see the documentation of `kit diff --format json`."""
    table: Optional[Mapping[str, Any]] = None
    """The rows and columns of a .csv or .tsv file that differ."""
    text: Optional[Mapping[str, Any]] = None
    """The numbers of lines of a text that differ."""


@dataclass(frozen=True)
class Layer:
    """A layer of a ModelKit."""

    media_type: str
    path: Optional[str]
    digest: str
    size: int


@dataclass(frozen=True)
class Diff:
    """The differences of two ModelKits, folders or lock files."""

    identical: bool
    """True if Kitfile and files are equal."""
    concerns: tuple[str, ...]
    """The affected areas, such as `model` or `datasets`."""
    first: Side
    second: Side
    kitfile: Optional[tuple[FieldChange, ...]]
    """None if one side is a lock file."""
    parents: tuple[ParentChange, ...]
    files: tuple[FileChange, ...]
    shared_layers: tuple[Layer, ...]
    unique_to_first: tuple[Layer, ...]
    unique_to_second: tuple[Layer, ...]
    document: Mapping[str, Any] = field(repr=False, compare=False)
