"""The magic in a shell of IPython."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("IPython")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A shell with the extension, whose history is not written."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shell: Any = InteractiveShell()  # type: ignore[no-untyped-call]
    shell.history_manager.enabled = False
    shell.run_line_magic("load_ext", "kit_modelkit")
    yield shell


def test_the_magic_shows_the_output(shell: Any, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell.user_ns["version"] = "v1"
    shell.run_cell("%kit pack digits -t 'digits:{version}'").raise_error()
    shown = capsys.readouterr()
    assert "Saved model layer: sha256:" in shown.out and "Model saved: sha256:" in shown.out and not shown.err
    shell.run_cell("%kit diff digits:v1 digits").raise_error()
    assert "identical" in capsys.readouterr().out


def test_a_failure_of_the_magic_stops_the_cell(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = shell.run_cell("%kit info digits:v9\nprint('not reached')")
    shown = capsys.readouterr()
    assert result.error_in_exec is not None and str(result.error_in_exec) == "kit ended with exit code 4"
    assert "error: " in shown.out and "not reached" not in shown.out


def test_a_line_that_is_not_complete_has_no_traceback(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = shell.run_cell("%kit pack 'digits")
    assert "No closing quotation" in str(result.error_in_exec)
    assert "Traceback" not in capsys.readouterr().err
