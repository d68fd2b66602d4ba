"""Failures: the class, the causes and the hint."""

import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

import kit_modelkit as kit
from conftest import REPOSITORY
from kit_modelkit import errors


def test_a_failure_has_its_causes_and_its_hint() -> None:
    with pytest.raises(kit.NotFoundError) as raised:
        kit.cat("digits:v9", "config.json")
    error = raised.value
    assert error.exit_code == 4 and error.message and error.causes and error.hint
    assert error.command[0] == "cat"
    lines = str(error).split("\n")
    assert lines[0] == error.message
    assert lines[1] == f"  caused by: {error.causes[0]}" and lines[-1] == f"hint: {error.hint}"


def test_wrong_usage_is_reported_as_text() -> None:
    with pytest.raises(kit.UsageError) as raised:
        kit.inspect("digits:v1", options=["--nope"])
    assert raised.value.message == "unexpected argument '--nope' found"
    with pytest.raises(kit.UsageError) as raised:
        kit.run("inspect")
    assert raised.value.message == "the following required arguments were not provided: <NAME:TAG>"


def test_a_registry_that_is_not_there() -> None:
    with pytest.raises(kit.TemporaryError):
        kit.pull("localhost:1/digits:v1", options=["--retry-for=0s"])


def test_a_failure_with_a_document(project: Path) -> None:
    kit.pack(project, "digits:v1")
    kit.unpack("digits:v1", "out")
    Path("out/config.json").write_text("{}")
    with pytest.raises(kit.MismatchError) as raised:
        kit.run("verify", "out", "digits:v1")
    assert [change["path"] for change in raised.value.document["differences"]] == ["config.json"]


def test_a_moved_tag_and_a_secret(project: Path, registry: str) -> None:
    kit.pack(project, f"{registry}/errors:v1")
    kit.push(f"{registry}/errors:v1")
    with pytest.raises(kit.PreconditionError):
        kit.push(f"{registry}/errors:v1", options=["--expect=none"])
    (project / "src/.env").write_text("OPENAI_API_KEY=sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD\n")
    with pytest.raises(kit.RefusedError):
        kit.pack(project, "digits:v1")


def test_an_error_survives_pickle() -> None:
    with pytest.raises(kit.NotFoundError) as raised:
        kit.inspect("digits:v9")
    copy = pickle.loads(pickle.dumps(raised.value))
    assert type(copy) is kit.NotFoundError
    assert (copy.message, copy.causes, copy.hint) == (raised.value.message, raised.value.causes, raised.value.hint)


def test_each_exit_code_of_the_reference_has_a_class() -> None:
    page = (REPOSITORY / "docs/reference/exit-codes.md").read_text()
    rows = re.findall(r"^\| (\d[\d, ]*) \|", page.split("Some commands answer")[0], re.MULTILINE)
    codes = {int(code) for row in rows for code in row.split(",")}
    assert len(codes) > 10 and codes - {0, 1} == set(errors.CLASSES)


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("exit 6", errors.TemporaryError, "kit ended with exit code 6"),
        ("echo 'thread panicked' >&2; exit 101", errors.KitError, "kit ended with exit code 101\nthread panicked"),
        ("kill -KILL $$", errors.KitError, "kit ended with exit code 137"),
        ("kill -TERM $$", errors.SignalError, "kit ended with exit code 143"),
        (
            "echo 'error: a' >&2; echo '  caused by: b' >&2; echo 'hint: c' >&2; exit 4",
            errors.NotFoundError,
            "a\n  caused by: b\nhint: c",
        ),
        ("echo 'null' >&2; echo '{}' >&2; exit 200", errors.KitError, "kit ended with exit code 200\nnull\n{}"),
    ],
)
def test_other_ends(program: Callable[[str], None], script: str, kind: type[kit.KitError], message: str) -> None:
    program(script)
    with pytest.raises(kit.KitError) as raised:
        kit.inspect("digits:v1")
    assert (type(raised.value), str(raised.value)) == (kind, message)


def test_a_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_BINARY", "./nope")
    with pytest.raises(kit.ProgramNotFoundError, match=r"KIT_BINARY is `./nope`"):
        kit.inspect("digits:v1")


@pytest.mark.parametrize(
    "script",
    [
        "echo 'Error: unknown flag: --progress' >&2; exit 1",
        "echo \"error: unexpected argument '--progress' found\" >&2; exit 2",
    ],
)
def test_the_program_of_kitops_is_not_used(program: Callable[[str], None], script: str) -> None:
    program(script)
    with pytest.raises(kit.ProgramNotFoundError, match="is not a program `kit` that this package can use") as raised:
        kit.inspect("digits:v1")
    assert "--progress" in raised.value.causes[0] and "KIT_BINARY" in (raised.value.hint or "")


def test_a_program_for_another_system(program: Callable[[str], None], tmp_path: Path) -> None:
    program("")
    (tmp_path / "program").write_bytes(b"MZ")
    with pytest.raises(kit.ProgramNotFoundError) as raised:
        kit.inspect("digits:v1")
    assert "Exec format error" in raised.value.causes[0]


def test_an_answer_that_is_no_document(project: Path) -> None:
    kit.pack(project, "digits:v1")
    with pytest.raises(kit.KitError, match="`kit inspect` did not answer with a JSON document"):
        kit.inspect("digits:v1", options="--format=yaml")


def test_the_module_runs_the_program() -> None:
    ended = subprocess.run([sys.executable, "-m", "kit_modelkit", "info", "digits:v9"], capture_output=True, text=True)
    assert ended.returncode == 4 and ended.stderr.startswith("error: ")
