"""The simulated archive, as its own tests start it."""

from tests.archive.conftest import archive

__all__ = ["archive"]
