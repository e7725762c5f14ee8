"""How an account ends, comes back, or becomes one with another. Each act is one commit with the ties that it cuts."""

from collections.abc import Sequence
from typing import Final

import structlog

from sso.accounts.directory import PersonDirectory
from sso.accounts.domain import Act, Change, Person, PersonState
from sso.accounts.errors import AccountApproverRequests, MergeUnfit, OwnAccount
from sso.accounts.ports import PersonStore, Step, StoredChange
from sso.accounts.vault import Vault
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_person, check_reason, is_same_person

SYSTEM: Final = "system"
"""Who asks when a person acts on their own account through this service."""

ACTIVE: Final = frozenset({PersonState.ACTIVE})
_STOPPED: Final = frozenset({PersonState.DISABLED, PersonState.DECEASED})
_NOT_ENDED: Final = frozenset({PersonState.ACTIVE, PersonState.DISABLED})

_log = structlog.get_logger("sso.accounts")


class PersonLifecycle(PersonDirectory):
    """Disables, enables, ends and merges accounts."""

    def __init__(self, *, store: PersonStore, vault: Vault, clock: Clock, randomness: Randomness) -> None:
        super().__init__(store=store, vault=vault, clock=clock)
        self._randomness = randomness

    def disable(self, person_id: str, *, by: str, reason: str) -> Person:
        """Stop an account; all of its sessions and tokens end with this commit. One officer is enough.

        Raises `PersonUnknown`, `PersonNotActive`, and the errors of `check_person` and `check_reason`.
        """
        change = self._change(person_id, Act.DISABLED, by=by, reason=reason)
        return self._move(Step(change=change, admits=ACTIVE, state=PersonState.DISABLED, ends_sessions=True))

    def enable(self, person_id: str, *, requested_by: str, approved_by: str, reason: str) -> Person:
        """Open a disabled account again, or one that was ended by mistake; what was cut stays cut.

        Raises `AccountApproverRequests`, `OwnAccount` (law 9), `PersonUnknown`, `PersonStateUnchanged`, and the errors
        of `check_person` and `check_reason`.
        """
        self._check_two(requested_by, approved_by, {person_id})
        change = self._change(person_id, Act.ENABLED, by=requested_by, approved_by=approved_by, reason=reason)
        return self._move(Step(change=change, admits=_STOPPED, state=PersonState.ACTIVE))

    def end(self, person_id: str, *, by: str, reason: str | None = None) -> Person:
        """Keep that a person is deceased or an organisation dissolved; everything that hangs on them ends.

        Raises `PersonUnknown`, `PersonNotActive`, and the errors of `check_person` and `check_reason`.
        """
        change = self._change(person_id, Act.ENDED, by=by, reason=reason)
        return self._move(Step(change=change, admits=_NOT_ENDED, state=PersonState.DECEASED, ends_sessions=True))

    def merge(
        self, duplicate: str, survivor: str, *, requested_by: str, approved_by: str, reason: str | None = None
    ) -> Person:
        """Make one account of two: the duplicate's numbers lead to the survivor, and everything of both ends.

        The survivor keeps its own level: the duplicate's evidence is about other numbers.

        Raises `AccountApproverRequests`, `OwnAccount` (law 9), `MergeUnfit`, `PersonUnknown`, and the errors of
        `check_person` and `check_reason`.
        """
        self._check_two(requested_by, approved_by, {duplicate, survivor})
        if duplicate == survivor:
            raise MergeUnfit("An account cannot be merged with itself.")
        if self.get(duplicate).is_legal is not self.get(survivor).is_legal:
            raise MergeUnfit("One is a natural person, the other a legal person.")
        changes = {
            person: self._change(
                person, Act.MERGED, by=requested_by, approved_by=approved_by, reason=reason, other=other
            )
            for person, other in ((duplicate, survivor), (survivor, duplicate))
        }
        self._store.merge(changes, duplicate=duplicate, survivor=survivor)
        _log.info("persons-merged", duplicate=duplicate, survivor=survivor)
        return self.get(survivor)

    def changes(self, person_id: str) -> Sequence[Change]:
        """Return what was done to an account and to its merged duplicates, oldest first; it is never deleted."""
        stored = self._store.changes([person_id, *self._store.merged_into(person_id)])
        return [self._opened(change) for change in stored]

    def _move(self, step: Step) -> Person:
        person_id = step.change.person
        self._store.step(person_id, step)
        _log.info("account-changed", person=person_id, act=step.change.act.value)
        return self.get(person_id)

    def _check_two(self, requested_by: str, approved_by: str, concerned: set[str]) -> None:
        """Law 9: two persons decide, and none of them about their own account."""
        if is_same_person(requested_by, approved_by):
            raise AccountApproverRequests(field="approved_by")
        if {requested_by, approved_by} & concerned:
            raise OwnAccount(field="approved_by" if approved_by in concerned else "requested_by")

    def _change(
        self,
        person_id: str,
        act: Act,
        *,
        by: str,
        approved_by: str | None = None,
        reason: str | None = None,
        other: str | None = None,
    ) -> StoredChange:
        check_person(by, field="requested_by")
        if approved_by is not None:
            check_person(approved_by, field="approved_by")
        if reason is not None:
            check_reason(reason, field="reason")
        return StoredChange(
            id=self._new_id(),
            person=person_id,
            act=act,
            at=self._clock.now(),
            requested_by=by,
            approved_by=approved_by,
            reason=reason,
            other=other,
        )

    def _new_id(self) -> str:
        return new_id(self._clock, self._randomness)

    def _opened(self, change: StoredChange) -> Change:
        sealed = change.sealed_name
        return Change(
            id=change.id,
            person=change.person,
            act=change.act,
            at=change.at,
            requested_by=change.requested_by,
            approved_by=change.approved_by,
            reason=change.reason,
            other=change.other,
            former_name=None if sealed is None else self._vault.open_former_name(sealed, change.id),
        )
