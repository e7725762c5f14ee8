"""Legal representatives (法定代表人): taken over from the register of legal persons, or entered by two operators.

An organisation has one at a time. A change withdraws the former one's mandate; what they granted is the
organisation's and stays, unless it was granted to end with them. All of it is one commit with the cut ties.
"""

import structlog

from sso.accounts.domain import Person
from sso.mandates.domain import LEAST_LEVEL, Mandate, MandateKind, MandateOrder
from sso.mandates.errors import (
    MandateAgentNotProofed,
    MandatePrincipalUnfit,
    MandateUnknown,
    RepresentativeNotConfirmed,
    RepresentativeRegisterAbsent,
)
from sso.mandates.ports import MandateStore, Persons, RepresentativeSource
from trust.authority.errors import SamePerson
from trust.formats.holders import HolderNumber
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_person, check_reason, is_same_person

REGISTER = "register"
"""`granted_by` and `withdrawn_by` of what the register of legal persons says."""

OPERATORS = "operators"
"""`granted_by` and `withdrawn_by` of what two operators ordered; `MandateOrder` has their names."""

_log = structlog.get_logger("sso.mandates")


class Representatives:
    """Who represents which organisation, and what operators order about mandates.

    `source` is None where no register is configured: then `order` is the only way.
    """

    def __init__(
        self,
        store: MandateStore,
        *,
        persons: Persons,
        source: RepresentativeSource | None,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._persons = persons
        self._source = source
        self._clock = clock
        self._randomness = randomness

    def claim(self, organisation: HolderNumber, *, by: str) -> Mandate:
        """Make `by` the legal representative of an organisation if the register says so, and return the mandate.

        Raises:
            RepresentativeNotConfirmed: the register says otherwise, or the organisation has no account; not told which.
            MandatePrincipalUnfit: `organisation` is no organisation's number, or one of the two is not active.
            MandateAgentNotProofed: nobody has seen the caller's document; name and number alone may be a stranger's.
            RepresentativeRegisterAbsent, Unavailable: no register is configured, or it does not answer.
        """
        person = self._persons.get(by)
        if not organisation.is_legal_person:
            raise MandatePrincipalUnfit(field="organisation")
        if person.level < LEAST_LEVEL:
            raise MandateAgentNotProofed(field="organisation", level=person.level.value)
        confirmed = self._asked().confirms(organisation, number=person.code, name=person.name)
        legal = self._persons.find(organisation)
        if not confirmed or legal is None:
            _log.warning("legal representative not confirmed", person=by, known=legal is not None)
            raise RepresentativeNotConfirmed(field="organisation")
        return self.from_register(legal.id, person.id)

    def recheck(self, organisation_id: str) -> Mandate | None:
        """Ask the register again, and end the present representative's mandate when it no longer confirms them.

        Returns the mandate when it stands, None when there is none (any more). Raises
        `RepresentativeRegisterAbsent`, `Unavailable` errors: a register that does not answer ends nothing.
        """
        present = self._store.representative_of(organisation_id)
        if present is None:
            return None
        legal, person = self._persons.get(organisation_id), self._persons.get(present.agent)
        if self._asked().confirms(legal.code, number=person.code, name=person.name):
            return present
        self._store.withdraw(present.id, by=REGISTER, at=self._clock.now())
        _log.warning("legal representative no longer confirmed", mandate=present.id)
        return None

    def from_register(self, legal_person: str, representative: str) -> Mandate:
        """Take over what the register of legal persons said: the representative of an organisation, by person ids.

        Saying the same again changes nothing; another representative ends the former one's mandate.

        Raises `PersonUnknown`, `MandatePrincipalUnfit`.
        """
        return self._put(self._mandate(legal_person, representative, granted_by=REGISTER), order=None)

    def order(
        self, legal_person: str, representative: str, *, requested_by: str, approved_by: str, reason: str
    ) -> Mandate:
        """Enter a legal representative by hand, where no register answers; two operators (law 9), kept for good.

        Raises as `from_register`, `SamePerson`, and as `check_reason`.
        """
        mandate = self._mandate(legal_person, representative, granted_by=OPERATORS)
        order = self._order(mandate.id, "grant", (requested_by, approved_by), reason)
        return self._put(mandate, order=order)

    def order_withdrawal(self, mandate_id: str, *, requested_by: str, approved_by: str, reason: str) -> Mandate:
        """End any mandate by order of two operators (law 9), as after a court's decision; kept for good.

        Raises `MandateUnknown`, `SamePerson`, and as `check_reason`.
        """
        order = self._order(mandate_id, "withdraw", (requested_by, approved_by), reason)
        if self._store.get(mandate_id) is None:
            raise MandateUnknown(field="mandate")
        ended = self._store.withdraw(mandate_id, by=OPERATORS, at=order.at, order=order)
        _log.warning("mandate withdrawn by order", mandate=mandate_id, order=order.id)
        return ended

    def orders(self, mandate_id: str) -> tuple[MandateOrder, ...]:
        """Return what operators did to a mandate, oldest first."""
        return tuple(self._store.orders(mandate_id))

    def _asked(self) -> RepresentativeSource:
        if self._source is None:
            raise RepresentativeRegisterAbsent
        return self._source

    def _put(self, mandate: Mandate, *, order: MandateOrder | None) -> Mandate:
        put = self._store.put_representative(mandate, order=order)
        if put.id == mandate.id:
            _log.info("legal representative registered", mandate=put.id, by=put.granted_by)
        return put

    def _mandate(self, legal_person: str, representative: str, *, granted_by: str) -> Mandate:
        legal, person = self._persons.get(legal_person), self._persons.get(representative)
        if not legal.is_legal or not _is_active_natural(person) or not legal.active:
            raise MandatePrincipalUnfit(field="organisation")
        now = self._clock.now()
        return Mandate(
            id=new_id(self._clock, self._randomness),
            kind=MandateKind.LEGAL_REPRESENTATIVE,
            principal=legal.id,
            agent=person.id,
            granted_by=granted_by,
            matters=frozenset(),
            types=frozenset(),
            valid_from=now,
            valid_until=None,
            created_at=now,
        )

    def _order(self, mandate_id: str, order: str, operators: tuple[str, str], reason: str) -> MandateOrder:
        requested_by, approved_by = operators
        check_person(requested_by, field="requested_by")
        check_person(approved_by, field="approved_by")
        if is_same_person(requested_by, approved_by):
            raise SamePerson(field="approved_by")
        return MandateOrder(
            id=new_id(self._clock, self._randomness),
            mandate=mandate_id,
            order=order,
            reason=check_reason(reason, field="reason"),
            requested_by=requested_by,
            approved_by=approved_by,
            at=self._clock.now(),
        )


def _is_active_natural(person: Person) -> bool:
    return person.active and not person.is_legal
