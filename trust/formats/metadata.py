"""The machine-readable data of a certificate, by the short names of GB/T 36903, as JSON attached to the page.

The short names come from published implementations: the text of the standard was not at hand (docs/divergences.md).
The standard has no confirmed name for the version; it stands in the identifier (ZZBS). Type-specific fields carry
the prefix `KZ_`. Dates are written as in GB/T 7408 (2026-11-21). A certificate without an end has no ZZYXQJZRQ.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

from trust.kernel.encoding import canonical_json
from trust.kernel.errors import MalformedInput
from trust.kernel.identifiers import CertificateIdentifier, Uscc

METADATA_NAME: Final = "metadata.json"
METADATA_MAX: Final = 64 * 1024  # bytes: the largest face that the catalogue allows stays below a third of it
_TEXT_MAX = 4096  # characters: the longest single value that any certificate type of the catalogue may hold
_EXTENSION_NAME = re.compile("KZ_[A-Z0-9]{1,32}")

# 持证主体代码类型: codes confirmed by two public sources, with the names they give.
HOLDER_CODE_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "001": "统一社会信用代码",
        "099": "其他法人或其他组织证件号码",
        "111": "公民身份号码",
        "414": "普通护照号码",
        "511": "台湾居民来往大陆通行证号码",
        "516": "港澳居民来往内地通行证号码",
        "999": "其他自然人证件号码",
    }
)


class MetadataMalformed(MalformedInput):
    """The attached metadata cannot be read as GB/T 36903 short names in JSON."""

    code = "metadata-malformed"
    title = "The machine-readable data of the certificate cannot be read."
    title_zh = "证照所附的元数据无法读取。"
    remedy = "Ask the issuing authority for the original file."
    remedy_zh = "请向颁发机构索取原始文件。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What GB/T 36903 says about one certificate.

    `repr` leaves out the holder. `extensions` maps `KZ_…` names to text.
    """

    name: str
    type_name: str
    type_code: str
    number: str
    identifier: CertificateIdentifier
    authority: str
    authority_code: Uscc
    issued_on: date
    valid_from: date
    valid_to: date | None
    holder_name: str = field(repr=False)
    holder_code: str = field(repr=False)
    holder_code_type: str
    extensions: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        if self.holder_code_type not in HOLDER_CODE_TYPES:
            raise MetadataMalformed("unknown kind of holder code", field="CZZTDMLXDM")
        if self.type_code != self.identifier.type_code:
            raise MetadataMalformed("the type code differs from the one in the identifier", field="ZZLXDM")
        if self.authority_code != self.identifier.issuer:
            raise MetadataMalformed("the authority differs from the issuer in the identifier", field="ZZBFJGDM")
        for name in self.extensions:
            if not _EXTENSION_NAME.fullmatch(name):
                raise MetadataMalformed("an extension is named KZ_ and up to 32 capitals and digits", field="KZ_")
        object.__setattr__(self, "extensions", MappingProxyType(dict(self.extensions)))

    def encode_metadata(self) -> bytes:
        """Return the JSON that is attached: sorted keys, UTF-8, the same bytes every time."""
        values = {
            "ZZMC": self.name,
            "ZZLXMC": self.type_name,
            "ZZLXDM": self.type_code,
            "ZZBH": self.number,
            "ZZBS": self.identifier.value,
            "ZZBFJG": self.authority,
            "ZZBFJGDM": self.authority_code.value,
            "ZZBFRQ": self.issued_on.isoformat(),
            "ZZYXQQSRQ": self.valid_from.isoformat(),
            "CZZT": self.holder_name,
            "CZZTDM": self.holder_code,
            "CZZTDMLX": HOLDER_CODE_TYPES[self.holder_code_type],
            "CZZTDMLXDM": self.holder_code_type,
        }
        if self.valid_to is not None:
            values["ZZYXQJZRQ"] = self.valid_to.isoformat()
        return canonical_json(values | dict(self.extensions))


_REQUIRED = frozenset(
    "ZZMC ZZLXMC ZZLXDM ZZBH ZZBS ZZBFJG ZZBFJGDM ZZBFRQ ZZYXQQSRQ CZZT CZZTDM CZZTDMLX CZZTDMLXDM".split()  # noqa: SIM905  reads as the standard's list
)
_KNOWN = _REQUIRED | {"ZZYXQJZRQ"}


def parse_metadata(data: bytes) -> Metadata:
    """Read an attached metadata file.

    Raises:
        MetadataMalformed: not JSON, over `METADATA_MAX`, a name twice, missing or unknown, a value that is no text or
            too long, a date that does not exist.
        CertificateIdentifierInvalid: ZZBS is not an identifier of GB/T 36904.
        UsccInvalid: ZZBFJGDM is not a credit code.
    """
    values = _read_object(data)
    for name in sorted(_REQUIRED - values.keys()):
        raise MetadataMalformed(f"{name} is missing", field=name)
    extensions = {name: text for name, text in values.items() if name not in _KNOWN}
    return Metadata(
        name=values["ZZMC"],
        type_name=values["ZZLXMC"],
        type_code=values["ZZLXDM"],
        number=values["ZZBH"],
        identifier=CertificateIdentifier.parse(values["ZZBS"], field="ZZBS"),
        authority=values["ZZBFJG"],
        authority_code=Uscc.parse(values["ZZBFJGDM"], field="ZZBFJGDM"),
        issued_on=_read_date(values, "ZZBFRQ"),
        valid_from=_read_date(values, "ZZYXQQSRQ"),
        valid_to=_read_date(values, "ZZYXQJZRQ") if "ZZYXQJZRQ" in values else None,
        holder_name=values["CZZT"],
        holder_code=values["CZZTDM"],
        holder_code_type=values["CZZTDMLXDM"],
        extensions=extensions,
    )


def _read_object(data: bytes) -> dict[str, str]:
    if len(data) > METADATA_MAX:
        raise MetadataMalformed(f"larger than {METADATA_MAX} bytes")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique_members)
    except (ValueError, RecursionError):
        raise MetadataMalformed("not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise MetadataMalformed("not a JSON object")
    for text in value.values():
        if not isinstance(text, str) or not 0 < len(text) <= _TEXT_MAX:
            raise MetadataMalformed(f"every value is text of 1 to {_TEXT_MAX} characters")
    return value


def _unique_members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MetadataMalformed("a name occurs twice")
    return members


def _read_date(values: Mapping[str, str], name: str) -> date:
    text = values[name]
    try:
        moment = date.fromisoformat(text)
    except ValueError:
        raise MetadataMalformed(f"{name} is not a date such as 2026-11-21", field=name) from None
    if moment.isoformat() != text:
        raise MetadataMalformed(f"{name} is not a date such as 2026-11-21", field=name)
    return moment
