"""The mandate desk: granting, accepting, using and withdrawing the right to act for another.

**Granting**: 1 parse the command · 2 is the granter who they say (level, strength), and entitled? · 3 the agent, the
matters, the types, the period · 4 the offer is committed while the granter's own entitlement is locked · 5 the agent
accepts. **Withdrawing**: the end and the cut tie are one commit, so live tokens die at their next check.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from sso.accounts.domain import Person
from sso.mandates.domain import (
    LEAST_LEVEL,
    OFFER_LIFE,
    ORGANISATION_MANDATES_MAX,
    PERSON_MANDATES_MAX,
    GrantCommand,
    Mandate,
    MandateKind,
    allowed_types,
)
from sso.mandates.errors import (
    GranterNotProofed,
    MandateAgentDisabled,
    MandateAgentNotProofed,
    MandateAgentUnfit,
    MandateFromRegister,
    MandateKindNotGrantable,
    MandatePrincipalDisabled,
    MandateTypeNotCovered,
    MandateUnknown,
    NotEntitledToGrant,
    StepUpNeeded,
    SubDelegationRefused,
)
from sso.mandates.ports import MandateStore, Matters, Persons
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Strength
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

GRANT_STRENGTH = Strength.ONE_TIME_CODE
"""Least strength of the sign-in with which someone grants."""

_log = structlog.get_logger("sso.mandates")


class MandateDesk:
    """Mandates of natural persons and organisations; `sso.mandates.representatives` brings the legal representatives.

    Persons are named by their ids. Whoever calls has made sure that `by` is the one who is signed in, alone.
    """

    def __init__(
        self, store: MandateStore, *, persons: Persons, matters: Matters, clock: Clock, randomness: Randomness
    ) -> None:
        self._store = store
        self._persons = persons
        self._matters = matters
        self._clock = clock
        self._randomness = randomness

    def grant(self, command: GrantCommand, *, by: str, strength: Strength) -> Mandate:
        """Offer a mandate to the agent. `strength` is that of the session in which `by` is signed in.

        Raises:
            PersonUnknown: a person id is none.
            NotEntitledToGrant, SubDelegationRefused: `by` is not the one who may grant for this principal.
            MandatePrincipalDisabled, GranterNotProofed, StepUpNeeded: nor are they so now, surely enough.
            MandateKindNotGrantable, MandateAgentUnfit, MandateTypesInvalid, MandateTimeInvalid: the command.
            MatterUnknown, MatterRetired: a matter is not in force.
            MandateLimitReached: the principal has too many live mandates.
        """
        now = self._clock.now()
        principal = self._persons.get(command.principal)
        under = self.check_entitled(principal.id, by=by, strength=strength)
        if not principal.is_legal and command.kind is not MandateKind.ONE_OFF:
            raise MandateKindNotGrantable(field="kind")
        agent = self._persons.get(command.agent)
        if agent.is_legal or not agent.active or agent.id == by:
            raise MandateAgentUnfit(field="agent")
        matters = [self._matters.matter(code) for code in sorted(command.matters)]
        begins, ends = command.period(now)
        mandate = Mandate(
            id=new_id(self._clock, self._randomness),
            kind=command.kind,
            principal=principal.id,
            agent=agent.id,
            granted_by=by,
            matters=command.matters,
            types=allowed_types(command.types, matters),
            valid_from=begins,
            valid_until=ends,
            created_at=now,
            offered_until=min(now + OFFER_LIFE, ends),
            ends_with_representative=command.ends_with_representative and principal.is_legal,
        )
        limit = ORGANISATION_MANDATES_MAX if principal.is_legal else PERSON_MANDATES_MAX
        self._store.add(mandate, under=under, limit=limit)
        _log.info("mandate granted", mandate=mandate.id, kind=mandate.kind.value, matters=sorted(mandate.matters))
        return mandate

    def check_entitled(self, principal_id: str, *, by: str, strength: Strength) -> str | None:
        """Return the id of the mandate under which `by` may grant for a principal now, None for themselves.

        Raises `NotEntitledToGrant`, `SubDelegationRefused`, `MandatePrincipalDisabled`, `GranterNotProofed`,
        `StepUpNeeded`, `PersonUnknown`.
        """
        principal = self._persons.get(principal_id)
        under = self._entitling(principal, by=by, now=self._clock.now())
        self._check_granter(principal, by=by, strength=strength)
        return under

    def accept(self, mandate_id: str, *, by: str) -> Mandate:
        """Take a mandate on, as its agent; only then it holds. Accepting again changes nothing.

        Raises `MandateUnknown`, `MandateAgentDisabled`, `MandateAgentNotProofed`, `MandateWithdrawn`,
        `MandateExpired`, `MandateOfferLapsed`.
        """
        mandate = self._of_agent(mandate_id, by)
        self._check_agent(mandate)
        accepted = self._store.accept(mandate_id, at=self._clock.now())
        _log.info("mandate accepted", mandate=mandate_id)
        return accepted

    def withdraw(self, mandate_id: str, *, by: str) -> Mandate:
        """End a mandate: the agent, the natural principal, or the organisation's present legal representative.

        No strength is asked for: taking a right away must be easy. The first withdrawal stands.

        Raises `MandateUnknown` (also when `by` has no part in it), `MandateFromRegister`.
        """
        mandate = self.get(mandate_id)
        if by not in (mandate.agent, mandate.principal) and not self._represents(by, mandate.principal):
            _log.warning("withdrawal by a stranger refused", mandate=mandate_id, person=by)
            raise MandateUnknown(field="mandate")
        if mandate.kind is MandateKind.LEGAL_REPRESENTATIVE:
            raise MandateFromRegister(field="mandate")
        ended = self._store.withdraw(mandate_id, by=by, at=self._clock.now())
        _log.info("mandate withdrawn", mandate=mandate_id)
        return ended

    def get(self, mandate_id: str) -> Mandate:
        """Return a mandate, in whatever state. Raises `MandateUnknown`."""
        found = self._store.get(mandate_id) if mandate_id.isalnum() else None
        if found is None:
            raise MandateUnknown(field="mandate")
        return found

    def check(
        self,
        mandate_id: str,
        *,
        agent: str,
        matter: str | None,
        types: frozenset[str] = frozenset(),
        case: str | None = None,
    ) -> Mandate:
        """Return the mandate if `agent` may act under it now, in `matter`, for `types` of certificates.

        A one-off mandate that was used up for `case` still holds for that case.

        Raises:
            MandateUnknown: none, or another agent's.
            MandateWithdrawn, MandateUsed, MandateNotAccepted, MandateExpired, MandateNotYetValid: it does not hold.
            MandateMatterNotCovered, MandateTypeNotCovered: it does not reach that far.
            MandatePrincipalDisabled, MandateAgentDisabled, MandateAgentNotProofed: one of the two persons.
        """
        mandate = self._of_agent(mandate_id, agent)
        fault = mandate.fault(matter, now=self._clock.now(), case=case)
        if fault is not None:
            raise fault(field="mandate", mandate=mandate_id, matter=matter)
        principal = self._persons.get(mandate.principal)
        if not principal.active:
            raise MandatePrincipalDisabled(field="mandate", mandate=mandate_id)
        self._check_agent(mandate)
        if types and not (matter and types <= mandate.types_for(self._matters.matter(matter))):
            raise MandateTypeNotCovered(field="types", mandate=mandate_id)
        return mandate

    def usable(self, agent: str, matter: str | None, now: datetime) -> list[Mandate]:
        """Return the mandates under which `agent` may act at `now` in `matter`; see `check` for why others are not."""
        person = self._persons.get(agent)
        found = [mandate for mandate in self._store.of_agent(agent) if mandate.covers(matter, now=now)]
        return [mandate for mandate in found if self._may_act(person, self._persons.get(mandate.principal))]

    def use_one_off(self, mandate_id: str, case: str) -> Mandate:
        """Use up a one-off mandate for one case, atomically; the same case again changes nothing.

        Raises `MandateUnknown`, `MandateNotOneOff`, `MandateUsed` (by another case) and as `check` for the rest.
        """
        self.get(mandate_id)
        used = self._store.use(mandate_id, case=case, at=self._clock.now())
        _log.info("mandate used up", mandate=mandate_id, case=case)
        return used

    def parties(self, mandate: Mandate) -> tuple[Person, Person]:
        """Return principal and agent."""
        return self._persons.get(mandate.principal), self._persons.get(mandate.agent)

    def ties(self, mandate: Mandate) -> frozenset[Tie]:
        """Return what a token that represents somebody hangs on, beside the ties of its subject."""
        principal = self._persons.get(mandate.principal)
        return frozenset({mandate.tie, Tie(TieKind.PERSON, principal.tie_id)})

    def of_agent(self, person_id: str) -> Sequence[Mandate]:
        """Return every mandate that a person ever had, offers too, oldest first."""
        return self._store.of_agent(person_id)

    def of_principal(self, person_id: str, *, by: str) -> Sequence[Mandate]:
        """Return every mandate that was ever granted for a person or an organisation, oldest first.

        Raises `NotEntitledToGrant` unless `by` is that person or the present legal representative.
        """
        if by != person_id and not self._represents(by, person_id):
            raise NotEntitledToGrant(field="principal")
        return self._store.of_principal(person_id)

    def organisations_of(self, person_id: str) -> tuple[str, ...]:
        """Return the organisations whose present legal representative a person is."""
        live = (each for each in self._store.of_agent(person_id) if each.withdrawn_at is None)
        return tuple(each.principal for each in live if each.kind is MandateKind.LEGAL_REPRESENTATIVE)

    def _entitling(self, principal: Person, *, by: str, now: datetime) -> str | None:
        """Return the mandate under which `by` grants; None is a person who grants for themselves."""
        if not principal.is_legal and by == principal.id:
            return None
        present = self._store.representative_of(principal.id) if principal.is_legal else None
        if present is not None and present.agent == by:
            return present.id
        held = self._store.of_agent(by)
        agent = any(each.principal == principal.id and each.live(now) for each in held)
        _log.warning("granting refused", principal=principal.id, person=by, agent=agent)
        raise (SubDelegationRefused if agent else NotEntitledToGrant)(field="principal")

    def _check_granter(self, principal: Person, *, by: str, strength: Strength) -> None:
        if not principal.active:
            raise MandatePrincipalDisabled(field="principal")
        granter = self._persons.get(by)
        if not self._may_act(granter, principal):
            raise GranterNotProofed(field="principal", level=granter.level.value, state=granter.state.value)
        if strength < GRANT_STRENGTH:
            raise StepUpNeeded(strength=strength.value)

    def _check_agent(self, mandate: Mandate) -> None:
        agent = self._persons.get(mandate.agent)
        if not agent.active:
            raise MandateAgentDisabled(field="mandate", mandate=mandate.id)
        if agent.level < LEAST_LEVEL:
            raise MandateAgentNotProofed(field="mandate", mandate=mandate.id, level=agent.level.value)

    def _may_act(self, person: Person, principal: Person) -> bool:
        return person.active and principal.active and person.level >= LEAST_LEVEL

    def _represents(self, person_id: str, organisation: str) -> bool:
        present = self._store.representative_of(organisation)
        return present is not None and present.agent == person_id

    def _of_agent(self, mandate_id: str, agent: str) -> Mandate:
        mandate = self.get(mandate_id)
        if mandate.agent != agent:
            _log.warning("mandate of another agent refused", mandate=mandate_id, person=agent)
            raise MandateUnknown(field="mandate")
        return mandate
