"""Presence: the citizen shows, each time anew, that they are at the counter and agree; a clerk alone never suffices.

Three ways: a code of 60 seconds from the citizen's own phone, their one-time code typed at the counter, or their
document checked by the clerk and recorded. Each gives a code of 256 random bits that the counter system exchanges once.
Failed presentations are kept and shown to the citizen too.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple

import structlog

from sso.accounts.domain import Person
from sso.passing.domain import (
    ATTESTED_SECONDS,
    QR_SECONDS,
    Case,
    Event,
    EventKind,
    Place,
    Presence,
    PresenceMethod,
)
from sso.passing.duty import Duty, Standing
from sso.passing.errors import CardCheckInvalid, PresenceRefused, PresenceThrottled
from sso.passing.ports import OneTimeCodes, Persons
from sso.passing.store.presences import SqlPresences
from sso.provider.claims import ReadToken
from sso.provider.domain import Client
from sso.signin.domain import Method, Session, Strength
from trust.formats.holders import HolderNumber
from trust.kernel.bearer_secrets import new_secret, secret_digest
from trust.kernel.clock import Clock, calendar_day
from trust.kernel.encoding import canonical_json
from trust.kernel.errors import NotAuthenticated
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_text, is_same_person

FAILURES_MAX: Final = 5
"""Failed presentations of one citizen by one clerk within `FAILURES_MINUTES`: typing errors, and no room to guess.
Counted per clerk: nobody is locked out of other counters by one of them."""

FAILURES_MINUTES: Final = 15
"""How far back failures count, minutes."""

NAME_CHARACTERS: Final = 64
"""Longest name that a card check takes, characters."""

_CARD_METHODS: Final = ("document",)  # RFC 8176 registers no value for a document that a person has checked

_log = structlog.get_logger("sso.passing")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCheck:
    """What a clerk records of the document in their hand.

    `document_kind` is a code of GB/T 36903 and the kind of `holder`; `document_expires` is None for one without end.
    `read_by` says whether a reader read the chip or the clerk read the print; `portrait_matches` is the clerk's word.
    """

    holder: HolderNumber
    name: str = field(repr=False)
    document_kind: str
    document_expires: date | None
    read_by: Literal["reader", "eye"]
    portrait_matches: bool

    def __post_init__(self) -> None:
        check_text(self.name, field="name", most=NAME_CHARACTERS)
        if self.document_kind != self.holder.kind:
            raise CardCheckInvalid("The document is of another kind than the number.", field="document_kind")
        if self.holder.is_legal_person:
            raise CardCheckInvalid("Presence is that of a natural person.", field="holder.kind")
        if not self.portrait_matches:
            raise CardCheckInvalid("Without a matching portrait there is no presence.", field="portrait_matches")


class IssuedCode(NamedTuple):
    """A presence code at the only moment at which it is known."""

    code: str
    presence: Presence


class _Shown(NamedTuple):
    """What the citizen showed, and what the clerk recorded of it."""

    method: PresenceMethod
    strength: Strength
    methods: tuple[str, ...]
    facts: str | None = None


class PresenceDesk:
    """Takes presences."""

    def __init__(
        self,
        *,
        store: SqlPresences,
        duty: Duty,
        persons: Persons,
        codes: OneTimeCodes,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._duty = duty
        self._persons = persons
        self._codes = codes
        self._clock = clock
        self._randomness = randomness

    def issue_qr(self, session: Session) -> IssuedCode:
        """Return a code for the citizen's phone: `QR_SECONDS`, once, and the session's earlier ones are void."""
        now = self._clock.now()
        presence = Presence(
            id=new_id(self._clock, self._randomness),
            person=session.person,
            person_tie=f"{session.person}/{session.person_epoch}",
            method=PresenceMethod.QR,
            at=now,
            expires_at=now + timedelta(seconds=QR_SECONDS),
            strength=session.strength,
            methods=tuple(method.value for method in session.methods),
            auth_time=session.auth_time,
            session=session.id,
        )
        return self._issued(presence)

    def void(self, session: Session, code: str) -> None:
        """Make a code of this session unusable, if it is not used yet; otherwise nothing changes."""
        self._store.void(secret_digest(code), session=session.id, at=self._clock.now())

    def by_otp(self, clerk_token: ReadToken, counter: str, holder: HolderNumber, code: str) -> IssuedCode:
        """Return a presence for the one-time code that the citizen typed at the counter.

        Raises:
            NotAClerk, ClerkStrengthTooLow, ClerkElsewhere, SystemElsewhere, OwnCase: the clerk may not.
            PresenceThrottled: this clerk failed `FAILURES_MAX` times with this citizen.
            PresenceRefused: unknown person or wrong code; nobody is told which.
        """
        standing = self._duty.stand(clerk_token, counter)
        person = self._candidate(standing, holder, PresenceMethod.OTP)
        try:
            self._codes.check(person.id, code)
        except NotAuthenticated:
            raise self._failed(standing, person, PresenceMethod.OTP, "wrong-code") from None
        # One factor alone, so the strength of one: the second level is a password and a code.
        shown = _Shown(PresenceMethod.OTP, Strength.PASSWORD, (Method.OTP.value,))
        return self._attested(standing, person, shown)

    def by_card(self, clerk_token: ReadToken, counter: str, check: CardCheck) -> IssuedCode:
        """Return a presence for a document that the clerk checked; the citizen showed nothing else.

        Raises as `by_otp`; `PresenceRefused` also for a name that is not the registered one or an expired document.
        """
        standing = self._duty.stand(clerk_token, counter)
        person = self._candidate(standing, check.holder, PresenceMethod.CARD)
        if not is_same_person(person.name, check.name):
            raise self._failed(standing, person, PresenceMethod.CARD, "other-name")
        if check.document_expires is not None and check.document_expires < calendar_day(self._clock.now()):
            raise self._failed(standing, person, PresenceMethod.CARD, "document-expired")
        expires = check.document_expires and check.document_expires.isoformat()
        facts = {"document_kind": check.document_kind, "document_expires": expires, "read_by": check.read_by}
        # No sign-in took place, and the token says so; `act` says what was seen instead.
        shown = _Shown(PresenceMethod.CARD, Strength.NONE, _CARD_METHODS, canonical_json(facts).decode())
        return self._attested(standing, person, shown)

    def note_failure(self, presence: Presence, case: Case | None, client: Client, *, reason: str) -> None:
        """Keep that a code was presented without success; the citizen sees by which system, and at which counter.

        The same code can be presented again and again. Beyond `FAILURES_MAX` of one system in `FAILURES_MINUTES` only
        the officer's log has each: a flood of rows would push what that system did before out of the citizen's sight.
        """
        now = self._clock.now()
        since = now - timedelta(minutes=FAILURES_MINUTES)
        if self._store.failures(person=presence.person, since=since, system=client.id) >= FAILURES_MAX:
            return
        place = Place.of(case)
        self._store.note(
            Event(
                id=new_id(self._clock, self._randomness),
                person=presence.person,
                kind=EventKind.PRESENCE_FAILED,
                at=now,
                system=client.id,
                counter=place.counter,
                counter_name=place.counter_name,
                clerk=place.clerk,
                clerk_name=place.clerk_name,
                method=presence.method,
                reason=reason,
            )
        )

    def _candidate(self, standing: Standing, holder: HolderNumber, method: PresenceMethod) -> Person:
        """Return the active natural person of a number; this clerk may assist them and has not failed too often."""
        person = self._persons.find(holder)
        if person is None or not person.active or person.is_legal:
            _log.warning("presence-refused", why="unknown-person", clerk=standing.clerk.id, method=method.value)
            raise PresenceRefused
        now = self._clock.now()
        self._duty.refuse_own(standing.clerk.person, person.id, None, now=now)
        since = now - timedelta(minutes=FAILURES_MINUTES)
        if self._store.failures(person=person.id, clerk=standing.clerk.id, since=since) >= FAILURES_MAX:
            raise PresenceThrottled(retry_after_seconds=FAILURES_MINUTES * 60)
        return person

    def _attested(self, standing: Standing, person: Person, shown: _Shown) -> IssuedCode:
        now = self._clock.now()
        presence = Presence(
            id=new_id(self._clock, self._randomness),
            person=person.id,
            person_tie=person.tie_id,
            method=shown.method,
            at=now,
            expires_at=now + timedelta(seconds=ATTESTED_SECONDS),
            strength=shown.strength,
            methods=shown.methods,
            auth_time=now,
            clerk=standing.clerk.id,
            counter=standing.counter.id,
            facts=shown.facts,
        )
        event = self._event(standing, person, shown.method, now)
        return self._issued(presence, event)

    def _issued(self, presence: Presence, event: Event | None = None) -> IssuedCode:
        code = new_secret(self._randomness)
        self._store.add(presence, secret_digest(code), event)
        return IssuedCode(code, presence)

    def _failed(self, standing: Standing, person: Person, method: PresenceMethod, reason: str) -> PresenceRefused:
        """Keep a failed presentation, which the citizen sees; return the error that says nothing of the reason."""
        _log.warning("presence-refused", why=reason, clerk=standing.clerk.id, method=method.value)
        self._store.note(self._event(standing, person, method, self._clock.now(), reason=reason))
        return PresenceRefused()

    def _event(
        self, standing: Standing, person: Person, method: PresenceMethod, at: datetime, *, reason: str | None = None
    ) -> Event:
        clerk = standing.clerk
        return Event(
            id=new_id(self._clock, self._randomness),
            person=person.id,
            kind=EventKind.PRESENCE if reason is None else EventKind.PRESENCE_FAILED,
            at=at,
            system=standing.system,
            counter=standing.counter.id,
            counter_name=standing.counter.name,
            clerk=clerk.id,
            clerk_name=clerk.shown,
            method=method,
            reason=reason,
        )
