"""Files of ModelKits as bytes, and in the cache."""

import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

import kit_modelkit as kit

WEIGHTS = "weights/model.safetensors"


def test_bytes_and_a_path(project: Path) -> None:
    digest = kit.pack(project, "digits:v1").digest
    content = (project / WEIGHTS).read_bytes()
    assert kit.load("digits:v1", WEIGHTS) == content
    path = kit.load("digits:v1", WEIGHTS, as_path=True)
    assert path.read_bytes() == content
    assert path == kit.cache_folder() / "sha256" / digest.split(":")[1] / WEIGHTS
    assert not list((kit.cache_folder() / "partial").iterdir())


def test_a_tag_that_moves_leads_to_another_copy(project: Path) -> None:
    kit.pack(project, "digits:v1")
    first = kit.load("digits:v1", "config.json", as_path=True)
    before = first.read_bytes()
    (project / "config.json").write_text("{}")
    kit.pack(project, "digits:v1")
    second = kit.load("digits:v1", "config.json", as_path=True)
    assert second != first and second.read_text() == "{}" and first.read_bytes() == before


def test_a_pinned_file_needs_no_registry_the_second_time(project: Path, registry: str) -> None:
    packed = kit.pack(project, push=f"{registry}/load:v1")
    name = f"{registry}/load@{packed.digest}"
    path = kit.load(name, "config.json", as_path=True)
    unreachable = f"localhost:1/load@{packed.digest}"
    assert kit.load(unreachable, "config.json", as_path=True) == path
    with pytest.raises(kit.TemporaryError):
        kit.load(unreachable, WEIGHTS, as_path=True, options=["--retry-for=0s"])


def test_remote_resolves_the_tag_in_the_registry(project: Path, registry: str) -> None:
    name = f"{registry}/remote-load:v1"
    kit.pack(project, push=name)
    (project / "config.json").write_text("{}")
    kit.pack(project, name)
    assert kit.load(name, "config.json", as_path=True).read_text() == "{}"
    assert kit.load(name, "config.json", as_path=True, remote=True).read_text() != "{}"


@pytest.mark.parametrize("change", [lambda file: file.write_text("x"), lambda file: file.unlink()])
def test_a_copy_that_was_changed_is_replaced(project: Path, change: Callable[[Path], object]) -> None:
    kit.pack(project, "digits:v1")
    path = kit.load("digits:v1", "config.json", as_path=True)
    assert not path.stat().st_mode & 0o222
    path.chmod(0o644)
    change(path)
    assert kit.load("digits:v1", "config.json", as_path=True).read_bytes() == (project / "config.json").read_bytes()


def test_a_failure_leaves_nothing(project: Path) -> None:
    digest = kit.pack(project, "digits:v1").digest
    with pytest.raises(kit.NotFoundError):
        kit.load("digits:v1", "nope.json", as_path=True)
    folder = kit.cache_folder()
    assert not (folder / "sha256" / digest.split(":")[1] / "nope.json").exists()
    assert not list((folder / "partial").iterdir())


def test_damaged_content_never_reaches_the_cache(project: Path, home: Path) -> None:
    kit.pack(project, "digits:v1")
    layer = next(file.layer for file in kit.ls("digits:v1") if file.path == WEIGHTS)
    assert layer is not None
    blob = next(path for path in home.rglob(layer.split(":")[1]) if path.is_file())
    content = bytearray(blob.read_bytes())
    content[5000] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(content)
    with pytest.raises(kit.KitError):
        kit.load("digits:v1", WEIGHTS, as_path=True)
    assert not list(kit.cache_folder().rglob("*.safetensors"))


@pytest.mark.parametrize("path", ["../config.json", "a/../../b", "", "."])
def test_a_path_that_leads_out_of_the_cache_is_refused(project: Path, path: str) -> None:
    kit.pack(project, "digits:v1")
    with pytest.raises(ValueError):
        kit.load("digits:v1", path, as_path=True)


def test_processes_that_load_at_once_agree(project: Path) -> None:
    kit.pack(project, "digits:v1")
    script = f"import kit_modelkit as k; print(len(k.load('digits:v1', {WEIGHTS!r}, as_path=True).read_bytes()))"
    command = [sys.executable, "-c", script]
    callers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(6)]
    size = (project / WEIGHTS).stat().st_size
    assert [int(caller.communicate()[0]) for caller in callers] == [size] * 6


def test_the_cache_of_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIT_PYTHON_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/cache")
    monkeypatch.setattr(sys, "platform", "linux")
    assert kit.cache_folder() == Path("/var/tmp/cache/kit-modelkit")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert kit.cache_folder() == Path.home() / ".cache/kit-modelkit"
