"""The numbers that name people, organisations and certificates: GB 11643, GB 32100 and GB/T 36904.

A value of these classes has passed every rule of its standard that can be checked without a register. Input is
taken as it stands: lower case, spaces and full-width characters are refused, so that one number has one spelling
(the blind index and the idempotency of issuing depend on it). `identifier_errors` has one class per fault.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final, Self

from trust.kernel.identifier_errors import (
    CertificateIdentifierCharacters,
    CertificateIdentifierCheck,
    CertificateIdentifierInvalid,
    CertificateIdentifierIssuer,
    CertificateIdentifierRoot,
    CertificateIdentifierSerial,
    CertificateIdentifierStructure,
    CertificateIdentifierType,
    CertificateIdentifierVersion,
    ResidentIdCharacters,
    ResidentIdCheck,
    ResidentIdDate,
    ResidentIdInvalid,
    ResidentIdLength,
    ResidentIdRegion,
    UsccCharacters,
    UsccCheck,
    UsccInvalid,
    UsccLength,
)

_RESIDENT_LENGTH = 18
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
# No holder was born before 1800, and no document outlives 2099: a year outside is a typing error with a lucky check.
_BIRTH_YEARS = range(1800, 2100)
_PERMIT_REGIONS = frozenset({"810000", "820000", "830000"})

_USCC_LENGTH = 18
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)

ROOT: Final = "1.2.156.3005.2"
_ROOT_DOT = ROOT + "."
_PARTS = 5
_TYPE_CODE_LENGTH = 21
SERIAL_MAX: Final = 32  # characters: the longest met in use; the standard's own limit is not confirmed
_VERSION_MAX = 999
# Characters, well above the longest well-formed value (94): what is longer is not looked at any further.
_IDENTIFIER_MAX = 128
_ALPHABET_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES_36 = {character: value for value, character in enumerate(_ALPHABET_36)}


class Sex(StrEnum):
    """What the sequence of a resident identity number says: odd is male."""

    MALE = "male"
    FEMALE = "female"


def _is_birth_date(digits: str) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year in _BIRTH_YEARS
    except ValueError:
        return False


def _resident_fault(text: str) -> type[ResidentIdInvalid] | None:
    """Return the class of the first fault of `text` under GB 11643, or None."""
    if not re.fullmatch("[0-9X]*", text) or (len(text) == _RESIDENT_LENGTH and "X" in text[:-1]):
        return ResidentIdCharacters
    if len(text) != _RESIDENT_LENGTH:
        return ResidentIdLength
    if text[0] == "8" and text[:6] not in _PERMIT_REGIONS:
        return ResidentIdRegion
    if not _is_birth_date(text[6:14]):
        return ResidentIdDate
    total = sum(weight * int(digit) for weight, digit in zip(_RESIDENT_WEIGHTS, text[:17], strict=True))
    return None if _RESIDENT_CHECKS[total % 11] == text[17] else ResidentIdCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidentId:
    """A citizen identity number (公民身份号码, GB 11643), or the number of a 港澳台 residence permit.

    Region codes are not looked up: old numbers keep abolished codes. `repr` and `str` show the masked form only.
    """

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        fault = _resident_fault(self.value)
        if fault is not None:
            raise fault

    @classmethod
    def parse(cls, text: str, *, field: str | None = None) -> Self:
        """Return the number. Raises a `ResidentIdInvalid` that names `field` and never the number."""
        try:
            return cls(value=text)
        except ResidentIdInvalid as error:
            error.field = field
            raise

    def __str__(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12 or a package
        return self.masked

    @property
    def masked(self) -> str:
        """First and last character, as counters print it: enough to recognise one's own, useless to others."""
        return f"{self.value[0]}{'*' * 16}{self.value[-1]}"

    @property
    def birth_date(self) -> date:
        """The birth date that the number carries."""
        return date(int(self.value[6:10]), int(self.value[10:12]), int(self.value[12:14]))

    @property
    def sex(self) -> Sex:
        """The sex that the number carries."""
        return Sex.MALE if int(self.value[16]) % 2 else Sex.FEMALE

    @property
    def is_permit(self) -> bool:
        """Whether this is the number of a residence permit for Hong Kong, Macau or Taiwan residents."""
        return self.value[:6] in _PERMIT_REGIONS


@lru_cache(maxsize=8192)  # codes: those of a province's authorities, asked for at every verification
def _uscc_fault(text: str) -> type[UsccInvalid] | None:
    """Return the class of the first fault of `text` under GB 32100, or None."""
    if any(character not in _USCC_VALUES for character in text):
        return UsccCharacters
    if len(text) != _USCC_LENGTH:
        return UsccLength
    if not text[2:8].isdigit():
        return UsccCharacters
    total = sum(weight * _USCC_VALUES[character] for weight, character in zip(_USCC_WEIGHTS, text[:17], strict=True))
    return None if _USCC_ALPHABET[-total % 31] == text[17] else UsccCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Uscc:
    """A unified social credit code (统一社会信用代码, GB 32100)."""

    value: str

    def __post_init__(self) -> None:
        fault = _uscc_fault(self.value)
        if fault is not None:
            raise fault

    @classmethod
    def parse(cls, text: str, *, field: str | None = None) -> Self:
        """Return the code. Raises a `UsccInvalid` that names `field`."""
        try:
            return cls(value=text)
        except UsccInvalid as error:
            error.field = field
            raise

    def __str__(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12 or a package
        return self.value


def is_type_code(text: str) -> bool:
    """Whether `text` is a certificate type code (证照类型代码): a valid credit code and three digits."""
    return len(text) == _TYPE_CODE_LENGTH and bool(re.fullmatch("[0-9]{3}", text[18:])) and not _uscc_fault(text[:18])


def check_character(body: str) -> str:
    """Return the ISO 7064 MOD 37,36 character of `body` (digits and capitals), as GB/T 36904 takes it."""
    product = 36
    for character in body:
        product = (product + _VALUES_36[character]) % 36 or 36
        product = product * 2 % 37
    return _ALPHABET_36[(37 - product) % 36]


def _identifier_fault(text: str) -> type[CertificateIdentifierInvalid] | None:
    """Return the class of the first fault of the form of `text` under GB/T 36904, or None."""
    if not text or len(text) > _IDENTIFIER_MAX:
        return CertificateIdentifierStructure
    if not re.fullmatch("[0-9A-Z.]+", text):
        return CertificateIdentifierCharacters
    if not text.startswith(_ROOT_DOT):
        return CertificateIdentifierRoot
    parts = text.removeprefix(_ROOT_DOT).split(".")
    if len(parts) != _PARTS or not all(parts):
        return CertificateIdentifierStructure
    fault = _part_fault(parts[0], parts[1], parts[2], parts[3])
    if fault is None and check_character("".join(parts[:4])) != parts[4]:
        return CertificateIdentifierCheck
    return fault


def _part_fault(type_code: str, issuer: str, serial: str, version: str) -> type[CertificateIdentifierInvalid] | None:
    """Return the class of the first part that breaks its own rule, or None."""
    if not is_type_code(type_code):
        return CertificateIdentifierType
    if _uscc_fault(issuer):
        return CertificateIdentifierIssuer
    if not re.fullmatch(f"[0-9A-Z]{{1,{SERIAL_MAX}}}", serial):
        return CertificateIdentifierSerial
    if not re.fullmatch("[0-9]{3}", version) or version == "000":
        return CertificateIdentifierVersion
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateIdentifier:
    """A certificate identifier (电子证照标识, GB/T 36904).

    Strict: the issuer is a whole credit code. Identifiers that carry a region code there exist; they are refused.
    """

    type_code: str
    issuer: Uscc
    serial: str
    version: int

    def __post_init__(self) -> None:
        fault = _part_fault(self.type_code, self.issuer.value, self.serial, f"{self.version:03d}")
        if fault is not None:
            raise fault

    @classmethod
    def parse(cls, text: str, *, field: str | None = None) -> Self:
        """Return the identifier. Raises a `CertificateIdentifierInvalid` that names `field`."""
        fault = _identifier_fault(text)
        if fault is not None:
            raise fault(field=field)
        type_code, issuer, serial, version, _check = text.removeprefix(_ROOT_DOT).split(".")
        return cls(type_code=type_code, issuer=Uscc(value=issuer), serial=serial, version=int(version))

    @classmethod
    def build(cls, type_code: str, issuer: Uscc, serial: str, version: int = 1) -> Self:
        """Return the identifier of these parts, with its check character. Raises `CertificateIdentifierInvalid`."""
        return cls(type_code=type_code, issuer=issuer, serial=serial, version=version)

    @property
    def value(self) -> str:
        """The whole identifier as it is written and stored."""
        version = f"{self.version:03d}"
        check = check_character(f"{self.type_code}{self.issuer.value}{self.serial}{version}")
        return f"{_ROOT_DOT}{self.type_code}.{self.issuer.value}.{self.serial}.{version}.{check}"

    def __str__(self) -> str:  # type: ignore[explicit-override]  # needs Python 3.12 or a package
        return self.value

    def next_version(self) -> Self:
        """Return the identifier of the version that supersedes this one. Raises `CertificateIdentifierVersion`."""
        if self.version >= _VERSION_MAX:
            raise CertificateIdentifierVersion("version 999 has no successor; issue under a new serial")
        return type(self)(type_code=self.type_code, issuer=self.issuer, serial=self.serial, version=self.version + 1)
