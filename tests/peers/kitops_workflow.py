"""The workflow that the documentation of the `kitops` package shows, with the `kit` that is on the PATH.

Runs in the folder of a project. The registry is plain http by the configuration of kit, as the SDK has no flag for it here.

Usage: kitops_workflow.py REFERENCE FOLDER
"""

import json
import pathlib
import sys

from kitops.cli import kit
from kitops.modelkit.kitfile import Kitfile
from kitops.modelkit.manager import ModelKitManager
from kitops.modelkit.user import UserCredentials

reference, folder = sys.argv[1:]
user = UserCredentials(username="ada", password="right")

# "How to create a Kitfile", "Pushing a ModelKit".
kitfile = Kitfile()
kitfile.manifestVersion = "1.0"
kitfile.package = {"name": "sample", "version": "0.1.0", "description": "A sample", "authors": ["Ada"]}
kitfile.code = [{"path": "src/", "description": "Training", "license": "Apache-2.0"}]
kitfile.datasets = [{"name": "training", "path": "data/", "description": "Numbers", "license": "Apache-2.0"}]
kitfile.docs = [{"path": "README.md", "description": "What it is"}]
kitfile.model = {
    "name": "net",
    "path": "weights/model.bin",
    "framework": "tensorflow",
    "version": "2.0.0",
    "description": "A net",
    "license": "Apache-2.0",
    "parts": [],
    "parameters": "",
}
manager = ModelKitManager(working_directory=".", modelkit_tag=reference, user_credentials=user)
manager.kitfile = kitfile
manager.pack_and_push_modelkit(save_kitfile=True)

# "Pulling a ModelKit".
puller = ModelKitManager(working_directory=folder, modelkit_tag=reference, user_credentials=user)
puller.pull_and_unpack_modelkit(load_kitfile=True)

# The functions of `kitops.cli.kit`.
other = reference + "-again"
kit.tag(reference, other)
info = kit.info(reference)
inspected = kit.inspect(reference)
part = kit.info(reference, filters=["package"])
listed = kit.list()
kit.unpack(reference, dir=folder + "-model", filters=["model"])
generated = kit.init(folder + "-model", name="net", description="A net", author="Ada", force=True)

# "Removing a ModelKit".
manager.remove_modelkit(local=True, remote=True)
kit.remove(other)
print(json.dumps({
    "version": kit.version(),
    "unpacked": puller.kitfile.package.name,
    "info": info["model"]["name"],
    "part": part["name"],
    "digest": inspected["digest"],
    "listed": listed,
    "generated": generated.model.path,
    "left": kit.list(),
    "files": sorted(path.relative_to(folder).as_posix() for path in pathlib.Path(folder).rglob("*") if path.is_file()),
}))
