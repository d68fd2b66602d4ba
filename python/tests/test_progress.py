"""Events, the progress bar, and interrupts."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest

import kit_modelkit as kit
from kit_modelkit import events


def test_a_callback_gets_typed_events(project: Path) -> None:
    seen: list[events.Event] = []
    packed = kit.pack(project, "digits:v1", progress=seen.append)
    starts = [event for event in seen if isinstance(event, events.Start)]
    assert {start.phase for start in starts} == {"hashing"}
    assert {event.task for event in seen if isinstance(event, events.End)} == {start.task for start in starts}
    overall = [event for event in seen if isinstance(event, events.Overall)]
    assert overall[-1].bytes == overall[-1].total_bytes
    saved = [event for event in seen if isinstance(event, events.Message) and event.event == "documentSaved"]
    assert saved[-1].facts["digest"] == packed.digest


def test_warnings_are_logged_and_reported(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    (project / ".kitignore").write_text("datas\n")
    seen: list[events.Event] = []
    with caplog.at_level(logging.WARNING):
        kit.pack(project, "digits:v1", progress=seen.append)
    warnings = [event.text for event in seen if isinstance(event, events.WarningMessage)]
    assert warnings and [record.message for record in caplog.records] == warnings


def test_events_of_a_later_version_are_left_out(program: Callable[[str], None]) -> None:
    program("""echo '{"type":"novel"}' >&2; echo '{"type":"progress","task":1,"bytes":2,"rate":3}' >&2; echo '{}'""")
    seen: list[events.Event] = []
    kit.run("list", progress=seen.append)
    assert seen == [events.Progress(1, 2)]


def test_tqdm_shows_the_bytes(project: Path, registry: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    kit.pack(project, f"{registry}/bars:v1")
    with kit.TqdmProgress(desc="push", file=sys.stdout) as bar:
        pushed = kit.push(f"{registry}/bars:v1", progress=bar)
        assert bar.bar.n == bar.bar.total >= pushed.sent_bytes
        kit.pull(f"{registry}/bars:v1", progress=bar)
    assert "push: 100%" in capsys.readouterr().out
    kit.pull(f"{registry}/bars:v1", progress=True)
    assert "100%" in capsys.readouterr().err


def test_an_operation_after_another_starts_the_bar_again() -> None:
    pytest.importorskip("tqdm")
    with kit.TqdmProgress(disable=False, leave=False) as bar:
        for event in (events.Overall(0, 10), events.Overall(10, 10), events.Overall(0, 7), events.Overall(4, 7)):
            bar(event)
        assert (bar.bar.n, bar.bar.total) == (4, 7)


def test_an_exception_of_the_callback_interrupts_kit(program: Callable[[str], None]) -> None:
    program("""
        trap 'echo interrupted > trace; exit 130' INT
        echo '{"type":"overall","bytes":0,"totalBytes":1}' >&2
        while :; do sleep 0.05; done""")

    def fail(_: events.Event) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        kit.run("list", progress=fail)
    assert Path("trace").read_text() == "interrupted\n"


# Python notices the interrupt after kit did.
CALLER = """
import signal, time
import kit_modelkit as kit
def interrupt(*details):
    time.sleep(0.1)
    signal.default_int_handler(*details)
signal.signal(signal.SIGINT, interrupt)
try:
    kit.run("list", progress=lambda event: print("started", flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""

WORKER = f"""exec {sys.executable} -c '
import os, signal, sys, time
def end(*_):
    print("once", file=trace, flush=True)
    signal.signal(signal.SIGINT, lambda *_: os._exit(1))
    time.sleep(0.3)
    print("cleaned", file=trace, flush=True)
    os._exit(130)
trace = open("trace", "w")
signal.signal(signal.SIGINT, end)
print("{{\\"type\\":\\"overall\\",\\"bytes\\":0,\\"totalBytes\\":1}}", file=sys.stderr, flush=True)
time.sleep(60)
'"""


@pytest.mark.parametrize("send", [os.kill, getattr(os, "killpg", None)], ids=["to Python only", "from a terminal"])
def test_an_interrupt_ends_kit_once_and_waits(program: Callable[[str], None], send: Callable[[int, int], None]) -> None:
    program(WORKER)
    caller = subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert caller.stdout is not None and caller.stdout.readline() == "started\n"
    send(caller.pid, signal.SIGINT)
    assert caller.communicate(timeout=20)[0] == "interrupted\n"
    assert Path("trace").read_text() == "once\ncleaned\n"


def test_a_second_interrupt_kills(program: Callable[[str], None]) -> None:
    program("""trap 'echo deaf >> trace' INT
        echo $$ > process
        echo '{"type":"overall","bytes":0,"totalBytes":1}' >&2
        while :; do sleep 0.05; done""")
    caller = subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert caller.stdout is not None and caller.stdout.readline() == "started\n"
    os.kill(caller.pid, signal.SIGINT)
    _until(lambda: Path("trace").exists())
    os.kill(caller.pid, signal.SIGINT)
    assert caller.communicate(timeout=20)[0] == "interrupted\n"
    _until(lambda: not _is_running(int(Path("process").read_text())))


def test_kit_itself_ends_without_a_modelkit(project: Path) -> None:
    (project / "weights/model.safetensors").write_bytes(os.urandom(64 << 20))

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.Start):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        # Compression takes seconds.
        kit.pack(project, "digits:v1", progress=interrupt, options=["--compression=gzip", "--allow-empty"])
    assert kit.run("list") == []


def _until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.02)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
