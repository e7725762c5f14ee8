"""What a clerk does with a person and their document: register them, or raise the level of their account."""

from dataclasses import dataclass, field

import structlog

from sso.accounts.applications import Application, PublicRegistrations
from sso.accounts.clerk_days import ClerkDays
from sso.accounts.domain import Person
from sso.accounts.errors import (
    AccountControlNeeded,
    AccountControlNotShown,
    DocumentKindMismatch,
    NameMismatch,
    PersonAlreadyRegistered,
)
from sso.accounts.ports import AccountControl, WaysIn
from sso.accounts.proofing import Sighting
from sso.accounts.service import PersonRegister
from trust.formats.holders import HolderNumber
from trust.kernel.text import is_same_person

_log = structlog.get_logger("sso.accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedDocument:
    """What the clerk read off the document. Raises `DocumentKindMismatch` when it cannot show this kind of number."""

    code: HolderNumber
    name: str = field(repr=False)
    sighting: Sighting

    def __post_init__(self) -> None:
        if self.sighting.document_kind != self.code.kind:
            raise DocumentKindMismatch(field="document_kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofed:
    """The outcome. `enrolment` is the ticket with which the person chooses a password, where the account has none."""

    person: Person
    registered: bool
    enrolment: Application | None


class CounterDesk:
    """Proofs persons in person."""

    def __init__(
        self,
        *,
        register: PersonRegister,
        applications: PublicRegistrations,
        ways_in: WaysIn,
        days: ClerkDays,
        control: AccountControl | None = None,
    ) -> None:
        self._register = register
        self._applications = applications
        self._ways_in = ways_in
        self._days = days
        self._control = control

    def proof(self, document: CheckedDocument, *, shown: str | None) -> Proofed:
        """Register the person of a document, or keep the document as evidence for their account.

        `shown` is the code from the person's own signed-in device, which shows that the account is theirs. An account
        that no document stood behind, and that somebody can sign in to, is not proofed without it.

        Raises `ClerkDayFull`, `NameMismatch`, `AccountControlNotShown`, `AccountControlNeeded`, and as
        `PersonRegister.prove_in_person`.
        """
        self._days.admit(document.sighting.clerk, counter=document.sighting.counter, act="proofing")
        return self._proofed(document, shown)

    def _proofed(self, document: CheckedDocument, shown: str | None) -> Proofed:
        person = self._register.find(document.code)
        if person is None:
            return self._registered(document)
        if not is_same_person(document.name, person.name):
            raise NameMismatch(field="name")
        if shown is not None and not self._is_shown(shown, person):
            raise AccountControlNotShown(field="presence", person=person.id)
        if shown is None and self._register.is_doubtful(person) and self._ways_in.has_way_in(person.id):
            sighting = document.sighting
            _log.warning("account-control-needed", person=person.id, clerk=sighting.clerk.id, counter=sighting.counter)
            raise AccountControlNeeded(field="presence", person=person.id)
        sighting = document.sighting
        proofed = self._register.prove_in_person(
            person.id,
            clerk=sighting.clerk,
            counter=sighting.counter,
            document_kind=sighting.document_kind,
            document_expires=sighting.document_expires,
            controls_account=shown is not None,
        )
        ended = proofed.credentials_from != person.credentials_from
        return Proofed(person=proofed, registered=False, enrolment=self._invited(proofed) if ended else None)

    def _registered(self, document: CheckedDocument) -> Proofed:
        try:
            person = self._register.register_in_person(document.code, document.name, sighting=document.sighting)
        except PersonAlreadyRegistered:  # someone was quicker by a moment: their account is proofed instead
            return self._proofed(document, None)
        return Proofed(person=person, registered=True, enrolment=self._invited(person))

    def _invited(self, person: Person) -> Application | None:
        return None if person.is_legal else self._applications.invite(person.id)

    def _is_shown(self, code: str, person: Person) -> bool:
        return self._control is not None and self._control.is_shown(code, person=person.id)
