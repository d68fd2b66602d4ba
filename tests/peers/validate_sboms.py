"""Validates bills of materials with the CycloneDX library: against the schema, and by reading them.

Usage: validate_sboms.py VERSION=FILE…
"""

import json
import sys

from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def check(version, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    error = JsonStrictValidator(SchemaVersion.from_version(version)).validate_str(text)
    if error:
        sys.exit(f"{path}: {error}")
    bom = Bom.from_json(json.loads(text))
    return {"name": bom.metadata.component.name, "components": sorted(it.name for it in bom.components)}


print(json.dumps({version: check(version, path) for version, path in (arg.split("=", 1) for arg in sys.argv[1:])}))
