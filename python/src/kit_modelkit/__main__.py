"""Runs the program: `python -m kit_modelkit pack .`."""

import os
import subprocess
import sys

from ._binary import find_binary


def main() -> None:
    """Run the program with the arguments of this one, and exit as it does."""
    command = [find_binary(), *sys.argv[1:]]
    if sys.platform == "win32":
        # Windows has no exec that a caller waits for.
        sys.exit(subprocess.run(command).returncode)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
