"""Public registration, which never tells whether an account exists.

Whatever was typed, the page gets the same ticket after the same work. The ticket leads to a new account when the number
was free and the sources that can be asked confirmed name and number; otherwise it leads nowhere, and the page says the
same. Whoever has an account already signs in to it, or has a clerk check their document.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from sso.accounts.domain import Finding, Person
from sso.accounts.errors import LegalPersonDoesNotApply, ProofingNotConfirmed, SubjectEnded
from sso.accounts.ports import TERMS, Claims, PersonStore, SourceName, StoredApplication
from sso.accounts.service import PersonRegister
from trust.formats.holders import HolderNumber
from trust.kernel.bearer_secrets import new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness

APPLICATION_LIFE: Final = timedelta(minutes=30)
"""How long a ticket lives: enough to choose a password and read about it, too short to be left lying about."""

_log = structlog.get_logger("sso.accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What the registration page gets, the same for every outcome."""

    ticket: str = field(repr=False)
    expires_at: datetime


class PublicRegistrations:
    """Takes public registrations."""

    def __init__(self, *, register: PersonRegister, store: PersonStore, clock: Clock, randomness: Randomness) -> None:
        self._register = register
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def apply(self, code: HolderNumber, claims: Claims) -> Application:
        """Take an application. The sources are asked before anything is looked up, so that asking tells nothing.

        Raises `LegalPersonDoesNotApply`, and `ProofingSourceUnavailable`, `ProofingSourceRefused`,
        `ProofingAnswerUnreadable`: none of these depends on who has an account.
        """
        if code.is_legal_person:
            raise LegalPersonDoesNotApply(field="kind")
        findings = self._findings(code, claims)
        draft = self._register.draft(code, claims.name, findings=findings or ())
        ticket, application = self._issued(None if findings is None else draft.person.id)
        led = self._store.apply(draft.person, draft.change, draft.evidence, application)
        _log.info("application-received", kind=code.kind, person=draft.person.id if led else None)
        return Application(ticket=ticket, expires_at=application.expires_at)

    def invite(self, person_id: str) -> Application:
        """Return a ticket for an account without credentials, to hand to the person whom a clerk has just proofed."""
        ticket, application = self._issued(person_id)
        self._store.invite(application)
        return Application(ticket=ticket, expires_at=application.expires_at)

    def redeem(self, ticket: str) -> Person | None:
        """Return the person behind a ticket, once; None when it leads nowhere, is used, late or unknown.

        The page goes on alike in both cases: it hashes the password either way and shows the same last page.
        """
        person_id = self._store.redeem(secret_digest(ticket), now=self._clock.now(), life=APPLICATION_LIFE)
        return None if person_id is None else self._register.get(person_id)

    def forget_expired(self) -> int:
        """Delete the applications whose tickets are over; return how many. Housekeeping calls it."""
        return self._store.forget_applications(before=self._clock.now())

    def _issued(self, person_id: str | None) -> tuple[str, StoredApplication]:
        ticket = new_secret(self._randomness)
        expires_at = self._clock.now() + APPLICATION_LIFE
        return ticket, StoredApplication(digest=secret_digest(ticket), person=person_id, expires_at=expires_at)

    def _findings(self, code: HolderNumber, claims: Claims) -> tuple[Finding, ...] | None:
        """Return what the sources confirm; None when one of them does not."""
        sources = self._register.sources
        asked = [name for name in sources.configured_for(code) if _can_compare(name, claims)]
        try:
            return tuple(sources.ask(name, code, claims) for name in asked)
        except (ProofingNotConfirmed, SubjectEnded) as refusal:
            _log.info("application-not-confirmed", kind=code.kind, code=refusal.code)
            return None


def _can_compare(name: SourceName, claims: Claims) -> bool:
    item = TERMS[name].item
    return item is None or claims.item(item) is not None
