"""Whom an upstream's claims mean: read strictly, matched with our register, linked once and for all.

The number decides, not the upstream's subject alone: an account there that changes hands or its number must not open
the account of another person here. A refusal leaves nothing behind but a line in the log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from sso.accounts.domain import Person, PersonState, ProofingLevel
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
        person = self._persons.find(claimed.code)
        linked = self._linked(source, subject)
        if linked is not None and (person is None or linked.id != person.id):
            raise UpstreamSubjectConflict(source=source.name, person=linked.id)
        if person is None:
            person = self._registered(claimed)
        self._check(source, person, claimed)
        if linked is None and not self._store.link(source.name, subject, person.id, at=self._clock.now()):
            self._refuse_unless_ours(source, subject, person)
        vouched = self._persons.vouch(person.id, source=source.evidence_source, level=claimed.level)
        _log.info("upstream accepted", source=source.name, person=person.id, new=linked is None)
        return vouched

    def _linked(self, source: UpstreamSource, subject: bytes) -> Person | None:
        """Return the person of the link, or who they were merged into."""
        person_id = self._store.linked_person(source.name, subject)
        person = None if person_id is None else self._persons.get(person_id)
        while person is not None and person.merged_into is not None:
            person = self._persons.get(person.merged_into)
        return person

    def _registered(self, claimed: Claimed) -> Person:
        try:
            return self._persons.register(claimed.code, claimed.name)
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
        linked = self._linked(source, subject)
        if linked is None:
            raise UpstreamPersonLinked(source=source.name, person=person.id)
        if linked.id != person.id:
            raise UpstreamSubjectConflict(source=source.name, person=linked.id)
