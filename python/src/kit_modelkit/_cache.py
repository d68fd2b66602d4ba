"""Files of ModelKits in a folder of the user, so that they are read once."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import Literal, Union, overload

from ._commands import ProgressArgument, Texts, as_list, cat, inspect, read

DIGEST = re.compile(r"@sha256:([0-9a-f]{64})$")

# The time of all files in the cache: a file with another one was changed. It is the first that a zip file can have.
TIME = 315532800


@overload
def load(
    name: str,
    path: str,
    *,
    as_path: Literal[False] = False,
    remote: bool = False,
    options: Texts = (),
    progress: ProgressArgument = None,
) -> bytes: ...


@overload
def load(
    name: str,
    path: str,
    *,
    as_path: Literal[True],
    remote: bool = False,
    options: Texts = (),
    progress: ProgressArgument = None,
) -> Path: ...


def load(
    name: str,
    path: str,
    *,
    as_path: bool = False,
    remote: bool = False,
    options: Texts = (),
    progress: ProgressArgument = None,
) -> Union[bytes, Path]:
    """Return the content of a file of a ModelKit, or with `as_path` the path of a copy of it in the cache.

    The copy is made once for each digest of the ModelKit, which a tag is resolved to first, and shared by all processes
    of the user. It is read-only; a copy that was changed is replaced. A name with a digest that is in the cache needs
    neither the local store nor the registry. With `remote`, the tag is resolved by the registry even if the local store
    has the ModelKit. `options` are those that `kit cat` and `kit inspect` share, such as `--plain-http`.
    """
    if not as_path:
        return cat(name, path, remote=remote, options=options, progress=progress)
    options = [*as_list(options), *["--remote"] * remote]
    pinned = name if DIGEST.search(name) else f"{name}@{inspect(name, options=options).digest}"
    target = cache_folder() / "sha256" / _hex(pinned) / _inside(path)
    if not _is_whole(target):
        _write(target, pinned, path, options, progress)
    return target


def cache_folder() -> Path:
    """Return the folder of the files that `load` keeps. It can be deleted at any time.

    That in the environment variable `KIT_PYTHON_CACHE`, or `kit-modelkit` in the folder of the platform for caches.
    """
    chosen = os.environ.get("KIT_PYTHON_CACHE")
    if chosen:
        return Path(chosen).absolute()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local or Path.home() / "AppData/Local") / "kit-modelkit" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/kit-modelkit"
    # The XDG base directory specification: a relative path is to be ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME") or ".")
    return (base if base.is_absolute() else Path.home() / ".cache") / "kit-modelkit"


def _hex(pinned: str) -> str:
    found = DIGEST.search(pinned)
    if found is None:
        raise ValueError(f"`{pinned}` does not end with a digest")
    return found[1]


def _inside(path: str) -> Path:
    """Return a path in a ModelKit as one below a folder of this system, or fail if it leads out of it."""
    parts = PurePosixPath(path.lstrip("/")).parts
    outside = {"\\", ":"} if os.name == "nt" else set()
    if not parts or ".." in parts or any(sign in part for part in parts for sign in outside):
        raise ValueError(f"`{path}` is not the path of a file in a ModelKit")
    return Path(*parts)


def _is_whole(file: Path) -> bool:
    return file.is_file() and file.stat().st_mtime == TIME


def _write(target: Path, pinned: str, path: str, options: Texts, progress: ProgressArgument) -> None:
    """Write a file to its place in the cache. It appears there only when it is complete."""
    partial = cache_folder() / "partial"
    partial.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=partial)
    try:
        with open(descriptor, "wb") as file:
            read(pinned, path, options, progress, file)
            os.fsync(file.fileno())
        os.utime(name, (TIME, TIME))
        os.chmod(name, 0o444)
        _rename(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _rename(name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(name, target)
    except PermissionError:
        # Windows does not replace a file that is read-only, or that a program has open.
        if os.name != "nt":
            raise
        if _is_whole(target):
            os.chmod(name, 0o644)
            os.unlink(name)
        else:
            os.chmod(target, 0o644)
            os.replace(name, target)
