"""Who has looked at a person's certificates, when and for which purpose (law 8).

A row is written in the same unit of work that reads what is shown: nothing is shown without its row. The holder is
kept as a blind index, so that the person can later be shown all rows about them, a search without a hit included.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from certs.library_errors import PurposeMismatch
from trust.formats.holders import HolderNumber
from trust.kernel.text import check_reason


class Look(StrEnum):
    """What was looked at."""

    DATA = "data"
    FILE = "file"
    SEARCH = "search"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why someone looks, in their own words, 2 to 200 characters, without an ID number. Kept in clear."""

    text: str

    def __post_init__(self) -> None:
        check_reason(self.text, field="purpose")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who looks, when, at what and for which purpose.

    With a person's token `hop` is the passing of trust that led here, `clerk` (masked) and `counter` who stood there.
    """

    at: datetime
    client: str
    authority: str
    look: Look
    purpose: str
    hop: str | None = None
    clerk: str | None = None
    counter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a person's token opens: the certificates of these holders, of these types, for one purpose.

    `types` of None is every type: a person who looks at what is theirs. The purpose is known in two languages.
    """

    holders: tuple[HolderNumber, ...] = field(repr=False)
    types: frozenset[str] | None
    purpose: Purpose
    purpose_zh: Purpose
    hop: str | None = None
    clerk: str | None = None
    counter: str | None = None

    def for_purpose(self, given: str | None) -> Purpose:
        """Return the purpose of the look, as the holder will read it. Raises `PurposeMismatch` for another one."""
        if given is not None and given not in {self.purpose.text, self.purpose_zh.text}:
            raise PurposeMismatch(field="purpose")
        return self.purpose_zh


@dataclass(frozen=True, slots=True)
class OwnLook:
    """The caller when a person looks at what is theirs, on our own pages: a `certs.ports.Principal`.

    Such a look is a row like any other (law 8), under the name `self` and of no authority.
    """

    client: str = "self"
    authority: str = ""
    name: str = "self"

    @staticmethod
    def release(holders: tuple[HolderNumber, ...]) -> Release:
        """Return what a person opens for themselves: their certificates of every type."""
        own, own_zh = Purpose(text="The person's own look"), Purpose(text="本人查看")
        return Release(holders=holders, types=None, purpose=own, purpose_zh=own_zh)


@dataclass(frozen=True, slots=True)
class ShownLook:
    """The caller when somebody scans the code with which a holder shows a certificate (亮证): nobody knows who."""

    client: str = "shown"
    authority: str = ""
    name: str = "shown"

    @property
    def purpose(self) -> Purpose:
        """Why such a look happens, as the holder reads it."""
        return Purpose(text="持证人出示二维码，现场扫码核验")


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The bounds of a look as the library keeps holders: by blind index. `types` of None is every type."""

    holders: frozenset[bytes]
    types: frozenset[str] | None

    def admits(self, holder_index: bytes, type_code: str) -> bool:
        """Whether a certificate lies within."""
        return holder_index in self.holders and (self.types is None or type_code in self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One look as it is kept. `identifier` is None for a search that found nothing."""

    visit: Visit
    holder_index: bytes
    identifier: str | None
