"""Whom an upstream's claims mean: read strictly, matched with our register, linked once and for all.

The number decides, not the upstream's subject alone: an account there that changes hands or its number must not open
the account of another person here. A refusal leaves nothing behind but a line in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.accounts.proofing import upstream_finding
from sso.keycloak.errors import (
    UpstreamNameDiffers,
    UpstreamNameMissing,
    UpstreamNotNatural,
    UpstreamNumberInvalid,
    UpstreamNumberMissing,
    UpstreamPersonInactive,
    UpstreamPersonLinked,
    UpstreamSubjectConflict,
)
from sso.keycloak.ports import UpstreamPersons
from sso.keycloak.sources import UpstreamSource
from sso.keycloak.store import DatabaseUpstreamStore
from trust.formats.holders import HolderNumber
from trust.kernel.clock import Clock
from trust.kernel.errors import Conflict, InvalidInput
from trust.kernel.text import check_text, is_same_person

NAME_CHARACTERS: Final = 200
"""Longest name that is taken over; the register of persons has the same bound."""

_log = structlog.get_logger("sso.keycloak")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Who the upstream says it is, and how surely, under the source's ceiling."""

    code: HolderNumber
    name: str = field(repr=False)
    level: ProofingLevel


def read_person(source: UpstreamSource, claims: Mapping[str, Any]) -> Claimed:
    """Return whom verified claims name.

    Raises:
        UpstreamNumberMissing: no number, or not a text.
        UpstreamNumberInvalid: the number or its kind is none that we know; it is never repeated.
        UpstreamNotNatural: an organisation's number.
        UpstreamNameMissing: no name, or one that cannot be kept.
    """
    names = source.claims
    number, kind = claims.get(names.number), claims.get(names.kind, names.default_kind)
    if not isinstance(number, str) or not number:
        raise UpstreamNumberMissing(source=source.name)
    try:
        code = HolderNumber(kind=kind if isinstance(kind, str) else "", number=number)
    except InvalidInput as error:
        raise UpstreamNumberInvalid(source=source.name, why=error.code) from None
    if code.is_legal_person:
        raise UpstreamNotNatural(source=source.name)
    name = claims.get(names.name)
    try:
        check_text(name if isinstance(name, str) else "", field="name", most=NAME_CHARACTERS)
    except InvalidInput as error:
        raise UpstreamNameMissing(source=source.name, why=error.code) from None
    return Claimed(code=code, name=str(name), level=source.level_of(claims))


class Acceptance:
    """Finds or registers the person, keeps the link, and records what the upstream vouches for."""

    def __init__(self, persons: UpstreamPersons, store: DatabaseUpstreamStore, clock: Clock) -> None:
        self._persons = persons
        self._store = store
        self._clock = clock

    def accept(self, source: UpstreamSource, subject: bytes, claimed: Claimed) -> Person:
        """Return the person; `subject` is the blind index of the upstream's subject.

        Raises:
            UpstreamSubjectConflict: the subject is linked to another person.
            UpstreamPersonLinked: the person is linked to another subject of this upstream.
            UpstreamNameDiffers: the number is registered under another name.
            UpstreamPersonInactive: disabled or deceased.
        """
        linked_id = self._store.linked_person(source.name, subject)
        person = self._persons.find(claimed.code)
        if linked_id is not None and (person is None or self._persons.survivor(linked_id).id != person.id):
            raise UpstreamSubjectConflict(source=source.name, person=linked_id)
        if person is None:
            person = self._registered(source, claimed)
        self._check(source, person, claimed)
        if linked_id is None and not self._store.link(source.name, subject, person.id, at=self._clock.now()):
            self._refuse_unless_ours(source, subject, person)
        _log.info("upstream accepted", source=source.name, person=person.id, new=linked_id is None)
        level = min(claimed.level, _most(person))
        return self._persons.vouch(person.id, source=source.evidence_source, level=level, ceiling=source.level_ceiling)

    def _registered(self, source: UpstreamSource, claimed: Claimed) -> Person:
        finding = upstream_finding(source.evidence_source, claimed.level, source.level_ceiling)
        try:
            return self._persons.register(claimed.code, claimed.name, evidence=finding, by=source.evidence_source)
        except Conflict:  # registered by somebody else a moment ago; if it is not found now, the conflict is another
            person = self._persons.find(claimed.code)
            if person is None:
                raise
            return person

    def _check(self, source: UpstreamSource, person: Person, claimed: Claimed) -> None:
        if person.state is not PersonState.ACTIVE:
            raise UpstreamPersonInactive(source=source.name, person=person.id)
        if not is_same_person(person.name, claimed.name):
            raise UpstreamNameDiffers(source=source.name, person=person.id)

    def _refuse_unless_ours(self, source: UpstreamSource, subject: bytes, person: Person) -> None:
        """The link was refused: another request made the same one, or subject or person have another already."""
        linked_id = self._store.linked_person(source.name, subject)
        if linked_id is None:
            raise UpstreamPersonLinked(source=source.name, person=person.id)
        if self._persons.survivor(linked_id).id != person.id:
            raise UpstreamSubjectConflict(source=source.name, person=linked_id)


def _most(person: Person) -> ProofingLevel:
    """Return what an upstream may raise a person to.

    An account of which nobody has seen a document may have been opened by a stranger who knew name and number, and who
    still holds its password: the upstream's word must not make that stranger trusted. A clerk ends such credentials.
    """
    if person.level < ProofingLevel.DOCUMENT_CHECKED:
        return ProofingLevel.TWO_ELEMENT_MATCH
    return ProofingLevel.IN_PERSON
