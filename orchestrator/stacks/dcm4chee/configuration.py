"""Putting neutral settings in force on a running DCM4CHEE over REST, and taking them back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from dicom.settings import ArchiveSettings
from orchestrator.errors import LabError, UnsupportedError
from orchestrator.machine.waiting import wait_until
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Native
from orchestrator.stacks.dcm4chee.device import (
    Json,
    configured,
    in_dialect,
    remote_device,
    table_line,
    view,
)
from orchestrator.stacks.dcm4chee.dialect import REMOTE_AES, Dcm4cheeDialect, remote_ae
from orchestrator.stacks.dcm4chee.rest import Dcm4cheeRest
from orchestrator.stacks.native import changes_between

_RELOAD_SECONDS: Final = 60.0
#: Devices that the lab adds are named so, that an administrator can tell them from others.
_OURS: Final = "pacslab-"
#: A change of more characters than this is shortened: an AE has some 250 transfer capabilities.
_SHOWN: Final = 200


class Dcm4cheeConfiguration:
    """The device of one archive and its table of remote AEs, from a known state to another.

    Args:
        rest: the archive.
        dialect: names the device and the TLS stores.
        title: of the AE that stores, as the archive has it now.
        pin: of the TLS stores.
        remember: called with the archive's device before it is changed. Where it is given the
            archive is somebody else's: a device that changed meanwhile is not overwritten.
    """

    def __init__(
        self,
        rest: Dcm4cheeRest,
        dialect: Dcm4cheeDialect,
        title: str,
        *,
        pin: str = "",
        remember: Callable[[Mapping[str, object]], None] | None = None,
    ) -> None:
        self._rest = rest
        self._dialect = dialect
        self._shipped_title = title
        self._pin = pin
        self._remember = remember
        self._shipped: Json = rest.device(dialect.device)
        self._shipped_aes = self._table(rest.aes())
        self._shipped_view = view(self._shipped, title)
        self._in_force = ArchiveSettings(aetitle=title)
        self._put: Json = self._shipped
        self._title = title
        self._seen = _canonical(self._shipped)
        #: Devices of remote AEs that were touched, as they were (None: not there).
        self._before: dict[str, Json | None] = {}
        self._absent: set[str] = set()

    @property
    def version(self) -> str:
        """``dicomSoftwareVersion``, which the archive writes into its device at each start."""
        versions = self._shipped.get("dicomSoftwareVersion") or ["unknown"]
        return str(versions[0])

    def apply(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Put ``settings`` in force: remote AEs, then the device, then ``ctrl/reload``.

        Raises:
            UnsupportedError: DCM4CHEE has no such setting, or an AE title is taken.
            LabError: the archive refused, or somebody else changed the device meanwhile.
        """
        for setting, reason in self._dialect.unsupported(settings).items():
            raise UnsupportedError(f"{setting}: {reason}")
        device = configured(self._shipped, self._shipped_title, settings, self._dialect, self._pin)
        asked = {**self._dialect.translate(self._in_force), **self._dialect.translate(settings)}
        before = self._view(asked)
        touched = self._drop_aes(settings)
        if device != self._put:
            self._replace_own(device, settings.aetitle)
            touched = True
        touched = self._add_aes(settings) or touched
        self._in_force = settings
        if not touched:
            return ()
        self._reload()
        after = self._view(asked)
        return tuple(
            change.model_copy(
                update={"before": _shortened(change.before), "after": _shortened(change.after)}
            )
            for change in changes_between(self._dialect.where, before, after)
        )

    def read_back(self) -> Native:
        """What is in force, as far as it is set by the lab or differs from what was shipped."""
        wanted = self._dialect.translate(self._in_force)
        device, table = self._read()
        known = {each.title: remote_ae(each) for each in self._in_force.known_aes}
        return {
            **in_dialect(device, self._shipped_view, wanted),
            REMOTE_AES: in_dialect(table, self._shipped_aes, known),
        }

    def restore(self) -> None:
        """Put back everything that was changed, and nothing else; idempotent.

        Raises:
            LabError: somebody else changed the device meanwhile, or the archive refused.
        """
        if self._put == self._shipped and not self._before:
            return
        # what the lab added goes first: titles are unique, and an original may have one of them
        for name in sorted(self._before, key=lambda each: self._before[each] is not None):
            self._set_remote(name, self._before[name])
            del self._before[name]
        if self._put != self._shipped:
            self._replace_own(self._shipped, self._shipped_title)
        self._in_force = ArchiveSettings(aetitle=self._shipped_title)
        self._reload()

    # --- the archive's own device ---------------------------------------------------------

    def _replace_own(self, device: Json, title: str) -> None:
        name = self._dialect.device
        if self._remember is not None:
            if _canonical(self._rest.device(name)) != self._seen:
                raise LabError(
                    f"somebody else changed device {name} of {self._rest.api.name} while the lab"
                    " was using it; the lab does not overwrite that. Undo there by hand what the"
                    " record lists as changed."
                )
            self._remember(self._shipped)
        self._rest.replace_device(name, device)
        self._put, self._title = device, title
        self._seen = _canonical(self._rest.device(name))

    def _reload(self) -> None:
        self._rest.reload()
        wait_until(
            self._rest.started,
            seconds=_RELOAD_SECONDS,
            what=f"{self._rest.api.name} to be STARTED again after ctrl/reload",
        )

    def _view(self, keys: Iterable[str]) -> Native:
        """What is in force in these keys. Others change as a consequence: an archive that stores
        fewer SOP classes takes fewer transfer syntaxes."""
        device, table = self._read()
        seen = {**device, REMOTE_AES: table}
        return {key: seen[key] for key in keys}

    def _read(self) -> tuple[dict[str, object], dict[str, object]]:
        """What the archive reports now: its device and the table of remote AEs."""
        device = self._rest.device(self._dialect.device)
        return view(device, self._title), self._table(self._rest.aes())

    def _table(self, aes: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
        own = self._dialect.device
        return {title: table_line(ae) for title, ae in aes.items() if ae["dicomDeviceName"] != own}

    # --- remote AEs -----------------------------------------------------------------------

    def _drop_aes(self, settings: ArchiveSettings) -> bool:
        """Remove the AEs that ``settings`` no longer name."""
        kept = {each.title for each in settings.known_aes}
        dropped = [each.title for each in self._in_force.known_aes if each.title not in kept]
        there = self._rest.aes() if dropped else {}
        found = [title for title in dropped if title in there]
        for title in found:
            self._set_remote(self._remote_device_of(title, there[title]), None)
        return bool(found)

    def _add_aes(self, settings: ArchiveSettings) -> bool:
        """Add the AEs that are missing and correct those that are other than ``settings`` say."""
        there = self._rest.aes() if settings.known_aes else {}
        wrong = [
            each
            for each in settings.known_aes
            if each.title not in there or table_line(there[each.title]) != remote_ae(each)
        ]
        for each in wrong:
            if each.title in there:
                name = self._remote_device_of(each.title, there[each.title])
            else:
                name = f"{_OURS}{each.title}"
                self._absent.add(name)
            self._set_remote(name, remote_device(name, each))
            # only now: what the archive did not let the lab create is not the lab's to delete
            self._before.setdefault(name, None)
        return bool(wrong)

    def _remote_device_of(self, title: str, ae: Mapping[str, Any]) -> str:
        """The device of a remote AE, remembered as it was before the lab touches it."""
        name = str(ae["dicomDeviceName"])
        if name in self._before:
            return name
        if name.startswith(_OURS):  # left behind by a run that was killed
            self._before[name] = None
            return name
        if name == self._dialect.device:
            raise UnsupportedError(
                f"AE title {title!r} is one of DCM4CHEE's own ({name}); give the node another one"
            )
        device = self._rest.device(name)
        titles = [each["dicomAETitle"] for each in _list(device.get("dicomNetworkAE"))]
        if titles != [title]:
            raise UnsupportedError(
                f"AE title {title!r} belongs to device {name} together with"
                f" {', '.join(sorted(set(titles) - {title}))}; the lab changes only devices with"
                " one AE. Give the node another title."
            )
        self._before[name] = device
        return name

    def _set_remote(self, name: str, device: Json | None) -> None:
        if device is None:
            self._rest.delete_device(name)
            self._absent.add(name)
        elif name in self._absent:
            self._rest.create_device(name, device)
            self._absent.discard(name)
        else:
            self._rest.replace_device(name, device)


def _canonical(device: Mapping[str, Any]) -> str:
    """The device as text that does not depend on the order in which LDAP lists entries."""
    return json.dumps(_sorted(device), sort_keys=True)


def _sorted(part: Any) -> Any:
    if isinstance(part, list):
        return sorted((_sorted(each) for each in part), key=lambda each: json.dumps(each))
    if isinstance(part, Mapping):
        return {key: _sorted(part[key]) for key in sorted(part)}
    return part


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _shortened(text: str) -> str:
    """A value as JSON text, a long list by its first items and its length."""
    if len(text) <= _SHOWN:
        return text
    value = json.loads(text)
    if not isinstance(value, list):
        return text
    return json.dumps([*value[:3], f"… {len(value) - 3} more"], ensure_ascii=False)
