"""The examples of the documentation."""

import re
from pathlib import Path
from typing import Any

import pytest

from conftest import REPOSITORY


@pytest.mark.parametrize("page", ["README.md", "python/README.md"])
def test_the_examples_work(page: str, project: Path, registry: str) -> None:
    text = (REPOSITORY / page).read_text().replace("registry.example", registry)
    names: dict[str, Any] = {}
    for example in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        exec(example, names)
    if page.startswith("python/"):
        assert names["weights"].read_bytes() == (project / "weights/model.safetensors").read_bytes()
        assert names["packed"].references == (f"{registry}/team/digits:v1",)
