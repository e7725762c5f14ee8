"""The catalogue (证照目录): each certificate type is a folder with `type.toml` and `template.typ`.

`type.toml` names the type in Chinese and English, lists the fields and their limits, says how long a certificate may
be valid, and where the seal goes. The catalogue decides whether the data of one certificate are acceptable; it does
not decide who may issue it.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from certs.errors import CatalogueBroken, DateOrder, FieldContradiction, TypeUnknown, ValidityTooLong
from certs.face import Face, Field, Role, parse_date
from trust.kernel.errors import FieldMissing, FieldUnknown
from trust.kernel.identifiers import ResidentId, Sex, Uscc, is_type_code

SHIPPED = Path(__file__).parent / "types"
_REQUIRED_ROLES = (Role.HOLDER_NAME, Role.HOLDER_NUMBER, Role.NUMBER, Role.ISSUED_ON, Role.VALID_TO)
_SEXES = {"男": Sex.MALE, "女": Sex.FEMALE}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPosition:
    """Where the seal goes: page from 1, centre in millimetres from the lower left corner, width in millimetres."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateType:
    """One type of the catalogue. `years` is the longest validity; `notice` is printed beside the QR code."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    code: str
    name: str
    name_en: str
    defined_by: str
    defined_by_en: str
    notice: str
    notice_en: str
    holder_kind: Literal["001", "111"]
    years: int
    seal: SealPosition
    fields: tuple[Field, ...]
    folder: Path

    def __post_init__(self) -> None:
        if not is_type_code(self.code):
            raise CatalogueBroken(f"{self.folder.name}: code is not a credit code and three digits")
        keys = [found.key for found in self.fields]
        roles = [found.role for found in self.fields if found.role]
        if len(set(keys)) != len(keys) or len(set(roles)) != len(roles):
            raise CatalogueBroken(f"{self.folder.name}: a key or a role occurs twice")
        required = [found.role for found in self.fields if found.required]
        for role in _REQUIRED_ROLES:
            if role not in required:
                raise CatalogueBroken(f"{self.folder.name}: no required field has the role {role}")
        if not (self.folder / "template.typ").is_file():
            raise CatalogueBroken(f"{self.folder.name}: template.typ is missing")

    @property
    def title(self) -> str:
        """The title of the document, in both languages."""
        return f"{self.name} {self.name_en}"

    def key_of(self, role: Role) -> str:
        """Return the key of the field with `role`. Raises `CatalogueBroken` when the type has none."""
        for found in self.fields:
            if found.role is role:
                return found.key
        raise CatalogueBroken(f"{self.folder.name}: no field has the role {role}")

    def parse_face(
        self, data: Mapping[str, object], *, today: date, common: Mapping[Role, str] = MappingProxyType({})
    ) -> Face:
        """Return the values of one certificate, checked by every rule of this type.

        `data` holds values by key. `common` holds those that a caller knows by role instead (holder, number, dates);
        what stands in both must be the same. `today` is the date of the clock at the place of issue.

        Raises the errors of `Field.parse`, `FieldUnknown`, `FieldMissing`, `DateOrder`, `ValidityTooLong`,
        `FieldContradiction`, and those of the holder's number; each names its field.
        """
        values = self._values(self._merged(data, common))
        number_key = self.key_of(Role.HOLDER_NUMBER)
        number = str(values[number_key])
        holder = (
            Uscc.parse(number, field=number_key)
            if self.holder_kind == "001"
            else ResidentId.parse(number, field=number_key)
        )
        issued_on = self._date(values, Role.ISSUED_ON)
        valid_to = self._date(values, Role.VALID_TO)
        valid_from = self._start(values, common, issued_on)
        face = Face(
            type_code=self.code,
            number=str(values[self.key_of(Role.NUMBER)]),
            holder_name=str(values[self.key_of(Role.HOLDER_NAME)]),
            holder=holder,
            issued_on=issued_on,
            valid_from=valid_from,
            valid_to=valid_to,
            values=values,
        )
        self._check_dates(face, today)
        if isinstance(holder, ResidentId):
            self._check_person(holder, values, issued_on)
        return face

    def _values(self, data: Mapping[str, object]) -> dict[str, str | int]:
        known = {found.key: found for found in self.fields}
        for key in data:
            if key not in known:
                # The key is the caller's text: repeated only if it looks like one, not a value in the wrong place.
                named = key if re.fullmatch("[a-z_]{1,40}", key) else None
                raise FieldUnknown(f"the fields of this type are: {', '.join(known)}", field=named)
        values: dict[str, str | int] = {}
        for found in self.fields:
            if data.get(found.key) is not None:
                values[found.key] = found.parse(data[found.key])
            elif found.required:
                raise FieldMissing(f"{found.key} ({found.label}) is required", field=found.key)
        return values

    def _merged(self, data: Mapping[str, object], common: Mapping[Role, str]) -> dict[str, object]:
        merged = dict(data)
        for found in self.fields:
            value = common.get(found.role) if found.role else None
            if value is not None and merged.setdefault(found.key, value) != value:
                raise FieldContradiction(f"{found.key} differs from the value given beside the face", field=found.key)
        return merged

    def _date(self, values: Mapping[str, str | int], role: Role) -> date:
        key = self.key_of(role)
        return parse_date(str(values[key]), key=key)

    def _start(self, values: Mapping[str, str | int], common: Mapping[Role, str], issued_on: date) -> date:
        """Return the first day of validity: printed, or given beside the face, or the day of issue."""
        printed = [found.key for found in self.fields if found.role is Role.VALID_FROM and found.key in values]
        if printed:
            return parse_date(str(values[printed[0]]), key=printed[0])
        given = common.get(Role.VALID_FROM)
        return issued_on if given is None else parse_date(given, key="valid_from")

    def _check_dates(self, face: Face, today: date) -> None:
        issued_key, end_key = self.key_of(Role.ISSUED_ON), self.key_of(Role.VALID_TO)
        if face.issued_on > today:
            raise DateOrder(f"{issued_key} lies in the future", field=issued_key)
        if face.valid_from > face.valid_to:
            raise DateOrder(f"{end_key} lies before the start of the validity", field=end_key)
        if face.valid_to < face.issued_on:
            raise DateOrder(f"{end_key} lies before {issued_key}", field=end_key)
        if face.valid_to > _years_later(face.valid_from, self.years):
            raise ValidityTooLong(f"a certificate of this type is valid for at most {self.years} years", field=end_key)

    def _check_person(self, holder: ResidentId, values: Mapping[str, str | int], issued_on: date) -> None:
        number_key = self.key_of(Role.HOLDER_NUMBER)
        if holder.birth_date > issued_on:
            raise DateOrder("the holder was born after the date of issue", field=number_key)
        for found in self.fields:
            value = values.get(found.key)
            if found.role is Role.BIRTH_DATE and value not in (None, holder.birth_date.isoformat()):
                raise FieldContradiction(f"{found.key} differs from {number_key}", field=found.key)
            if found.role is Role.SEX and value is not None and _SEXES.get(str(value)) is not holder.sex:
                raise FieldContradiction(f"{found.key} differs from {number_key}", field=found.key)


def _years_later(start: date, years: int) -> date:
    """Return the same day `years` later; 29 February gives 1 March where there is no such day."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return date(start.year + years, 3, 1)


_DEFINITION = TypeAdapter(CertificateType)


class Catalogue:
    """All certificate types of an installation, read once."""

    def __init__(self, folder: Path, types: Sequence[CertificateType]) -> None:
        self.folder = folder
        self._types = MappingProxyType({found.code: found for found in types})
        if len(self._types) != len(types):
            raise CatalogueBroken("two folders describe the same type code")

    @classmethod
    def load(cls, folder: Path = SHIPPED) -> Self:
        """Read every folder below `folder` that holds a `type.toml`. Raises `CatalogueBroken`, naming the folder."""
        return cls(folder, [_load_type(path.parent) for path in sorted(folder.glob("*/type.toml"))])

    @property
    def types(self) -> tuple[CertificateType, ...]:
        """Every type, in the order of the folders' names."""
        return tuple(self._types.values())

    def get(self, type_code: str) -> CertificateType:
        """Return one type. Raises `TypeUnknown`."""
        found = self._types.get(type_code)
        if found is None:
            raise TypeUnknown(field="type")
        return found


def _load_type(folder: Path) -> CertificateType:
    try:
        definition = tomllib.loads((folder / "type.toml").read_text("utf-8"))
        return _DEFINITION.validate_python(definition | {"folder": folder})
    except (OSError, ValueError) as error:
        raise CatalogueBroken(f"{folder.name}/type.toml: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)
