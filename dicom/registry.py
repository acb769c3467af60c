"""Self-registration: a plug-in is one file in a package; looking a name up imports them all."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import Generic, TypeVar

from dicom.errors import UsageError
from dicom.near_words import did_you_mean

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Named things of one sort, registered by decorator where they are defined.

    ``package`` is imported module by module on first look-up, so that dropping a file into it is
    all that adding a plug-in takes. A look-up that fails raises ``error``, with the nearest right
    word.
    """

    def __init__(self, sort: str, package: str, error: type[Exception] = UsageError) -> None:
        self._sort = sort
        self._package = package
        self._error = error
        self._items: dict[str, T] = {}
        self._lock = RLock()
        self._loading = False
        self._loaded = False

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that registers its argument as ``name``.

        Raises:
            ValueError: ``name`` is taken; two plug-ins must not shadow each other silently.
        """

        def add(item: T) -> T:
            if name in self._items:
                raise ValueError(f"{self._sort} {name!r} is registered twice")
            self._items[name] = item
            return item

        return add

    def has(self, name: str) -> bool:
        """Whether ``name`` is registered by now; imports nothing."""
        return name in self._items

    def remove(self, name: str) -> None:
        """Forget ``name``, which its owner no longer wants to be found; idempotent."""
        self._items.pop(name, None)

    def __getitem__(self, name: str) -> T:
        if name in self._items:  # registered by an import: no need to look at all the others
            return self._items[name]
        self._load()
        try:
            return self._items[name]
        except KeyError:
            raise self._error(self.explain_unknown(name)) from None

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._items))

    def __len__(self) -> int:
        self._load()
        return len(self._items)

    def explain_unknown(self, name: str) -> str:
        """One line: what was seen, the nearest right word, and all the right words."""
        return unknown_word(self._sort, name, tuple(self))

    def _load(self) -> None:
        if self._loaded:
            return
        # Another thread must find all plug-ins or wait; a plug-in may look others up meanwhile.
        with self._lock:
            if self._loading:
                return
            self._loading = True
            try:
                package = importlib.import_module(self._package)
                for module in pkgutil.iter_modules(package.__path__, self._package + "."):
                    importlib.import_module(module.name)
                self._loaded = True
            finally:
                self._loading = False


def unknown_word(sort: str, seen: str, known: tuple[str, ...]) -> str:
    """``unknown fault 'wrong-pott'; did you mean 'wrong-port'? Known: …``."""
    hint = did_you_mean(seen, known) or "."
    return f"unknown {sort} {seen!r}{hint} Known: {', '.join(sorted(known))}"
