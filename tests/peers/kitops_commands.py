"""Each function of `kitops.cli.kit` with the options that its documentation names, on a registry that speaks plain http.

Runs in the folder of a project. Usage: kitops_commands.py REFERENCE FOLDER
"""

import json
import pathlib
import subprocess
import sys

import yaml

from kitops.cli import kit

reference, folder = sys.argv[1:]
repository, _, _ = reference.rpartition(":")
registry = reference.split("/")[0]
network = {"plain-http": True, "concurrency": "2"}
quiet = {"progress": "none", "log-level": "error"}


def tree(root):
    return sorted(path.relative_to(root).as_posix() for path in pathlib.Path(root).rglob("*") if path.is_file())


def fails(action):
    """Returns the exit code of a call that has to fail."""
    try:
        action()
    except subprocess.CalledProcessError as error:
        assert error.stderr, "a failure says why"
        return error.returncode
    raise AssertionError("the call succeeded")


kit.version(**{"show-update-notifications": True})
kit.login("ada", "right", registry=registry, **network)
kit.pack(reference, compression="gzip", file="Kitfile", **quiet)
kit.push(reference, **network, **quiet)
other = repository + ":v2"
kit.tag(reference, other, v=True)
kit.push(other, **network)
remote_list = kit.list(repository, **network)
remote_info = kit.info(other, remote=True, **network)
local_inspect = kit.inspect(reference)
remote_inspect = kit.inspect(reference, remote=True, **network)
part = kit.info(reference, filters=["package", "model.name"])
kit.remove(reference, force=True)
missing = fails(lambda: kit.inspect("nothing:v1"))
kit.pull(reference, **network)
kit.unpack(reference, dir=folder, overwrite=True)
kit.unpack(reference, dir=folder + "-parts", filters=["model", "datasets:training", "kitfile"], overwrite=True)
(pathlib.Path(folder) / "README.md").write_text("changed")
exists = fails(lambda: kit.unpack(reference, dir=folder))
listed = kit.list()
# The ModelKit has another tag, which is not removed unasked.
shared = fails(lambda: kit.remove(reference, remote=True, force=True, **network))
absent = fails(lambda: kit.inspect(repository + ":v9", remote=True, **network))
kit.logout(registry=registry)
print(json.dumps({
    "codes": [missing, exists, shared, absent],
    "files": tree(folder),
    "parts": tree(folder + "-parts"),
    "digests": [local_inspect["digest"], remote_inspect["digest"]],
    "kitfiles": [local_inspect["kitfile"]["package"], remote_info["package"],
                 yaml.safe_load((pathlib.Path(folder) / "Kitfile").read_text())["package"]],
    "part": part,
    "tags": [line.split()[1] for line in remote_list.splitlines()[1:]],
    "listed": [line.split()[0] for line in listed.splitlines()[1:]],
}))
