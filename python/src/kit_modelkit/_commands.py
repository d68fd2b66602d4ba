"""The functions of the package: each runs a command of kit and returns its result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, Optional, Union

from . import _process, events
from ._decode import decode
from .progress import listening
from .results import Diff, File, Inspection, Packed, Transferred, Unpacked

StrPath = Union[str, "os.PathLike[str]"]
Texts = Union[str, Sequence[str]]
ProgressArgument = Union[bool, events.Callback, None]


def pack(
    folder: StrPath = ".",
    tag: Texts = (),
    *,
    file: Optional[StrPath] = None,
    push: Union[bool, str] = False,
    options: Texts = (),
    progress: ProgressArgument = None,
) -> Packed:
    """Pack a folder and its Kitfile into a ModelKit in the local store.

    `tag` is the name of the ModelKit, or several. `file` is the path of the Kitfile. With `push`, the ModelKit goes to
    a registry and not into the local store: to the name in `push`, or with True to that in `tag`.

    `options` are more options of `kit pack`. `progress` is a function that receives each event, or True for a progress
    bar. Both are the same for all functions.
    """
    chosen = [*_each("--tag", tag), *as_list(options)]
    if file is not None:
        chosen.append(f"--file={os.fspath(file)}")
    if push:
        chosen.append("--push" if push is True else f"--push={push}")
    return decode(Packed, _json("pack", chosen, [os.fspath(folder)], progress))


def push(
    name: str, destination: Optional[str] = None, *, options: Texts = (), progress: ProgressArgument = None
) -> Transferred:
    """Upload a ModelKit from the local store to a registry: to `destination`, or to the registry in its name."""
    return decode(Transferred, _json("push", options, _present(name, destination), progress))


def pull(
    name: str, local_name: Optional[str] = None, *, options: Texts = (), progress: ProgressArgument = None
) -> Transferred:
    """Download a ModelKit from a registry into the local store, under its name or `local_name`."""
    return decode(Transferred, _json("pull", options, _present(name, local_name), progress))


def unpack(
    name: str,
    folder: StrPath = ".",
    *,
    filters: Texts = (),
    paths: Texts = (),
    overwrite: bool = False,
    remote: bool = False,
    options: Texts = (),
    progress: ProgressArgument = None,
) -> Unpacked:
    """Unpack a ModelKit, or parts of it, into a folder.

    `filters` chooses parts, such as `"model"` or `["model", "datasets:train"]`, and `paths` chooses files by patterns,
    such as `"*.json"`. Files that differ make it fail, unless `overwrite` is True. With `remote`, the ModelKit is read
    from the registry even if the local store has it.
    """
    chosen = [f"--dir={os.fspath(folder)}", *_each("--filter", filters), *_each("--path", paths), *as_list(options)]
    chosen += ["--overwrite"] * overwrite + ["--remote"] * remote
    return decode(Unpacked, _json("unpack", chosen, [name], progress))


def inspect(name: str, *, remote: bool = False, options: Texts = (), progress: ProgressArgument = None) -> Inspection:
    """Return the digest, the Kitfile and the manifest of a ModelKit."""
    return decode(Inspection, _json("inspect", [*["--remote"] * remote, *as_list(options)], [name], progress))


def diff(
    first: StrPath,
    second: StrPath,
    *,
    remote: bool = False,
    options: Texts = (),
    progress: ProgressArgument = None,
) -> Diff:
    """Compare two ModelKits, folders with a Kitfile, or lock files."""
    names = [os.fspath(first), os.fspath(second)]
    return decode(Diff, _json("diff", [*["--remote"] * remote, *as_list(options)], names, progress))


def ls(
    name: str,
    path: Optional[str] = None,
    *,
    remote: bool = False,
    options: Texts = (),
    progress: ProgressArgument = None,
) -> list[File]:
    """List the files in a ModelKit, or those below the path in it."""
    files = _json("ls", [*["--remote"] * remote, *as_list(options)], _present(name, path), progress)
    return [decode(File, file) for file in files]


def cat(name: str, path: str, *, remote: bool = False, options: Texts = (), progress: ProgressArgument = None) -> bytes:
    """Return the content of a file of a ModelKit."""
    return read(name, path, [*["--remote"] * remote, *as_list(options)], progress)


def run(*arguments: str, progress: ProgressArgument = None) -> Any:
    """Run any command of kit that accepts `--format json`, and return its document: `run("tag", "a:v1", "a:v2")`."""
    return _document([*_before_names(arguments, "--format=json")], progress)


def read(name: str, path: str, options: Texts, progress: ProgressArgument, output: Optional[IO[bytes]] = None) -> bytes:
    """Return the content of a file of a ModelKit, or write it to `output`."""
    with listening(progress) as callback:
        return _process.run(["cat", *as_list(options), "--", name, path], callback, output)


def _json(command: str, options: Texts, names: Sequence[str], progress: ProgressArgument) -> Any:
    return _document([command, "--format=json", *as_list(options), "--", *names], progress)


def _document(arguments: Sequence[str], progress: ProgressArgument) -> Any:
    with listening(progress) as callback:
        return _process.document(arguments, callback)


def _before_names(arguments: Sequence[str], option: str) -> list[str]:
    """Return the arguments with an option at their end, or before `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:end], option, *arguments[end:]]


def _each(option: str, values: Texts) -> list[str]:
    return [f"{option}={value}" for value in as_list(values)]


def as_list(values: Texts) -> list[str]:
    """Return the texts, or the only one."""
    return [values] if isinstance(values, str) else list(values)


def _present(*names: Optional[str]) -> list[str]:
    return [name for name in names if name is not None]
