"""The number that says who a holder is (持证主体代码, GB/T 36903 annex A): the key of certificates and of accounts."""

import re
from dataclasses import dataclass, field
from typing import Final

from trust.formats.metadata import HOLDER_CODE_TYPES
from trust.kernel.errors import InvalidInput
from trust.kernel.identifiers import ResidentId, Uscc

USCC_KIND: Final = "001"
RESIDENT_ID_KIND: Final = "111"
LEGAL_KINDS: Final = frozenset({"001", "099"})
"""The kinds that name an organisation; all others name a natural person."""

_OTHER_NUMBER = re.compile("[0-9A-Z][0-9A-Z-]{2,31}")  # passports and permits; 32 is the longest organisation number


class HolderKindUnknown(InvalidInput):
    """The kind of holder code is not one of GB/T 36903 that this service knows."""

    code = "holder-kind-unknown"
    title = "The kind of holder code is not known."
    title_zh = "持证主体代码类型未知。"
    remedy = "Use a code of GB/T 36903 annex A, such as 001 (credit code) or 111 (resident identity number)."
    remedy_zh = "请使用 GB/T 36903 附录 A 的代码，例如 001（统一社会信用代码）或 111（公民身份号码）。"


class HolderNumberInvalid(InvalidInput):
    """The number of a passport or another document has a form that no such document has."""

    code = "holder-number-invalid"
    title = "The holder's number does not have an acceptable form."
    title_zh = "持证主体代码格式不正确。"
    remedy = "Use digits, capital letters and hyphens only, as printed on the document."
    remedy_zh = "请按证件所印内容录入，仅限数字、大写字母和连字符。"


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderNumber:
    """A holder's code with its kind (持证主体代码类型, GB/T 36903 annex A), check digits verified."""

    kind: str
    number: str = field(repr=False)

    def __post_init__(self) -> None:
        if self.kind not in HOLDER_CODE_TYPES:
            raise HolderKindUnknown(field="holder.kind")
        if self.kind == RESIDENT_ID_KIND:
            ResidentId.parse(self.number, field="holder.number")
        elif self.kind == USCC_KIND:
            Uscc.parse(self.number, field="holder.number")
        elif not _OTHER_NUMBER.fullmatch(self.number):
            raise HolderNumberInvalid(field="holder.number")

    @property
    def masked(self) -> str:
        """First and last character, as counters print it."""
        return f"{self.number[0]}{'*' * (len(self.number) - 2)}{self.number[-1]}"

    @property
    def is_legal_person(self) -> bool:
        """Whether the number names an organisation."""
        return self.kind in LEGAL_KINDS

    @property
    def text(self) -> str:
        """Kind and number as one text: what the blind index is made of."""
        return f"{self.kind}:{self.number}"
