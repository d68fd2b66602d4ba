"""The place of the program."""

import sysconfig
from pathlib import Path

import pytest

import kit_modelkit as kit
from kit_modelkit import _binary


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Folders with a program each: that of the interpreter, that of the user, and the one on the PATH."""
    folders = {name: tmp_path / name for name in ("scripts", "user", "path")}
    for folder in folders.values():
        folder.mkdir()
        (folder / _binary.NAME).write_text("#!/bin/sh\n")
        (folder / _binary.NAME).chmod(0o755)

    def get_path(_: str, scheme: str = "") -> str:
        return str(folders["user" if scheme else "scripts"])

    monkeypatch.setattr(sysconfig, "get_path", get_path)
    monkeypatch.setattr(_binary, "__file__", str(tmp_path / "a/b/c/d/e/_binary.py"))
    monkeypatch.setenv("PATH", str(folders["path"]))
    monkeypatch.delenv("KIT_BINARY", raising=False)
    return folders


def test_the_program_of_the_package_comes_before_that_on_the_path(places: dict[str, Path]) -> None:
    for name in ("scripts", "user", "path"):
        assert kit.find_binary() == str(places[name] / _binary.NAME)
        (places[name] / _binary.NAME).unlink()
    with pytest.raises(kit.ProgramNotFoundError, match="KIT_BINARY"):
        kit.find_binary()


def test_an_installation_into_a_folder_has_its_own(places: dict[str, Path], tmp_path: Path) -> None:
    for folder in places.values():
        (folder / _binary.NAME).unlink()
    # `pip install --target a/b/c/d`.
    program = tmp_path / "a/b/c/d/bin" / _binary.NAME
    program.parent.mkdir(parents=True)
    program.touch()
    assert kit.find_binary() == str(program)


def test_the_variable_chooses(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = str(places["user"] / _binary.NAME)
    monkeypatch.setenv("KIT_BINARY", chosen)
    assert kit.find_binary() == chosen
    monkeypatch.setenv("KIT_BINARY", "kit")
    assert kit.find_binary() == str(places["path"] / _binary.NAME)
