"""The profile of one PKCS#11 device: its library, its token, its PIN file, and how it deviates, all as data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hsm_adapter.pkcs11.errors import Pkcs11ProfileInvalid
from hsm_adapter.pkcs11.quirks import MODELS, Quirks
from hsm_adapter.tables import Table
from trust.kernel.algorithms import RSA_MODULUS_BITS

MAX_SESSIONS: Final = 64
"""Most sessions of one process with one device. Each is a thread here; network devices allow tens to hundreds."""

MAX_TIMEOUT_SECONDS: Final = 120
"""Longest time-out, seconds. Whoever waits longer for a signature has gone."""

MAX_GENERATION_SECONDS: Final = 600
"""Longest time-out for making a key, seconds. Cards search for the primes of an RSA key for minutes."""

_MAX_NUMBER: Final = 0xFFFFFFFF  # CK_ULONG has at least 32 bits (section 4.1)
_MAX_LABEL_CHARACTERS: Final = 32  # CK_TOKEN_INFO
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_HEX: Final = re.compile(r"0x[0-9A-Fa-f]{1,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenName:
    """Which token is meant: every part that is given must agree."""

    label: str | None = None
    serial: str | None = None
    slot: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Profile:
    """One device as the adapter uses it; `parse` makes one of a TOML table.

    `timeout_seconds` bounds one call of the adapter as a whole, a batch included; `generation_seconds` that of making
    a key, for which an operator waits. `state_folder` holds the marker of
    a refused PIN, which every process of the installation heeds. `allow_final_try` lets the adapter log in although
    one wrong PIN more would lock the token.
    """

    name: str
    library: Path
    token: TokenName
    pin_file: Path
    state_folder: Path
    sessions: int = 4
    timeout_seconds: float = 10.0
    generation_seconds: float = 60.0
    allow_final_try: bool = False
    quirks: Quirks = field(default_factory=Quirks)

    @classmethod
    def parse(cls, name: str, table: Mapping[str, object], *, folder: Path, state_folder: Path) -> "Pkcs11Profile":
        """Return the profile in a TOML table; relative paths start at `folder`, where the file lies.

        Raises:
            Pkcs11ProfileInvalid: an entry is missing, unknown or out of its limits; `field` names it.
        """
        if not _NAME.fullmatch(name):
            raise Pkcs11ProfileInvalid("A device's name has 1 to 40 of a-z, 0-9 and hyphens.", field="name")
        reader = _Table(name, table)
        quirks = reader.quirks()
        profile = cls(
            name=name,
            library=folder / reader.text("library"),
            token=reader.token(),
            pin_file=folder / reader.text("pin_file"),
            state_folder=state_folder,
            sessions=reader.number("sessions", min(4, quirks.max_sessions), 1, quirks.max_sessions),
            timeout_seconds=reader.seconds("timeout_seconds", 10.0, MAX_TIMEOUT_SECONDS),
            generation_seconds=reader.seconds("generation_seconds", 60.0, MAX_GENERATION_SECONDS),
            allow_final_try=reader.truth("allow_final_try", default=False),
            quirks=quirks,
        )
        reader.finish()
        return profile


class _Table(Table):
    """The entries of this backend."""

    invalid = Pkcs11ProfileInvalid

    def token(self) -> TokenName:
        label = self.text("token_label") if "token_label" in self._left else None
        serial = self.text("token_serial") if "token_serial" in self._left else None
        slot = self.number("slot", None, 0, _MAX_NUMBER) if "slot" in self._left else None
        if label is None and serial is None and slot is None:
            self.refuse("token_label", "a label, token_serial or slot is needed")
        if label is not None and len(label) > _MAX_LABEL_CHARACTERS:
            self.refuse("token_label", f"at most {_MAX_LABEL_CHARACTERS} characters are possible")
        return TokenName(label=label, serial=serial, slot=slot)

    def quirks(self) -> Quirks:
        model = self.text("model", "standard")
        if model not in MODELS:
            self.refuse("model", f"one of {', '.join(MODELS)} is needed")
        changes = self._left.pop("quirks", {})
        if not isinstance(changes, Mapping):
            self.refuse("quirks", "a table is needed")
        inner = _Table(f"{self._where}.quirks", changes)
        made = replace(
            MODELS[model], **{entry.name: inner.quirk(entry.name) for entry in fields(Quirks) if inner.has(entry.name)}
        )
        inner.finish()
        return made

    def has(self, entry: str) -> bool:
        return entry in self._left

    def quirk(self, entry: str) -> Any:
        """The type of the standard's own value says what is needed; numbers of a vendor may be written 0x80000001."""
        usual = getattr(MODELS["standard"], entry)
        if entry == "max_sessions":
            return self.number(entry, None, 1, MAX_SESSIONS)
        if entry == "rsa_modulus_bits":
            value = self.number(entry, None, min(RSA_MODULUS_BITS), max(RSA_MODULUS_BITS))
            return value if value in RSA_MODULUS_BITS else self.refuse(entry, f"one of {RSA_MODULUS_BITS} is needed")
        if isinstance(usual, bool):
            return self.truth(entry, default=usual)
        if isinstance(usual, StrEnum):
            return self._word(entry, type(usual))
        return self._vendor_number(entry)

    def _word(self, entry: str, words: type[StrEnum]) -> StrEnum:
        value = self.text(entry)
        return words(value) if value in set(words) else self.refuse(entry, f"one of {', '.join(words)} is needed")

    def _vendor_number(self, entry: str) -> int:
        value = self._left.get(entry)
        if isinstance(value, str) and _HEX.fullmatch(value):
            self._left[entry] = int(value, 16)
        return self.number(entry, None, 0, _MAX_NUMBER)
