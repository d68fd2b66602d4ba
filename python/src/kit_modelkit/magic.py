"""The line magic `%kit` of IPython and Jupyter: `%load_ext kit_modelkit`, then `%kit pack . -t digits:v1`."""

from __future__ import annotations

import shlex
import sys

from ._binary import find_binary
from ._process import run_lines
from .errors import ProgramNotFoundError


def kit(line: str) -> None:
    """Run a command of kit and show its output. IPython has already replaced `{name}` and `$name` by values."""
    from IPython.core.error import UsageError

    # Windows programs split their command line themselves.
    windows = sys.platform == "win32"
    try:
        command = f'"{find_binary()}" {line}' if windows else [find_binary(), *shlex.split(line)]
        code, out = run_lines(command, _show)
    except (ProgramNotFoundError, ValueError) as error:
        raise UsageError(str(error)) from error
    _show(out)
    if code != 0:
        # IPython shows this class without a traceback, and the cells below do not run.
        raise UsageError(f"kit ended with exit code {code}")


def _show(output: bytes) -> None:
    # Standard output for both: notebooks show standard error as if it was a failure.
    print(output.decode(errors="replace"), end="", flush=True)
