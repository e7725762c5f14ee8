"""What a certificate is to the library: its holder, its states, and the commands that make and change it.

Values are parsed on construction: an instance has passed every rule that can be checked without a register. `repr`
leaves out whatever is personal (law 7).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from certs.errors import DateOrder
from certs.library_errors import (
    IdempotencyKeyInvalid,
    RequesterApproves,
    TransitionNotAllowed,
)
from trust.formats.holders import HolderNumber
from trust.kernel.clock import CALENDAR, calendar_day
from trust.kernel.encoding import canonical_json
from trust.kernel.errors import MalformedInput
from trust.kernel.identifiers import CertificateIdentifier
from trust.kernel.text import check_person, check_reason, is_same_person
from verifier.ports import LibraryState

IDEMPOTENCY_KEY = re.compile("[A-Za-z0-9._:-]{8,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whom a certificate is about (持证主体). The rules for the name are those of the certificate type."""

    code: HolderNumber
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The personal part of a certificate, which is only ever kept sealed.

    `number` is the authority's own licence number (证照编号). The certificate type decides whether `face` is right.
    """

    holder: Holder
    number: str = field(repr=False)
    face: Mapping[str, object] = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "face", MappingProxyType(dict(self.face)))
        try:
            canonical_json(dict(self.face))
        except (TypeError, ValueError, RecursionError):
            raise MalformedInput("The face data cannot be written as JSON in UTF-8.", field="face") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCommand:
    """One certificate to be issued, as the authority asks for it.

    `valid_from` and `valid_to` are calendar days, both included; no `valid_to` means without end. `supersedes` names
    the version that this one replaces.
    """

    type_code: str
    contents: Contents
    valid_from: date
    valid_to: date | None
    idempotency_key: str = field(repr=False)
    supersedes: CertificateIdentifier | None = None

    def __post_init__(self) -> None:
        if not IDEMPOTENCY_KEY.fullmatch(self.idempotency_key):
            raise IdempotencyKeyInvalid(field="Idempotency-Key")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise DateOrder("The validity ends before it begins.", field="valid_to")


class Action(StrEnum):
    """What can happen to a certificate."""

    ISSUE = "issue"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"
    SUPERSEDE = "supersede"


# The whole life of a certificate. What is not here is refused. EXPIRED is never stored: it is ISSUED or SUSPENDED seen
# after the last day. An expired certificate may still be renewed or revoked (it may have been obtained by fraud).
TRANSITIONS: Final[Mapping[tuple[LibraryState, Action], LibraryState]] = MappingProxyType(
    {
        (LibraryState.ISSUED, Action.SUSPEND): LibraryState.SUSPENDED,
        (LibraryState.ISSUED, Action.REVOKE): LibraryState.REVOKED,
        (LibraryState.ISSUED, Action.SUPERSEDE): LibraryState.SUPERSEDED,
        (LibraryState.SUSPENDED, Action.RESUME): LibraryState.ISSUED,
        (LibraryState.SUSPENDED, Action.REVOKE): LibraryState.REVOKED,
        (LibraryState.EXPIRED, Action.REVOKE): LibraryState.REVOKED,
        (LibraryState.EXPIRED, Action.SUPERSEDE): LibraryState.SUPERSEDED,
    }
)
_ENDED_BY_TIME = frozenset({LibraryState.ISSUED, LibraryState.SUSPENDED})


def state_on(
    stored: LibraryState, since: datetime, valid_to: date | None, now: datetime
) -> tuple[LibraryState, datetime]:
    """Return the state at `now` and since when it holds: a certificate expires when its last day ends in China."""
    if valid_to is None or stored not in _ENDED_BY_TIME or calendar_day(now) <= valid_to:
        return stored, since
    end = datetime.combine(valid_to + timedelta(days=1), time(), CALENDAR).astimezone(UTC)
    return LibraryState.EXPIRED, max(since, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate as the library keeps it, without anything personal.

    `state` and `since` are what is stored; `at` derives what holds at a moment. `blob` names the file that counts.
    `authority` is the credit code. `holder_index` is the blind index of the holder's number.
    """

    identifier: str
    type_code: str
    authority: str
    state: LibraryState
    since: datetime
    issued_at: datetime
    valid_from: date
    valid_to: date | None
    holder_index: bytes
    blob: str
    file_sm3: bytes
    supersedes: str | None = None
    superseded_by: str | None = None

    def at(self, now: datetime) -> tuple[LibraryState, datetime]:
        """Return the state that holds at `now`, and since when."""
        return state_on(self.state, self.since, self.valid_to, now)

    def after(self, action: Action, now: datetime) -> LibraryState:
        """Return the state that `action` leads to. Raises `TransitionNotAllowed`."""
        state, _ = self.at(now)
        target = TRANSITIONS.get((state, action))
        if target is None:
            raise TransitionNotAllowed(f"A certificate that is {state} does not admit: {action}.")
        return target


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCommand:
    """A change of state with its reason and two different persons of the authority (law 9)."""

    identifier: CertificateIdentifier
    action: Action
    reason: str
    requested_by: str
    approved_by: str

    def __post_init__(self) -> None:
        check_reason(self.reason, field="reason")
        check_person(self.requested_by, field="requested_by")
        check_person(self.approved_by, field="approved_by")
        if is_same_person(self.requested_by, self.approved_by):
            raise RequesterApproves(field="approved_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Who did something, when and why. Issuing and superseding name the client only, a change of state two clerks."""

    at: datetime
    client: str
    reason: str | None = None
    requested_by: str | None = None
    approved_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step in the life of a certificate, kept for good."""

    identifier: str
    action: Action
    before: LibraryState | None
    after: LibraryState
    record: Record


class IntentState(StrEnum):
    """What became of a request to issue."""

    INTENDED = "intended"
    COMPLETED = "completed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A request to issue that was accepted, before any effect of it (law 5).

    `key_index` and `digest` are keyed digests of the idempotency key and of the command. `sealed` is the command,
    sealed to the identifier; it is erased when the intent ends. `attempt` is the run that holds the lease until
    `lease_until`; it also names the blob of that run. `reason` is the error code of an abandoned intent.
    """

    identifier: str
    authority: str
    key_index: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    client: str
    created_at: datetime
    attempt: str
    lease_until: datetime
    state: IntentState = IntentState.INTENDED
    sealed: bytes | None = field(default=None, repr=False)
    reason: str | None = None
