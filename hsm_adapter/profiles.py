"""The devices file: which pieces of hardware this installation has, and how each is reached (TOML).

    [[device]]
    name = "hsm-a"
    kind = "pkcs11"        # or "sdf"
    library = "/opt/vendor/libpkcs11.so"
    …                      # all other entries are the adapter's own: docs/pkcs11.md, docs/sdf.md

A backend is imported when a device of its kind is opened: a machine without SDF loads nothing of it.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hsm_adapter.api import SigningDevice
from hsm_adapter.errors import DevicesFileInvalid
from hsm_adapter.keyfile import DEVICE_NAME
from trust.kernel.randomness import Randomness

MAX_DEVICES: Final = 64
"""Most devices of one installation. A province has a dozen."""

MAX_FILE_BYTES: Final = 256 * 1024
"""Longest devices file, bytes: 4 KiB for each device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """One entry of the file, its own table unread: the backend reads it when it is opened."""

    name: str
    kind: str
    table: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a backend needs besides its entry: where relative paths start, and where lasting marks are kept."""

    folder: Path
    state_folder: Path
    randomness: Randomness


Opener = Callable[[DeviceProfile, Surroundings], SigningDevice]


def _open_pkcs11(entry: DeviceProfile, around: Surroundings) -> SigningDevice:
    from hsm_adapter.pkcs11.device import Pkcs11Device
    from hsm_adapter.pkcs11.profile import Pkcs11Profile

    profile = Pkcs11Profile.parse(entry.name, entry.table, folder=around.folder, state_folder=around.state_folder)
    return Pkcs11Device(profile, around.randomness)


def _open_sdf(entry: DeviceProfile, around: Surroundings) -> SigningDevice:
    from hsm_adapter.sdf.device import SdfDevice
    from hsm_adapter.sdf.profile import SdfProfile

    return SdfDevice(SdfProfile.parse(entry.name, entry.table, folder=around.folder, state_folder=around.state_folder))


KINDS: Final = MappingProxyType[str, Opener]({"pkcs11": _open_pkcs11, "sdf": _open_sdf})
"""The backends by the name they have in the file."""


def parse_devices(content: bytes) -> tuple[DeviceProfile, ...]:
    """Return the entries in the order of the file. Raises `DevicesFileInvalid`, naming the line or the entry."""
    if len(content) > MAX_FILE_BYTES:
        raise DevicesFileInvalid(f"The devices file exceeds {MAX_FILE_BYTES} bytes.", field="device")
    try:
        members = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise DevicesFileInvalid("The devices file is not UTF-8.", field="device") from None
    except tomllib.TOMLDecodeError as error:
        raise DevicesFileInvalid(f"The devices file is not TOML: {error}.", field="device") from None
    unknown = sorted(set(members) - {"device"})
    if unknown:
        raise DevicesFileInvalid(f"There is no entry {unknown[0]}; only [[device]].", field=unknown[0])
    tables = members.get("device", [])
    if not isinstance(tables, list) or len(tables) > MAX_DEVICES:
        raise DevicesFileInvalid(f"Up to {MAX_DEVICES} tables [[device]] are needed.", field="device")
    profiles = tuple(_profile(number, table) for number, table in enumerate(tables, start=1))
    _check_names(profiles)
    return profiles


def open_devices(path: Path, *, state_folder: Path, randomness: Randomness) -> tuple[SigningDevice, ...]:
    """Return the devices of the file in its order; no hardware is touched yet. Relative paths start at its folder.

    `state_folder` is where the backends keep their marks of refused PINs. Raises `DevicesFileInvalid`, or what the
    backend says of its own entries (`SdfProfileInvalid`, `Pkcs11ProfileInvalid`).
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DevicesFileInvalid(f"The devices file {path.name}: {error.strerror}.", field=path.name) from None
    around = Surroundings(folder=path.parent, state_folder=state_folder, randomness=randomness)
    return tuple(KINDS[entry.kind](entry, around) for entry in parse_devices(content))


def _profile(number: int, table: object) -> DeviceProfile:
    where = f"device[{number}]"
    if not isinstance(table, Mapping):
        raise DevicesFileInvalid(f"{where} is not a table.", field=where)
    name, kind = table.get("name"), table.get("kind")
    if not isinstance(name, str) or not DEVICE_NAME.fullmatch(name):
        raise DevicesFileInvalid(f"{where}.name: 1 to 32 of a-z, 0-9 and hyphens are needed.", field=f"{where}.name")
    if not isinstance(kind, str) or kind not in KINDS:
        raise DevicesFileInvalid(f"{where}.kind: one of {', '.join(KINDS)} is needed.", field=f"{where}.kind")
    rest = {entry: value for entry, value in table.items() if entry not in {"name", "kind"}}
    return DeviceProfile(name=name, kind=kind, table=MappingProxyType(rest))


def _check_names(profiles: Sequence[DeviceProfile]) -> None:
    seen: set[str] = set()
    for number, profile in enumerate(profiles, start=1):
        if profile.name in seen:
            raise DevicesFileInvalid(f"Two devices are called {profile.name}.", field=f"device[{number}].name")
        seen.add(profile.name)
