"""What the register of persons needs from outside: the store, proofing sources, proof of control of an account."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from sso.accounts.domain import Act, Evidence, PersonState, ProofingLevel
from sso.accounts.errors import MobileNumberInvalid, SocialSecurityNumberInvalid
from trust.formats.holders import LEGAL_KINDS, HolderNumber
from trust.kernel.text import check_text

NAME_MAX: Final = 200
"""Characters of a name. Names of organisations are the longest; certs and the national catalogue bound them alike."""

_MOBILE = re.compile("1[0-9]{10}")
_SOCIAL_SECURITY = re.compile("[0-9A-Z]{6,20}")  # some regions issue numbers of their own beside the resident number


class SourceName(StrEnum):
    """The proofing sources that a register can offer; closed. Which of them exist is a matter of settings."""

    POPULATION = "population-register"
    LEGAL_PERSONS = "legal-person-register"
    MOBILE_CARRIER = "mobile-carrier"
    SOCIAL_SECURITY = "social-security"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTerms:
    """What a source can say: about which kinds of numbers, comparing which item beside name and number, how surely."""

    kinds: frozenset[str]
    ceiling: ProofingLevel
    item: str | None = None


_HOLDERS_OF_PHONES: Final = frozenset({"111", "414", "511", "516"})
TERMS: Final[Mapping[SourceName, SourceTerms]] = MappingProxyType(
    {
        SourceName.POPULATION: SourceTerms(kinds=frozenset({"111"}), ceiling=ProofingLevel.TWO_ELEMENT_MATCH),
        SourceName.LEGAL_PERSONS: SourceTerms(kinds=LEGAL_KINDS, ceiling=ProofingLevel.TWO_ELEMENT_MATCH),
        SourceName.MOBILE_CARRIER: SourceTerms(
            kinds=_HOLDERS_OF_PHONES, ceiling=ProofingLevel.TWO_ELEMENT_MATCH, item="mobile"
        ),
        SourceName.SOCIAL_SECURITY: SourceTerms(
            kinds=frozenset({"111", "511", "516"}), ceiling=ProofingLevel.TWO_ELEMENT_MATCH, item="social_security"
        ),
    }
)
"""No register sees the person: none gives more than a match of elements, however many elements it compares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a person says about themselves, for a source to compare. Raises the error of the item that is at fault."""

    name: str = field(repr=False)
    mobile: str | None = field(default=None, repr=False)
    social_security: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_text(self.name, field="name", most=NAME_MAX)
        if self.mobile is not None and not _MOBILE.fullmatch(self.mobile):
            raise MobileNumberInvalid(field="mobile")
        if self.social_security is not None and not _SOCIAL_SECURITY.fullmatch(self.social_security):
            raise SocialSecurityNumberInvalid(field="social_security")

    def item(self, name: str | None) -> str | None:
        """Return the item that a source compares beside name and number."""
        return {"mobile": self.mobile, "social_security": self.social_security}.get(name or "")


class Outcome(StrEnum):
    """What a source says. It never says which item differs: that would let anyone complete a stranger's record."""

    MATCH = "match"
    NO_MATCH = "no-match"
    ENDED = "ended"  # they belong together, and the person is deceased or the organisation dissolved


class ProofingSource(Protocol):
    """A register that compares items of one person: always with the number, as namesakes are many."""

    name: SourceName
    ceiling: ProofingLevel

    def compare(self, code: HolderNumber, claims: Claims) -> Outcome:
        """Return whether the items are one person's.

        Raises `ProofingSourceUnavailable`, `ProofingSourceRefused`, `ProofingAnswerUnreadable`.
        """
        ...


class AccountControl(Protocol):
    """Shows that the person in front of a clerk holds the account (the presence desk implements it)."""

    def is_shown(self, code: str, *, person: str) -> bool:
        """Whether the code, taken from the account's own signed-in device, is good for that account; it is used up."""
        ...


class WaysIn(Protocol):
    """Knows whether somebody can sign in to an account (`sso.signin.service.SignInDesk`)."""

    def has_way_in(self, person_id: str) -> bool:
        """Whether the account has a credential, a living session, or an upper-level platform that opens it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPerson:
    """A person as the store keeps them: name and number sealed, the level not yet computed."""

    id: str
    kind: str
    code_index: bytes
    sealed_number: bytes = field(repr=False)
    sealed_name: bytes = field(repr=False)
    name_version: int
    state: PersonState
    epoch: int
    created_at: datetime
    credentials_from: datetime | None = None
    merged_into: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """A change as the store keeps it; a former name is sealed."""

    id: str
    person: str
    act: Act
    at: datetime
    requested_by: str
    approved_by: str | None = None
    reason: str | None = None
    other: str | None = None
    sealed_name: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCode:
    """One of a person's numbers, sealed to its index."""

    index: bytes
    kind: str
    person: str
    sealed: bytes = field(repr=False)
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApplication:
    """A public registration: the digest of its ticket; `person` is None where the ticket leads nowhere."""

    digest: bytes
    person: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of one account that is written as one commit. None leaves a value as it is.

    `ends_sessions` raises the epoch and cuts the tie of the epoch before. Evidence that comes with a new name counts
    for that name.
    """

    change: StoredChange
    admits: frozenset[PersonState]
    state: PersonState | None = None
    sealed_name: bytes | None = None
    evidence: Evidence | None = None
    ends_sessions: bool = False
    ends_credentials: bool = False


PersonRecord = tuple[StoredPerson, Sequence[Evidence]]


class PersonStore(Protocol):
    """Keeps persons, their numbers, evidence and history. Each method is one unit of work."""

    def add(self, person: StoredPerson, change: StoredChange, evidence: Sequence[Evidence]) -> None:
        """Write a new person. Raises `PersonAlreadyRegistered` when the number is taken, also in a race."""
        ...

    def apply(
        self,
        person: StoredPerson,
        change: StoredChange,
        evidence: Sequence[Evidence],
        application: StoredApplication,
    ) -> bool:
        """Write the application, and the person if it names one and the number is free; return whether it was."""
        ...

    def invite(self, application: StoredApplication) -> None:
        """Write an application for a person who is registered."""
        ...

    def redeem(self, digest: bytes, *, now: datetime, life: timedelta) -> str | None:
        """Use up an application and return its person; None for one that leads nowhere, is used, late or unknown.

        One that was made (`life` before its end) before the person's credentials ended leads nowhere either.
        """
        ...

    def forget_applications(self, *, before: datetime) -> int:
        """Delete the applications that expired before this moment; return how many."""
        ...

    def find(self, code_index: bytes) -> PersonRecord | None:
        """Return whom a number belongs to; the queries of a miss are those of a hit."""
        ...

    def get(self, person_id: str) -> PersonRecord | None:
        """Return the account with this id, merged or not."""
        ...

    def codes(self, person_id: str) -> Sequence[StoredCode]:
        """Return all numbers that lead to a person, oldest first."""
        ...

    def attest(self, evidence: Evidence) -> None:
        """Write evidence and nothing else. Raises `PersonUnknown`, `PersonNotActive`."""
        ...

    def step(self, person_id: str, step: Step) -> None:
        """Change one account. Raises `PersonUnknown`, `PersonNotActive`, `PersonStateUnchanged`."""
        ...

    def add_code(self, code: StoredCode, step: Step, *, primary: bool, single: bool) -> None:
        """Give a person another number; `single` refuses a second one of its kind.

        Raises `PersonUnknown`, `PersonNotActive`, `PersonAlreadyRegistered`, `NumberOfKindHeld`.
        """
        ...

    def merge(self, changes: Mapping[str, StoredChange], *, duplicate: str, survivor: str) -> None:
        """Make the duplicate lead to the survivor and end everything of both. Raises `PersonUnknown`, `MergeUnfit`."""
        ...

    def evidence(self, persons: Collection[str]) -> Sequence[Evidence]:
        """Return all evidence of these accounts, oldest first."""
        ...

    def changes(self, persons: Collection[str]) -> Sequence[StoredChange]:
        """Return what was done to these accounts, oldest first."""
        ...

    def merged_into(self, person_id: str) -> Sequence[str]:
        """Return the ids of all accounts that were merged into this one, directly or through others."""
        ...
