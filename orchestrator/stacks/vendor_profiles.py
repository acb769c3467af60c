"""Every vendor profile is a stack of its own: ``STACK=acme`` runs ``profiles/acme.yaml``."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.backends.base import Backend
from orchestrator.errors import InputError
from orchestrator.files.problems import shown
from orchestrator.model.identity import Edition
from orchestrator.stacks.base import STACKS, Archive, Stack, StackContext
from orchestrator.stacks.profile.files import find_profile, profile_files


class ProfileStack(Stack):
    """Registered under the profile's name; the file is read when the stack is used."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def aetitle(self) -> str:
        return find_profile(self.name).defaults.aetitle

    def editions(self, backend: Backend) -> tuple[Edition, ...]:
        """Only ever a profile, on any backend."""
        return ("profile",)

    def ports(self, edition: Edition) -> Mapping[str, int]:
        """Ports of the profile archive in a container."""
        from orchestrator.stacks.profile.adapter import PROFILE_PORTS

        return PROFILE_PORTS

    def archive(self, edition: Edition, context: StackContext) -> Archive:
        # imported when needed: it brings pynetdicom, which a list of names does not need
        from orchestrator.stacks.profile.adapter import profile_archive

        return profile_archive(self.name, context)


for _name, _file in profile_files().items():
    try:
        STACKS.register(_name)(ProfileStack(_name))
    except ValueError as _error:
        raise InputError(
            f"{shown(_file)}: a stack is called {_name!r} already; give the profile another name"
        ) from _error
