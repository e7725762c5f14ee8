"""For whom a signed-in person looks: for themselves, or for an organisation that they represent.

The choice stands in the address as the id of the mandate (`?as=`), which opens nothing by itself: at each request the
mandate is looked up among those that the person may use at that moment. One-off mandates are not offered: they are for
one case at a counter, not for looking around.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from flask import request

from certs.access_log import OwnLook, Release
from portal.pages.browser import PersonFinder, Visitor
from sso.accounts.domain import Person
from sso.mandates.domain import Mandate, MandateKind
from sso.mandates.errors import MandateUnknown
from sso.passing.api_access import READ_LEVEL
from sso.revocation.domain import Tie
from trust.formats.holders import HolderNumber
from trust.kernel.clock import Clock

AS: Final = "as"
"""Argument of an address, and field of a form, that names the mandate; without it one looks for oneself."""


class RepresentedMandates(Protocol):
    """For whom someone may act (`sso.mandates.service.MandateDesk`)."""

    def of_agent(self, person_id: str) -> Sequence[Mandate]:
        """Return every mandate that a person ever had."""
        ...

    def usable(self, agent: str, matter: str | None, now: datetime) -> Sequence[Mandate]:
        """Return the mandates on which `agent` may act in `matter`."""
        ...

    def ties(self, mandate: Mandate) -> frozenset[Tie]:
        """Return what hangs on a mandate and on whom it represents."""
        ...


class PersonCodes(PersonFinder, Protocol):
    """Persons and all their numbers (`sso.accounts.service.PersonRegister`)."""

    def codes(self, person_id: str) -> Sequence[HolderNumber]:
        """Return every number that leads to this account."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """For whom, and what of theirs: all types for oneself and as legal representative, else those of the mandate.

    `mandate` is empty for oneself. `entire` says whether the whole record about them may be seen, not just
    certificates.
    """

    mandate: str
    person: Person
    holders: tuple[HolderNumber, ...] = field(repr=False)
    types: frozenset[str] | None
    ties: frozenset[Tie]
    entire: bool

    @property
    def known(self) -> bool:
        """Whether it is known surely enough whose certificates would be shown (`sso.passing.api_access.READ_LEVEL`)."""
        return bool(self.holders)

    @property
    def myself(self) -> bool:
        """Whether the person looks for themselves."""
        return not self.mandate

    @property
    def arguments(self) -> dict[str, str]:
        """Return what an address carries to say the same again."""
        return {AS: self.mandate} if self.mandate else {}

    @property
    def release(self) -> Release:
        """Return what the library opens."""
        own = OwnLook.release(self.holders)
        return Release(holders=own.holders, types=self.types, purpose=own.purpose, purpose_zh=own.purpose_zh)


class ActingDesk:
    """Says for whom somebody may look, and for whom they do."""

    def __init__(self, persons: PersonCodes, mandates: RepresentedMandates, clock: Clock) -> None:
        self._persons = persons
        self._mandates = mandates
        self._clock = clock

    def choices(self, visitor: Visitor) -> Sequence[Acting]:
        """Return everyone for whom the person may look, themselves first."""
        own = Acting(
            mandate="",
            person=visitor.person,
            holders=self._own_numbers(visitor.person),
            types=None,
            ties=visitor.session.ties,
            entire=True,
        )
        found = (mandate for mandate in self._mandates.of_agent(visitor.person.id) if self._usable(mandate))
        return (own, *(self._for(mandate, visitor) for mandate in found))

    def chosen(self, choices: Sequence[Acting]) -> Acting:
        """Return the one that the request names. Raises `MandateUnknown`, also for one that has ended."""
        name = request.values.get(AS, "")
        for each in choices:
            if each.mandate == name:
                return each
        raise MandateUnknown(field=AS)

    def _own_numbers(self, person: Person) -> tuple[HolderNumber, ...]:
        """Return the numbers under which certificates are theirs to see; none while only name and number are known.

        Anybody may register with a name and a number that they know, if the person has not.
        """
        return tuple(self._persons.codes(person.id)) if person.level >= READ_LEVEL else ()

    def _usable(self, mandate: Mandate) -> bool:
        if mandate.kind is MandateKind.ONE_OFF:
            return False
        matter = min(mandate.matters) if mandate.matters else None
        return mandate in self._mandates.usable(mandate.agent, matter, self._clock.now())

    def _for(self, mandate: Mandate, visitor: Visitor) -> Acting:
        whole = mandate.kind is MandateKind.LEGAL_REPRESENTATIVE
        return Acting(
            mandate=mandate.id,
            person=self._persons.get(mandate.principal),
            holders=tuple(self._persons.codes(mandate.principal)),
            types=None if whole else mandate.types,
            ties=visitor.session.ties | self._mandates.ties(mandate),
            entire=whole,
        )
