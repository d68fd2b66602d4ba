"""A progress bar for the functions of this package, made with tqdm (`pip install kit-modelkit[tqdm]`)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Optional, Union

from . import events


class TqdmProgress:
    """A progress bar of tqdm that shows the bytes of an operation.

    It is a context manager, and a callback for `progress`; the arguments are those of tqdm:

        with TqdmProgress(desc="digits", leave=False) as bar:
            kit_modelkit.pull("registry.example/team/digits:v1", progress=bar)

    In a notebook, the bar is a widget, if ipywidgets is installed.
    """

    def __init__(self, **options: Any) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError("a progress bar needs tqdm: pip install kit-modelkit[tqdm]") from error
        chosen: dict[str, Any] = {"unit": "B", "unit_scale": True, "unit_divisor": 1024, **options}
        self.bar: Any = tqdm(**chosen)

    def __call__(self, event: events.Event) -> None:
        """Show an event."""
        if not isinstance(event, events.Overall):
            return
        # Another operation begins: a pull reports one for each ModelKit. Or a transfer starts again.
        if event.bytes < self.bar.n:
            self.bar.reset()
        self.bar.total = event.total_bytes
        self.bar.update(event.bytes - self.bar.n)

    def close(self) -> None:
        """End the bar."""
        self.bar.close()

    def __enter__(self) -> TqdmProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def listening(progress: Union[bool, events.Callback, None]) -> Generator[Optional[events.Callback], None, None]:
    """Return the callback for the argument `progress` of a function: True is a bar for this call."""
    if progress is True:
        with TqdmProgress() as bar:
            yield bar
    else:
        yield progress or None
