"""What the tests share: a local store of its own for each test, a project, and a registry on this machine."""

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

import kit_modelkit

# A shell lets its background jobs ignore interrupts, and the programs that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 30


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty local store, an empty cache, and a folder to work in."""
    for name in ("KITOPS_HOME", "KIT_POLICY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KIT_PYTHON_CACHE", str(tmp_path / "cache"))
    # Programs that a test starts find the same package.
    monkeypatch.setenv("PYTHONPATH", str(Path(kit_modelkit.__file__).parents[1]))
    work = tmp_path / "my wörk"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path / "home"


@pytest.fixture
def project() -> Path:
    """The example `digits`, in the current folder."""
    shutil.copytree(REPOSITORY / "examples/digits", "digits")
    return Path("digits")


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host and port of a docker-registry with an empty storage."""
    folder = tmp_path_factory.mktemp("registry")
    config, log = folder / "config.yml", folder / "log"
    config.write_text(
        "version: 0.1\nlog: {level: info, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{folder}/storage'}}, delete: {{enabled: true}}}}\n"
        "http: {addr: '127.0.0.1:0'}\n"
    )
    with log.open("w") as file:
        process = subprocess.Popen(["docker-registry", "serve", config], stdout=file, stderr=file)
    try:
        yield f"localhost:{_port(process, log)}"
    finally:
        process.kill()
        process.wait()


def _port(process: "subprocess.Popen[bytes]", log: Path) -> int:
    """Wait until the registry has logged the port on which it listens."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.02)
    raise RuntimeError(f"docker-registry did not start: {log.read_text()}")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that replaces kit by a shell script."""

    def write(script: str) -> None:
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("KIT_BINARY", str(path))

    return write
