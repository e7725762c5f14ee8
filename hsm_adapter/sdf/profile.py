"""The profile of one SDF device: where its library lies, what may be used of it, and how it deviates, all as data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hsm_adapter.sdf.codes import SDR_NUMBERS
from hsm_adapter.sdf.faults import SdfProfileInvalid
from hsm_adapter.tables import Table

MAX_SESSIONS: Final = 64
"""Most sessions of one process with one device. Each is a thread here; cards allow 64 to a few thousand in all."""

MAX_INDEX: Final = 65_535
"""Highest index of a key pair. Devices hold from 50 to 4096 pairs; more is a typing error."""

MAX_KEYS: Final = 256
"""Most indexes that one profile names."""

MAX_TIMEOUT_SECONDS: Final = 120
"""Longest time-out, seconds. Whoever waits longer for a signature has gone."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_CODE: Final = re.compile(r"0x[0-9A-Fa-f]{1,8}")


class Alignment(StrEnum):
    """On which side of its field a number of 32 bytes stands."""

    RIGHT = "right"
    LEFT = "left"


class ByteOrder(StrEnum):
    """Which end of a number comes first."""

    BIG = "big"
    LITTLE = "little"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the structures lie in memory. The defaults are GM/T 0018: 512-bit fields, right-aligned, big-endian.

    `field_bytes` is ECCref_MAX_LEN (32 or 64), `integer_bytes` the width of what the vendor's header has for
    `unsigned int` (4; 8 where it says `unsigned long`), `packed` whether structures have no padding.
    """

    field_bytes: int = 64
    integer_bytes: int = 4
    packed: bool = True
    alignment: Alignment = Alignment.RIGHT
    byte_order: ByteOrder = ByteOrder.BIG


@dataclass(frozen=True, slots=True, kw_only=True)
class SdfProfile:
    """One device as the adapter uses it; `parse` makes one of a TOML table.

    `passwords` has the file for each index; an index without one is used without asking for the access right, as some
    devices have it. `timeout_seconds` bounds one call of the adapter as a whole, a batch included. `codes` translates
    numbers of the vendor to those of the standard. `state_folder` holds the marker of a refused password.
    """

    name: str
    library: Path
    state_folder: Path
    keys: tuple[int, ...]
    passwords: Mapping[int, Path] = field(default_factory=lambda: MappingProxyType({}))
    sessions: int = 4
    timeout_seconds: float = 10.0
    layout: Layout = field(default_factory=Layout)
    codes: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, name: str, table: Mapping[str, object], *, folder: Path, state_folder: Path) -> "SdfProfile":
        """Return the profile in a TOML table; relative paths start at `folder`, where the file lies.

        Raises:
            SdfProfileInvalid: an entry is missing, unknown or out of its limits; `field` names it.
        """
        if not _NAME.fullmatch(name):
            raise SdfProfileInvalid("A device's name has 1 to 40 of a-z, 0-9 and hyphens.", field="name")
        reader = _Table(name, table)
        keys = reader.keys()
        profile = cls(
            name=name,
            library=folder / reader.text("library"),
            state_folder=state_folder,
            keys=keys,
            passwords=reader.passwords(keys, folder),
            sessions=reader.number("sessions", 4, 1, MAX_SESSIONS),
            timeout_seconds=reader.seconds("timeout_seconds", 10.0, MAX_TIMEOUT_SECONDS),
            layout=reader.layout(),
            codes=reader.codes(),
        )
        reader.finish()
        return profile


class _Table(Table):
    """The entries of this backend."""

    invalid = SdfProfileInvalid

    def table(self, entry: str) -> Mapping[str, object]:
        value = self._left.pop(entry, {})
        if not isinstance(value, Mapping):
            self.refuse(entry, "a table is needed")
        return value

    def keys(self) -> tuple[int, ...]:
        """Index 0 is the device's own key pair (GM/T 0018): it never signs for others."""
        value = self._left.pop("keys", None)
        if not isinstance(value, list) or not 0 < len(value) <= MAX_KEYS or len(set(map(str, value))) != len(value):
            self.refuse("keys", f"1 to {MAX_KEYS} different indexes are needed")
        if not all(type(index) is int and 1 <= index <= MAX_INDEX for index in value):
            self.refuse("keys", f"an index is a whole number from 1 to {MAX_INDEX}")
        return tuple(value)

    def passwords(self, keys: tuple[int, ...], folder: Path) -> Mapping[int, Path]:
        files: dict[int, Path] = {}
        if "password_file" in self._left:
            files = dict.fromkeys(keys, folder / self.text("password_file"))
        own = self.table("key_password_files")
        for index, path in own.items():
            if index not in map(str, keys) or not isinstance(path, str) or not path:
                self.refuse(f"key_password_files.{index}", "an index out of `keys`, with the path of a file, is needed")
            files[int(index)] = folder / path
        return MappingProxyType(files)

    def layout(self) -> Layout:
        inner = _Table(f"{self._where}.layout", self.table("layout"))
        layout = Layout(
            field_bytes=inner.one_of("field_bytes", 64, (32, 64)),
            integer_bytes=inner.one_of("integer_bytes", 4, (4, 8)),
            packed=inner.truth("packed", default=True),
            alignment=Alignment(inner.word("alignment", Alignment.RIGHT, tuple(Alignment))),
            byte_order=ByteOrder(inner.word("byte_order", ByteOrder.BIG, tuple(ByteOrder))),
        )
        inner.finish()
        return layout

    def one_of(self, entry: str, default: int, allowed: tuple[int, ...]) -> int:
        value = self.number(entry, default, min(allowed), max(allowed))
        return value if value in allowed else self.refuse(entry, f"one of {allowed} is needed")

    def word(self, entry: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(entry, default)
        return value if value in allowed else self.refuse(entry, f"one of {', '.join(allowed)} is needed")

    def codes(self) -> Mapping[int, int]:
        found: dict[int, int] = {}
        for number, name in self.table("codes").items():
            if not _CODE.fullmatch(number) or int(number, 16) == 0:
                self.refuse(f"codes.{number}", "a code such as 0x01020004 is needed")
            if not isinstance(name, str) or name not in SDR_NUMBERS:
                self.refuse(f"codes.{number}", "the name of a code of GM/T 0018 is needed")
            found[int(number, 16)] = SDR_NUMBERS[name]
        return MappingProxyType(found)
