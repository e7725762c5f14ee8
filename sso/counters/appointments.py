"""Appointing clerks (窗口人员): one administrator asks, another approves, and both names are kept for good (law 9).

**A change**: 1 parse the request and check what can be checked · 2 keep it · 3 another person approves · 4 in one
commit: the decision, the change of the clerk, the new epoch and the cut tie, so that live tokens die at the next check.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import structlog

from sso.accounts.domain import Person, ProofingLevel
from sso.counters.domain import (
    CHANGE_LIFE,
    CLERK_COUNTERS_MAX,
    ChangeKind,
    ChangeState,
    Clerk,
    ClerkChange,
)
from sso.counters.errors import (
    ChangeDecided,
    ChangeLapsed,
    ChangeUnknown,
    ClerkCountersInvalid,
    ClerkDisabled,
    ClerkNotDisabled,
    ClerkNotEligible,
    ClerkRegistered,
    ClerkUnknown,
    CounterClosed,
    CounterOfAnotherAuthority,
    CounterUnknown,
)
from sso.counters.ports import ClerkEntry, ClerkStore, CounterStore, Persons
from trust.authority.errors import SamePerson
from trust.kernel.clock import Clock
from trust.kernel.identifiers import Uscc
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_person, check_reason, is_same_person

CLERK_LEVEL = ProofingLevel.TWO_ELEMENT_MATCH
"""Least level of a clerk's own account. Not higher: the first clerk has nobody to be proofed by in person."""

_log = structlog.get_logger("sso.counters")


class ClerkAppointments:
    """Requests about clerks and their decision. For operators only."""

    def __init__(
        self, *, clerks: ClerkStore, counters: CounterStore, persons: Persons, clock: Clock, randomness: Randomness
    ) -> None:
        self._clerks = clerks
        self._counters = counters
        self._persons = persons
        self._clock = clock
        self._randomness = randomness

    def request_clerk(
        self,
        person_id: str,
        *,
        staff_number: str,
        authority: str,
        counters: Collection[str],
        requested_by: str,
        reason: str,
    ) -> ClerkChange:
        """Ask that a person be registered as a clerk of one authority, posted to these counters.

        Raises:
            PersonUnknown, ClerkNotEligible: no active natural person, or not proved to `CLERK_LEVEL`.
            ClerkRegistered: the person is an enabled clerk already.
            StaffNumberInvalid, UsccInvalid, ClerkCountersInvalid: a value cannot be used.
            CounterUnknown, CounterClosed, CounterOfAnotherAuthority: no counter to be posted to.
            TextLength, TextCharacters, PersonalNumberInText: of `requested_by` and `reason`.
        """
        self._eligible(person_id)
        if self._clerks.clerk_of(person_id) is not None:
            raise ClerkRegistered(field="person")
        code = Uscc.parse(authority, field="authority")
        entry = ClerkEntry(
            id=new_id(self._clock, self._randomness),
            person=person_id,
            staff_number=staff_number,
            authority=code,
            counters=self._counters_of(code, counters),
            epoch=1,
            disabled_at=None,
        )
        return self._ask(ChangeKind.REGISTER, entry, requested_by, reason)

    def request_posting(
        self, clerk_id: str, *, counters: Collection[str], requested_by: str, reason: str
    ) -> ClerkChange:
        """Ask that an enabled clerk be posted to these counters instead. Raises as `request_clerk`, `ClerkUnknown`."""
        entry = self._entry(clerk_id)
        if entry.disabled_at is not None:
            raise ClerkDisabled(field="clerk")
        asked = replace(entry, counters=self._counters_of(entry.authority, counters))
        return self._ask(ChangeKind.POST, asked, requested_by, reason)

    def request_disabling(self, clerk_id: str, *, requested_by: str, reason: str) -> ClerkChange:
        """Ask that a clerk be disabled. Raises `ClerkUnknown`, `ClerkDisabled`, and as `check_reason`."""
        entry = self._entry(clerk_id)
        if entry.disabled_at is not None:
            raise ClerkDisabled(field="clerk")
        return self._ask(ChangeKind.DISABLE, entry, requested_by, reason)

    def request_enabling(self, clerk_id: str, *, requested_by: str, reason: str) -> ClerkChange:
        """Ask that a disabled clerk be enabled again, with the postings of before.

        Raises `ClerkUnknown`, `ClerkNotDisabled`, `ClerkNotEligible`, and as `check_reason`.
        """
        entry = self._entry(clerk_id)
        if entry.disabled_at is None:
            raise ClerkNotDisabled(field="clerk")
        self._eligible(entry.person)
        return self._ask(ChangeKind.ENABLE, entry, requested_by, reason)

    def approve(self, change_id: str, *, approved_by: str) -> Clerk:
        """Approve a request and carry it out; what hung on the clerk before ends in the same commit.

        Raises:
            ChangeUnknown, ChangeDecided, ChangeLapsed: nothing to be decided, or not any more.
            SamePerson: the one who asked cannot approve (law 9).
            ClerkNotEligible, ClerkRegistered, ClerkDisabled, ClerkNotDisabled: the state changed since it was asked.
            CounterUnknown, CounterClosed, CounterOfAnotherAuthority: so did a counter.
        """
        check_person(approved_by, field="approved_by")
        change = self.change(change_id)
        if is_same_person(approved_by, change.requested_by):
            raise SamePerson(field="approved_by")
        self._check_waiting(change)
        if change.kind in (ChangeKind.REGISTER, ChangeKind.ENABLE):
            self._eligible(change.person)
        entry = self._clerks.approve(change_id, by=approved_by, at=self._clock.now())
        _log.info("clerk changed", kind=change.kind.value, clerk=entry.id, change=change_id, epoch=entry.epoch)
        return entry.named(self._persons.get(entry.person).name)

    def refuse(self, change_id: str, *, refused_by: str) -> ClerkChange:
        """Refuse a request; the one who asked may take it back this way. Raises `ChangeUnknown`, `ChangeDecided`."""
        check_person(refused_by, field="refused_by")
        self.change(change_id)
        refused = self._clerks.refuse(change_id, by=refused_by, at=self._clock.now())
        _log.info("clerk change refused", clerk=refused.clerk, change=change_id)
        return refused

    def change(self, change_id: str) -> ClerkChange:
        """Return a request. Raises `ChangeUnknown`."""
        found = self._clerks.change(change_id)
        if found is None:
            raise ChangeUnknown(field="change")
        return found

    def changes(self, *, clerk: str | None = None, state: ChangeState | None = None) -> Sequence[ClerkChange]:
        """Return requests, oldest first: those about one clerk, in one state, or all that ever were."""
        return self._clerks.changes(clerk=clerk, state=state)

    def _check_waiting(self, change: ClerkChange) -> None:
        if change.state is not ChangeState.WAITING:
            raise ChangeDecided(field="change")
        if self._clock.now() >= change.requested_at + CHANGE_LIFE:
            raise ChangeLapsed(field="change")

    def _eligible(self, person_id: str) -> Person:
        person = self._persons.get(person_id)
        if person.is_legal or not person.active or person.level < CLERK_LEVEL:
            raise ClerkNotEligible(field="person", level=person.level.value, state=person.state.value)
        return person

    def _entry(self, clerk_id: str) -> ClerkEntry:
        found = self._clerks.clerk(clerk_id)
        if found is None:
            raise ClerkUnknown(field="clerk")
        return found

    def _counters_of(self, authority: Uscc, counters: Collection[str]) -> frozenset[str]:
        if len(set(counters)) > CLERK_COUNTERS_MAX:
            raise ClerkCountersInvalid(f"A clerk is posted to at most {CLERK_COUNTERS_MAX} counters.", field="counters")
        for counter_id in sorted(set(counters)):
            found = self._counters.counter(counter_id)
            if found is None:
                raise CounterUnknown(field="counters")
            if not found.open:
                raise CounterClosed(field="counters")
            if found.authority != authority:
                raise CounterOfAnotherAuthority(field="counters")
        return frozenset(counters)

    def _ask(self, kind: ChangeKind, entry: ClerkEntry, requested_by: str, reason: str) -> ClerkChange:
        change = ClerkChange(
            id=new_id(self._clock, self._randomness),
            kind=kind,
            clerk=entry.id,
            person=entry.person,
            staff_number=entry.staff_number,
            authority=entry.authority,
            counters=entry.counters,
            reason=check_reason(reason, field="reason"),
            requested_by=check_person(requested_by, field="requested_by"),
            requested_at=self._clock.now(),
        )
        self._clerks.add_change(change)
        _log.info("clerk change requested", kind=kind.value, clerk=entry.id, change=change.id)
        return change
