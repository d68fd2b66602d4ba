"""The place of the program `kit`."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from .errors import ProgramNotFoundError

NAME = "kit.exe" if sys.platform == "win32" else "kit"


def find_binary() -> str:
    """Return the path of the program `kit`.

    That in the environment variable `KIT_BINARY`, if it is set; else the one that was installed with this package; else
    the first one on the `PATH`.
    """
    chosen = os.environ.get("KIT_BINARY")
    if chosen:
        return _chosen(chosen)
    for folder in _script_folders():
        path = folder / NAME
        if path.is_file():
            return str(path)
    found = shutil.which("kit")
    if found is None:
        raise ProgramNotFoundError(
            "cannot find the program `kit`",
            ["it is not installed beside this Python, and not on the PATH"],
            "install kit-modelkit again, or set KIT_BINARY to the path of the program",
            127,
        )
    return found


def _chosen(name: str) -> str:
    # A path, or a name on the PATH.
    found = shutil.which(name)
    if found is None:
        raise ProgramNotFoundError(f"KIT_BINARY is `{name}`, which is not a program", exit_code=127)
    return found


def _script_folders() -> Iterator[Path]:
    """Return the folders into which installers put the programs of a package, in order."""
    yield Path(sysconfig.get_path("scripts"))
    # `pip install --user`.
    if sys.version_info >= (3, 10):
        user = sysconfig.get_preferred_scheme("user")
    else:
        user = "nt_user" if sys.platform == "win32" else "posix_user"
    yield Path(sysconfig.get_path("scripts", user))
    # `pip install --target` and `--prefix`: beside this package, or at the root of its environment.
    package = Path(__file__).resolve().parent
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    yield package.parent / "bin"
    yield from (above / scripts for above in list(package.parents)[1:4])
