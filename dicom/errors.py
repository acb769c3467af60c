"""Errors of a modality that are not observations of an exchange."""

from __future__ import annotations


class UsageError(Exception):
    """A command can't be carried out as written: a file, key or title is wrong.

    The message says what was expected, what was seen and what to do next. What a peer or the
    network does is never an error but an observation in the ``Report``.
    """
