"""The three offices of administration (三员分立): nobody holds two, and nobody fills one alone.

The system administrator proposes an officer, the security administrator approves; the candidate is a third person. The
first three are installed once, by the operator of the installation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import structlog

from sso.accounts.directory import PersonDirectory
from sso.accounts.errors import PersonNotActive
from sso.accounts.roles_errors import RoleApproverProposes, RoleMissing, RolesIncomplete
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_person, is_same_person

_log = structlog.get_logger("sso.accounts")


class Role(StrEnum):
    """The offices; closed."""

    SYSTEM_ADMIN = "system-admin"  # 系统管理员: accounts, systems, counters
    SECURITY_ADMIN = "security-admin"  # 安全管理员: rights and approvals
    AUDITOR = "auditor"  # 安全审计员: reads everything that was done, changes nothing


PROPOSER: Final = Role.SYSTEM_ADMIN
APPROVER: Final = Role.SECURITY_ADMIN


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleGrant:
    """A proposal, an office or a former one; kept for good. It is in force from its approval until it is ended."""

    id: str
    person: str
    role: Role
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None

    @property
    def in_force(self) -> bool:
        """Whether the person holds the office, as far as the grant goes."""
        return self.approved_at is not None and self.ended_at is None


class RoleStore(Protocol):
    """Keeps the offices. Each method is one unit of work."""

    def found(self, grants: Sequence[RoleGrant]) -> None:
        """Write the first officers. Raises `RolesFounded` when there ever was one, `RoleHeld`."""
        ...

    def propose(self, grant: RoleGrant) -> None:
        """Write a proposal. Raises `RoleHeld`."""
        ...

    def approve(self, grant_id: str, *, by: str, at: datetime) -> RoleGrant:
        """Put a proposal into force. Raises `RoleGrantUnknown`, `RoleDecided`."""
        ...

    def end(self, grant_id: str, *, by: str, at: datetime) -> RoleGrant:
        """End a proposal or an office. Raises `RoleGrantUnknown`, `RoleDecided`, `LastOfficer`."""
        ...

    def get(self, grant_id: str) -> RoleGrant:
        """Return a grant. Raises `RoleGrantUnknown`."""
        ...

    def of(self, person_id: str) -> RoleGrant | None:
        """Return the office in force of an active person, or None."""
        ...

    def all(self) -> Sequence[RoleGrant]:
        """Return every grant there ever was, oldest first."""
        ...


class RoleDesk:
    """Proposes, approves and ends offices. Officers are named by their person ids."""

    def __init__(self, *, store: RoleStore, persons: PersonDirectory, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._persons = persons
        self._clock = clock
        self._randomness = randomness

    def found(self, officers: Mapping[Role, str], *, requested_by: str, approved_by: str) -> Sequence[RoleGrant]:
        """Install the first three officers, once. `officers` are person ids; two operators answer for it.

        Raises `RolesIncomplete` unless all three offices are filled, `RoleApproverProposes`, `RolesFounded`,
        `RoleHeld` when one person is named twice, `PersonUnknown`, `PersonNotActive`, and the errors of `check_person`.
        """
        check_person(requested_by, field="requested_by")
        check_person(approved_by, field="approved_by")
        if is_same_person(requested_by, approved_by):
            raise RoleApproverProposes(field="approved_by")
        if set(officers) != set(Role):
            raise RolesIncomplete(field="officers")
        now = self._clock.now()
        grants = [
            RoleGrant(
                id=f"FIRST-{role.value.upper()}",  # the same at every attempt: the primary key lets one found
                person=self._eligible(officers[role]),
                role=role,
                proposed_by=requested_by,
                proposed_at=now,
                approved_by=approved_by,
                approved_at=now,
            )
            for role in Role
        ]
        self._store.found(grants)
        _log.info("officers-founded", grants=[grant.id for grant in grants])
        return grants

    def propose(self, person_id: str, role: Role, *, by: str) -> RoleGrant:
        """Propose a person for an office; the system administrator does.

        Raises `RoleMissing`, `RoleApproverProposes` for a proposal of oneself, `RoleHeld`, `PersonUnknown`,
        `PersonNotActive`.
        """
        self.require(by, PROPOSER)
        if by == person_id:
            raise RoleApproverProposes(field="person")
        grant = RoleGrant(
            id=new_id(self._clock, self._randomness),
            person=self._eligible(person_id),
            role=role,
            proposed_by=by,
            proposed_at=self._clock.now(),
        )
        self._store.propose(grant)
        _log.info("office-proposed", grant=grant.id, role=role.value)
        return grant

    def approve(self, grant_id: str, *, by: str) -> RoleGrant:
        """Put a proposal into force; the security administrator does, neither proposer nor candidate.

        Raises `RoleMissing`, `RoleApproverProposes`, `RoleGrantUnknown`, `RoleDecided`, `PersonNotActive`.
        """
        self.require(by, APPROVER)
        grant = self._store.get(grant_id)
        if by in {grant.person, grant.proposed_by}:
            raise RoleApproverProposes(field="approved_by")
        self._eligible(grant.person)
        approved = self._store.approve(grant_id, by=by, at=self._clock.now())
        _log.info("office-approved", grant=grant_id, role=approved.role.value)
        return approved

    def end(self, grant_id: str, *, by: str) -> RoleGrant:
        """Turn a proposal down, or end an office: system or security administrator, or the officer's own wish.

        Raises `RoleMissing`, `RoleGrantUnknown`, `RoleDecided`, `LastOfficer`.
        """
        grant = self._store.get(grant_id)
        if by != grant.person:
            self.require(by, PROPOSER, APPROVER)
        ended = self._store.end(grant_id, by=by, at=self._clock.now())
        _log.info("office-ended", grant=grant_id, role=ended.role.value)
        return ended

    def role_of(self, person_id: str) -> Role | None:
        """Return the office that an active person holds now, or None."""
        grant = self._store.of(person_id)
        return None if grant is None else grant.role

    def require(self, person_id: str, *roles: Role) -> Role:
        """Return the person's office when it is one of these. Raises `RoleMissing`."""
        held = self.role_of(person_id)
        if held is None or held not in roles:
            named = ", ".join(sorted(role.value for role in roles))
            raise RoleMissing(f"This needs one of: {named}.", person=person_id)
        return held

    def grants(self) -> Sequence[RoleGrant]:
        """Return every proposal and office there ever was, oldest first."""
        return self._store.all()

    def _eligible(self, person_id: str) -> str:
        person = self._persons.get(person_id)
        if not person.active or person.is_legal:
            raise PersonNotActive("An officer is a natural person with an active account.", person=person_id)
        return person.id
