"""The exceptions that a failure of kit raises: one class for each exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional


class KitError(Exception):
    """A failure of kit, with what it reported.

    Failures without a class of their own have this one.
    """

    def __init__(
        self,
        message: str,
        causes: Sequence[str] = (),
        hint: Optional[str] = None,
        exit_code: int = 1,
        command: Sequence[str] = (),
        document: Any = None,
    ) -> None:
        super().__init__(message, tuple(causes), hint, exit_code, tuple(command), document)
        self.message: str = message
        """What failed."""
        self.causes: tuple[str, ...] = tuple(causes)
        """The causes, from the outside in."""
        self.hint: Optional[str] = hint
        """A change that can help, if kit knows one."""
        self.exit_code: int = exit_code
        """The exit code of kit."""
        self.command: tuple[str, ...] = tuple(command)
        """The arguments of kit."""
        self.document: Any = document
        """What kit printed as JSON nevertheless, such as the differences that `kit verify` found."""

    def __str__(self) -> str:
        """Return the error as kit prints it."""
        causes = ["  caused by: " + cause.replace("\n", "\n    ") for cause in self.causes]
        hint = [f"hint: {self.hint}"] if self.hint else []
        return "\n".join([self.message, *causes, *hint])


class UsageError(KitError):
    """Wrong usage, such as an unknown option or a name that cannot be parsed."""


class MismatchError(KitError):
    """Compared objects differ, or content could not be verified against its digest."""


class NotFoundError(KitError):
    """A ModelKit, tag, repository, file or folder does not exist, or a filter matches nothing."""


class AuthenticationError(KitError):
    """Credentials are missing, were refused, or do not permit the request."""


class TemporaryError(KitError):
    """A failure that can pass: no connection, no answer, an overloaded registry, or a lock of another process."""


class PreconditionError(KitError):
    """A precondition does not hold: for example, a tag does not point to the expected digest."""


class RefusedError(KitError):
    """A guard refused, for example to overwrite files or to pack a secret."""


class SignalError(KitError):
    """A signal ended kit, but not this process."""


class ProgramNotFoundError(KitError):
    """There is no program `kit` beside this interpreter or on the PATH, or it is not one that this package can use."""


CLASSES: dict[int, type[KitError]] = {
    2: UsageError,
    3: MismatchError,
    4: NotFoundError,
    5: AuthenticationError,
    6: TemporaryError,
    7: PreconditionError,
    8: RefusedError,
    129: SignalError,
    130: SignalError,
    143: SignalError,
}
"""The classes by exit code."""
