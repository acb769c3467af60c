"""Errors that reach the user: each says what was expected, what was seen, and what to do next."""

from __future__ import annotations


class PacslabError(Exception):
    """Base of every error this product raises on purpose. ``str(error)`` is fit for a terminal."""

    exit_code = 1


class InputError(PacslabError):
    """What the user wrote is wrong: an unknown name, a bad file, a bad option (exit code 2)."""

    exit_code = 2


class EnvironmentProblemError(PacslabError):
    """This machine can't do what was asked: no engine, no image, no port (exit code 3)."""

    exit_code = 3


class LabError(PacslabError):
    """A node did not start, answer or stop as it should. ``log_tail`` holds its last lines."""

    def __init__(self, message: str, *, log_tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.log_tail = log_tail


class FaultNotInPlaceError(PacslabError):
    """A fault was applied but reading back shows that it did not take."""


class UnsupportedError(PacslabError):
    """This stack, edition, version or backend can't do it; the message is the reason."""
