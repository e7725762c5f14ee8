"""The onboarded issuing authorities (颁发机构): who they are, with which seal they issue, and which types they may."""

import re
from dataclasses import dataclass
from typing import Final

from certs.library_errors import RegionInvalid, TypeNotPermitted
from trust.kernel.identifier_errors import CertificateIdentifierType
from trust.kernel.identifiers import Uscc, is_type_code
from trust.kernel.text import check_text

NAME_MAX: Final = 200  # characters: the longest registered names of units have about 100
SEAL_ID_MAX: Final = 64  # characters: ours have 26, those of other makers about 40
PERMITTED_TYPES_MAX: Final = 500  # types per authority: the national catalogue has about 900 in all

_REGION = re.compile("[0-9]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One issuing authority. `region` is a code of GB/T 2260, `seal_id` the seal that its certificates carry."""

    uscc: Uscc
    name: str
    name_zh: str
    region: str
    seal_id: str
    permitted_types: frozenset[str]

    def __post_init__(self) -> None:
        check_text(self.name, field="name", most=NAME_MAX)
        check_text(self.name_zh, field="name_zh", most=NAME_MAX)
        check_text(self.seal_id, field="seal_id", most=SEAL_ID_MAX)
        if not _REGION.fullmatch(self.region):
            raise RegionInvalid(field="region")
        if len(self.permitted_types) > PERMITTED_TYPES_MAX or not all(map(is_type_code, self.permitted_types)):
            raise CertificateIdentifierType(
                f"At most {PERMITTED_TYPES_MAX} type codes, each a credit code and three digits.",
                field="permitted_types",
            )

    def require_permitted(self, type_code: str) -> None:
        """Raise `TypeNotPermitted` unless the authority may issue this type."""
        if type_code not in self.permitted_types:
            raise TypeNotPermitted(f"{self.uscc.value} may not issue {type_code}.", field="type")
