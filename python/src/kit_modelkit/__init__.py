"""The Python API of kit, which packs AI projects into OCI artifacts and moves them through registries.

Each function runs the program `kit`, which a wheel of this package contains, and returns its result as a dataclass. A
failure raises a `KitError`.
"""

from __future__ import annotations

from typing import Any

from . import errors, events, results
from ._binary import find_binary
from ._cache import cache_folder, load
from ._commands import cat, diff, inspect, ls, pack, pull, push, run, unpack
from .errors import (
    AuthenticationError,
    KitError,
    MismatchError,
    NotFoundError,
    PreconditionError,
    ProgramNotFoundError,
    RefusedError,
    SignalError,
    TemporaryError,
    UsageError,
)
from .progress import TqdmProgress

__all__ = [
    "AuthenticationError",
    "KitError",
    "MismatchError",
    "NotFoundError",
    "PreconditionError",
    "ProgramNotFoundError",
    "RefusedError",
    "SignalError",
    "TemporaryError",
    "TqdmProgress",
    "UsageError",
    "cache_folder",
    "cat",
    "diff",
    "errors",
    "events",
    "find_binary",
    "inspect",
    "load",
    "ls",
    "pack",
    "pull",
    "push",
    "results",
    "run",
    "unpack",
]


def load_ipython_extension(ipython: Any) -> None:
    """Register the magic `%kit`, on `%load_ext kit_modelkit`."""
    from .magic import kit

    ipython.register_magic_function(kit, "line", "kit")
