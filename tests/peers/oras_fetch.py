"""Lists a repository and fetches an artifact with `oras`. Prints the tags, and the path and digest of each layer that it fetched.

Usage: oras_fetch.py REFERENCE FOLDER
"""

import hashlib
import json
import pathlib
import sys

import oras.client

reference, folder = sys.argv[1:]
client = oras.client.OrasClient(hostname=reference.split("/")[0], insecure=True)
tags = client.get_tags(reference.rpartition(":")[0])
manifest = client.get_manifest(reference)
files = client.pull(target=reference, outdir=folder)
fetched = {
    pathlib.Path(file).relative_to(pathlib.Path(folder).resolve()).as_posix():
        "sha256:" + hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()
    for file in files
}
expected = {layer["annotations"]["org.opencontainers.image.title"]: layer["digest"] for layer in manifest["layers"]}
print(json.dumps({"tags": tags, "fetched": fetched, "expected": expected}))
