"""Pulls a ModelPack with `modelpack-client`, which checks its schema, digests and paths. Prints the model's config.

Usage: modelpack_client_pull.py REFERENCE FOLDER
"""

import json
import sys

from modelpack_client import ModelPackClient

reference, folder = sys.argv[1:]
result = ModelPackClient(insecure=True).pull(reference, folder)
print(json.dumps(result.config))
