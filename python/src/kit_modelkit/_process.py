"""Runs the program `kit`: its events, its errors, and how an interrupt ends it."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any, Callable, Optional, Union

from . import errors, events
from ._binary import find_binary

log = logging.getLogger("kit_modelkit")

# A terminal, and Jupyter, send an interrupt to kit as well. A second one would end it before it has cleaned up.
SECONDS_BEFORE_INTERRUPT = 1.0

# How KitOps, and other programs, refuse the option that kit is run with.
WITHOUT_PROGRESS = re.compile(r"(unknown flag: |unexpected argument ')--progress\b")

# A notebook on Windows has no console, so each program would open a window.
if sys.platform == "win32":
    FLAGS = subprocess.CREATE_NO_WINDOW
else:
    FLAGS = 0


def run(
    arguments: Sequence[str], callback: Optional[events.Callback] = None, output: Optional[IO[bytes]] = None
) -> bytes:
    """Run kit, and return what it writes to standard output, or write that to `output`.

    Warnings go to the log `kit_modelkit` as well as to the callback. A failure raises a KitError. If an exception, such
    as that of an interrupt, ends the call, kit is interrupted, and has ended before the exception is raised.
    """
    report = _Report(callback)
    program = find_binary()
    code, out = run_lines([program, "--progress=json", *arguments], report.line, output)
    # A program that is ended by a signal, and not by itself.
    code = 128 - code if code < 0 else code
    if code != 0:
        if not report.failure and any(WITHOUT_PROGRESS.search(text) for text in report.texts):
            raise unusable(program, report.texts)
        raise report.error(code, arguments, out)
    return out


def document(arguments: Sequence[str], callback: Optional[events.Callback] = None) -> Any:
    """Run kit, and return the JSON document that it writes to standard output."""
    out = run(arguments, callback)
    try:
        return json.loads(out)
    except ValueError:
        shown = out[:200].decode(errors="replace").strip()
        raise errors.KitError(
            f"`kit {arguments[0]}` did not answer with a JSON document",
            [f"it printed `{shown}`" if shown else "it printed nothing"],
            "do not pass --format in `options`; use the program that was installed with this package",
            0,
            arguments,
        ) from None


def unusable(program: str, causes: Sequence[str]) -> errors.ProgramNotFoundError:
    """Return the error about a program that is not this kit: that of KitOps has the same name."""
    return errors.ProgramNotFoundError(
        f"`{program}` is not a program `kit` that this package can use",
        [text for text in causes if text],
        "install kit-modelkit again, or set KIT_BINARY to the path of the program",
        127,
    )


def run_lines(
    command: Union[str, Sequence[str]], on_line: Callable[[bytes], None], output: Optional[IO[bytes]] = None
) -> tuple[int, bytes]:
    """Run a command, and return its exit code and standard output; `on_line` gets each line of standard error."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.PIPE,
            stderr=subprocess.PIPE,
            creationflags=FLAGS,
        )
    except OSError as error:
        # For another system or processor, or removed in the meantime.
        raise unusable(command if isinstance(command, str) else command[0], [str(error)]) from error
    assert process.stderr is not None
    reader = _Reader(process.stdout)
    try:
        for line in process.stderr:
            on_line(line)
        process.wait()
    except BaseException as failure:
        _end(process, isinstance(failure, KeyboardInterrupt))
        raise
    finally:
        reader.join()
        process.stderr.close()
    return process.returncode, reader.content


def _end(process: subprocess.Popen[bytes], is_interrupt: bool) -> None:
    """Interrupt a program and wait until it has ended. A second interrupt of this process kills it."""
    assert process.stderr is not None
    # Otherwise the program would wait for a reader of its last lines.
    drain = _Reader(process.stderr)
    try:
        if is_interrupt:
            _wait(process, SECONDS_BEFORE_INTERRUPT)
        if process.poll() is None:
            # Windows has no signal for a single program.
            process.terminate() if sys.platform == "win32" else process.send_signal(signal.SIGINT)
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        drain.join()


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


class _Reader:
    """Reads a pipe to its end in a thread of its own."""

    def __init__(self, pipe: Optional[IO[bytes]]) -> None:
        self.content = b""
        self.pipe = pipe
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        if self.pipe is not None:
            self.content = self.pipe.read()

    def join(self) -> None:
        self.thread.join()
        if self.pipe is not None:
            self.pipe.close()


class _Report:
    """What kit reports on standard error."""

    def __init__(self, callback: Optional[events.Callback]) -> None:
        self.callback = callback
        self.failure: dict[str, Any] = {}
        self.texts: list[str] = []

    def line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r\n")
        document = _json(text)
        if not isinstance(document, dict) or "type" not in document:
            self.texts.append(text)
        elif document["type"] in ("error", "interrupted"):
            self.failure = document
        else:
            self._event(document)

    def _event(self, document: dict[str, Any]) -> None:
        event = events.event(document)
        if isinstance(event, events.WarningMessage):
            log.warning("%s", event.text)
        elif isinstance(event, events.Message):
            log.info("%s", event.text)
        if event is not None and self.callback is not None:
            self.callback(event)

    def error(self, code: int, arguments: Sequence[str], out: bytes) -> errors.KitError:
        kind = errors.CLASSES.get(code, errors.KitError)
        if self.failure:
            message, causes, hint = self.failure["text"], self.failure.get("causes", ()), self.failure.get("hint")
        else:
            message, causes, hint = _from_text(self.texts, code)
        return kind(message, causes, hint, code, arguments, _json(out))


def _json(text: Union[str, bytes]) -> Any:
    """Return the value that a text contains as JSON, or None if it is another text."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _from_text(lines: Sequence[str], code: int) -> tuple[str, list[str], Optional[str]]:
    """Return message, causes and hint of a report as text: wrong usage, or a failure before kit read its options."""
    start = next((at for at, line in enumerate(lines) if line.startswith("error: ")), None)
    if start is None:
        return "\n".join([f"kit ended with exit code {code}", *lines]), [], None
    end = next((at for at in range(start, len(lines)) if not lines[at]), len(lines))
    block = [line.strip() for line in lines[start:end]]
    causes = [line[len("caused by: ") :] for line in block if line.startswith("caused by: ")]
    hints = [line[len("hint: ") :] for line in lines[start:] if line.startswith("hint: ")]
    message = " ".join(line for line in block if not line.startswith(("caused by: ", "hint: ")))
    return message[len("error: ") :], causes, hints[0] if hints else None
