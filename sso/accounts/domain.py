"""Persons and how surely they are known. Proofing (who is this?) is kept apart from the strength of a sign-in."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum

from trust.formats.holders import HolderNumber


class ProofingLevel(IntEnum):
    """How a person was identified, weakest first. As a claim: `urn:yinxin:ial:<number>`."""

    SELF_ASSERTED = 0
    TWO_ELEMENT_MATCH = 1
    DOCUMENT_CHECKED = 2
    IN_PERSON = 3

    @property
    def urn(self) -> str:
        """The level as tokens carry it."""
        return f"urn:yinxin:ial:{self.value}"


class PersonState(StrEnum):
    """How an account stands."""

    ACTIVE = "active"
    DISABLED = "disabled"
    MERGED = "merged"
    DECEASED = "deceased"  # a legal person: dissolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A natural or legal person with an account; the kind of `code` says which.

    `level` is what holds now (an expired document lowers it). `epoch` grows whenever everything that hangs on the
    person must end: tokens carry the tie `person:<id>/<epoch>`. `merged_into` names the surviving account.
    `document_expires` is the last day of the document that the highest level ever reached rests on.

    `credentials_from` ends every password, passkey and one-time code enrolled before that moment: it is set when a
    clerk has the person in front of them and nobody has shown that the account's credentials are that person's.
    """

    id: str
    code: HolderNumber
    name: str = field(repr=False)
    level: ProofingLevel
    state: PersonState
    epoch: int
    created_at: datetime
    document_expires: date | None = None
    merged_into: str | None = None
    credentials_from: datetime | None = None
    name_version: int = 1

    @property
    def is_legal(self) -> bool:
        """Whether this is an organisation, which is represented and never signs in itself."""
        return self.code.is_legal_person

    @property
    def tie_id(self) -> str:
        """What stands in the person's tie."""
        return f"{self.id}/{self.epoch}"

    @property
    def active(self) -> bool:
        """Whether the person can sign in or be represented."""
        return self.state is PersonState.ACTIVE

    @property
    def masked_name(self) -> str:
        """The name with all but its first character hidden, as counters print it."""
        return self.name[:1] + "*" * max(1, len(self.name) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One act of proofing, kept for good: which source or clerk said so, when, by which document.

    `source` is a registered source (`population-register`, `counter`, `keycloak:<realm>`…); `level` is what it gave
    after its ceiling was applied; `counter` and `clerk` are set for proofing in person; `document_kind` is a code of
    GB/T 36903. `name_version` is the version of the person's name that was attested: evidence for a former name no
    longer counts.
    """

    id: str
    person: str
    source: str
    level: ProofingLevel
    at: datetime
    document_kind: str | None = None
    document_expires: date | None = None
    counter: str | None = None
    clerk: str | None = None
    name_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a source or a clerk found, before it is written down as `Evidence` of one person."""

    source: str
    level: ProofingLevel
    document_kind: str | None = None
    document_expires: date | None = None
    counter: str | None = None
    clerk: str | None = None


class Act(StrEnum):
    """What was done to an account; each leaves one `Change`, kept for good."""

    REGISTERED = "registered"
    RENAMED = "renamed"
    NUMBER_ADDED = "number-added"
    MERGED = "merged"
    DISABLED = "disabled"
    ENABLED = "enabled"
    ENDED = "ended"
    CREDENTIALS_ENDED = "credentials-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One act on an account: who asked, who approved, why. `other` is the other account of a merge.

    `former_name` is set by a rename.
    """

    id: str
    person: str
    act: Act
    at: datetime
    requested_by: str
    approved_by: str | None = None
    reason: str | None = None
    other: str | None = None
    former_name: str | None = field(default=None, repr=False)
