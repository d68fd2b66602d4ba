"""The functions against a real registry."""

import shutil
from pathlib import Path

import pytest

import kit_modelkit as kit
from conftest import REPOSITORY


def test_a_modelkit_goes_through_a_registry(project: Path, registry: str) -> None:
    name = f"{registry}/team/digits:v1"
    packed = kit.pack(project, name)
    assert (packed.references, packed.artifacts[0].action) == ((name,), "saved")
    assert packed.total_bytes and packed.reused_bytes == 0 and packed.sent_bytes is None

    pushed = kit.push(name)
    assert pushed.digest == packed.digest and pushed.sent_bytes > 0
    assert kit.push(name).sent_bytes == 0

    kit.run("remove", name)
    pulled = kit.pull(name, "digits:v1")
    assert pulled.digest == packed.digest and pulled.references == ("digits:v1",) and pulled.sent_bytes > 0

    unpacked = kit.unpack("digits:v1", "out put", filters=["model", "docs"])
    assert unpacked.files == 6 and unpacked.folder == str(Path("out put").resolve())
    assert (
        Path("out put/weights/model.safetensors").read_bytes() == (project / "weights/model.safetensors").read_bytes()
    )


def test_a_push_without_the_local_store(project: Path, registry: str) -> None:
    packed = kit.pack(project, push=f"{registry}/direct:v1")
    assert packed.sent_bytes and packed.total_bytes is None
    again = kit.pack(project, f"{registry}/direct:v1", push=True)
    assert again.digest == packed.digest and again.present_bytes
    assert kit.run("list") == []


def test_several_tags_and_another_kitfile(project: Path) -> None:
    other = project / "Kitfile.small"
    other.write_text("manifestVersion: 1.0.0\nmodel: {path: weights}\n")
    packed = kit.pack(project, ["digits:small", "digits:latest"], file=other)
    assert set(packed.references) == {"digits:small", "digits:latest"}
    assert [file.path for file in kit.ls("digits")] == ["Kitfile", "weights/model.safetensors"]


def test_files_and_their_content(project: Path) -> None:
    kit.pack(project, "digits:v1")
    files = {file.path: file for file in kit.ls("digits:v1")}
    config = files["config.json"]
    assert (config.mode, config.size_bytes) == ("0644", (project / "config.json").stat().st_size)
    assert files["Kitfile"].layer is None
    assert [file.path for file in kit.ls("digits:v1", "weights")] == ["weights/model.safetensors"]
    assert kit.cat("digits:v1", "config.json") == (project / "config.json").read_bytes()


def test_inspect(project: Path) -> None:
    packed = kit.pack(project, "digits:v1")
    shown = kit.inspect("digits:v1")
    assert shown.digest == packed.digest
    assert shown.kitfile["model"]["name"] == "digits-mlp"
    assert shown.manifest["schemaVersion"] == 2


def test_diff(project: Path) -> None:
    kit.pack(project, "digits:v1")
    assert kit.diff("digits:v1", project).identical
    shutil.copytree(REPOSITORY / "examples/digits-v2", project, dirs_exist_ok=True)
    shutil.move(project / "deploy/deployment.yaml", project / "deploy/new.yaml")
    kit.pack(project, "digits:v2")
    diff = kit.diff("digits:v1", "digits:v2")
    assert not diff.identical and "model" in diff.concerns
    assert (diff.first.reference, diff.second.reference) == ("digits:v1", "digits:v2")
    files = {file.path: file for file in diff.files}
    weights, moved = files["weights/model.safetensors"], files["deploy/new.yaml"]
    assert weights.change == "changed" and weights.tensors is not None and weights.tensors["total"] == 6
    assert weights.before is not None and weights.before.size == 20232
    assert (moved.change, moved.moved_from) == ("moved", "deploy/deployment.yaml")
    assert diff.kitfile is not None
    assert any((field.path, field.after) == ("model.version", "2.0.0") for field in diff.kitfile)
    assert "docs" in {layer.media_type.split(".")[-3] for layer in diff.shared_layers}


def test_a_member_of_a_later_version_is_in_the_document(project: Path) -> None:
    packed = kit.pack(project, "digits:v1")
    assert packed.document["totalBytes"] == packed.total_bytes


def test_names_that_look_like_options_are_names(project: Path) -> None:
    shutil.move(project, "-digits")
    kit.pack("-digits", "digits:v1")
    kit.unpack("digits:v1", "-out", paths="*.json")
    assert Path("-out/config.json").exists() and not Path("-out/LICENSE").exists()
    with pytest.raises(kit.UsageError):
        kit.inspect("--help")


def test_unpack_overwrites_only_if_it_may(project: Path) -> None:
    kit.pack(project, "digits:v1")
    kit.unpack("digits:v1", "out")
    Path("out/config.json").write_text("{}")
    with pytest.raises(kit.RefusedError):
        kit.unpack("digits:v1", "out")
    assert kit.unpack("digits:v1", "out", overwrite=True).replaced_files == 1


def test_remote_reads_the_registry(project: Path, registry: str) -> None:
    name = f"{registry}/remote:v1"
    first = kit.pack(project, name)
    kit.push(name)
    (project / "config.json").write_text("{}")
    second = kit.pack(project, name)
    assert kit.inspect(name).digest == second.digest
    assert kit.inspect(name, remote=True).digest == first.digest
    assert kit.cat(name, "config.json") == b"{}" != kit.cat(name, "config.json", remote=True)
    assert not kit.diff(f"local://{name}", f"remote://{name}").identical
    kit.unpack(name, "out", remote=True, filters="model")
    assert Path("out/config.json").read_bytes() != b"{}"
    assert len(kit.ls(name, "weights", remote=True)) == 1


def test_run_puts_its_option_before_the_names(project: Path) -> None:
    kit.pack(project, "digits:v1")
    assert kit.run("tag", "--", "digits:v1", "digits:v2")["artifacts"][0]["references"] == ["digits:v2"]


def test_one_option_is_a_text(project: Path) -> None:
    kit.pack(project, "digits:v1")
    kit.unpack("digits:v1", "out", options="--filter=model")
    assert Path("out/weights/model.safetensors").exists() and not Path("out/LICENSE").exists()
    assert kit.load("digits:v1", "config.json", as_path=True, options="--plain-http").exists()
