"""Which devices an operator has to look at before they are asked again: one small file each, seen by every process.

A device is put there for a wrong signature (distrusted) or a refused PIN (locked out: each further try may lock it for
good, and a restarted process must not try either). The file is no secret and is not sealed: whoever can delete it only
brings a device back whose every signature is verified. Reinstating one is the operator's act.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from hsm_adapter.folder import make_folder, usable
from hsm_adapter.keyfile import DEVICE_NAME
from hsm_adapter.pool.errors import DeviceUnknown
from trust.durable import sync, write_whole
from trust.kernel.encoding import canonical_json
from trust.kernel.randomness import Randomness

_SUFFIX = ".out"


class OutageKind(StrEnum):
    """Why a device is out of service until an operator acts."""

    DISTRUSTED = "distrusted"
    LOCKED_OUT = "locked-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Why and since when a device is out of service; `code` is the error's."""

    kind: OutageKind
    code: str
    since: datetime


class Outages:
    """The folder of these files."""

    def __init__(self, folder: Path, randomness: Randomness) -> None:
        self._folder = folder
        self._randomness = randomness

    def of(self, device: str) -> Outage | None:
        """Return why `device` is out of service, or None. A file that cannot be read counts as distrust."""
        path = self._path(device)
        with usable(self._folder):
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
        try:
            members: Mapping[str, str] = json.loads(content)
            since = datetime.fromisoformat(members["since"])
            return Outage(kind=OutageKind(members["kind"]), code=members["code"], since=since)
        except (ValueError, TypeError, KeyError):
            return Outage(kind=OutageKind.DISTRUSTED, code="key-file-broken", since=datetime.fromtimestamp(0, UTC))

    def put(self, device: str, outage: Outage) -> None:
        """Take `device` out of service for every process, durably. Raises `TokenFolderUnusable`."""
        make_folder(self._folder)
        content = {"kind": outage.kind, "code": outage.code, "since": outage.since.astimezone(UTC).isoformat()}
        with usable(self._folder):
            write_whole(self._path(device), canonical_json(content) + b"\n", self._randomness)

    def lift(self, device: str) -> None:
        """Let `device` back into service: an operator's act, seen by every process at its next use."""
        with usable(self._folder):
            if self._folder.is_dir():
                self._path(device).unlink(missing_ok=True)
                sync(self._folder)

    def _path(self, device: str) -> Path:
        if not DEVICE_NAME.fullmatch(device):
            raise DeviceUnknown(field="device")
        return self._folder / f"{device}{_SUFFIX}"
