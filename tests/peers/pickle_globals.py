"""Prints the dangerous globals that picklescan finds in each file.

Usage: pickle_globals.py FILE…
"""

import json
import sys

from picklescan.scanner import SafetyLevel, scan_file_path


def dangerous(path):
    found = scan_file_path(path).globals
    return sorted({f"{it.module}.{it.name}" for it in found if it.safety is SafetyLevel.Dangerous})


print(json.dumps({path: dangerous(path) for path in sys.argv[1:]}))
