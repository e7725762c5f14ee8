"""The offices of administration in the database. The unique column `live_for` keeps two offices from one person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sso.accounts.domain import PersonState
from sso.accounts.roles import Role, RoleGrant
from sso.accounts.roles_errors import LastOfficer, RoleDecided, RoleGrantUnknown, RoleHeld, RolesFounded
from sso.accounts.store.tables import PERSONS, ROLE_GRANTS
from trust.db import Database
from trust.kernel.clock import kept_moment

_IN_FORCE = (ROLE_GRANTS.c.approved_at.is_not(None), ROLE_GRANTS.c.ended_at.is_(None))
_OF_ACTIVE = (
    select(ROLE_GRANTS)
    .join(PERSONS, PERSONS.c.id == ROLE_GRANTS.c.person)
    .where(*_IN_FORCE, PERSONS.c.state == PersonState.ACTIVE.value)
)


class SqlRoleStore:
    """`sso.accounts.roles.RoleStore` in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def found(self, grants: Sequence[RoleGrant]) -> None:
        """See the port. Of two that race, the primary keys of the first three grants let one through."""
        if len({grant.person for grant in grants}) != len(grants):
            raise RoleHeld(field="officers")
        try:
            with self._database.begin() as connection:
                if connection.execute(select(ROLE_GRANTS.c.id).limit(1)).first() is not None:
                    raise RolesFounded
                connection.execute(insert(ROLE_GRANTS), [_row(grant) for grant in grants])
        except IntegrityError:
            raise RolesFounded from None

    def propose(self, grant: RoleGrant) -> None:
        """See the port."""
        try:
            with self._database.begin() as connection:
                connection.execute(insert(ROLE_GRANTS), _row(grant))
        except IntegrityError:
            raise RoleHeld(field="person") from None

    def approve(self, grant_id: str, *, by: str, at: datetime) -> RoleGrant:
        """See the port."""
        with self._database.begin() as connection:
            row = _locked(connection, grant_id)
            if row["approved_at"] is not None or row["ended_at"] is not None:
                raise RoleDecided(grant=grant_id)
            _set(connection, grant_id, {"approved_by": by, "approved_at": at.isoformat()})
            return _grant(_locked(connection, grant_id))

    def end(self, grant_id: str, *, by: str, at: datetime) -> RoleGrant:
        """See the port. All grants of the office are locked: two officers cannot leave at once and empty it."""
        with self._database.begin() as connection:
            _lock_office(connection, grant_id)
            row = _locked(connection, grant_id)
            if row["ended_at"] is not None:
                raise RoleDecided(grant=grant_id)
            if row["approved_at"] is not None:
                _check_another(connection, row)
            _set(connection, grant_id, {"ended_by": by, "ended_at": at.isoformat(), "live_for": None})
            return _grant(_locked(connection, grant_id))

    def get(self, grant_id: str) -> RoleGrant:
        """See the port."""
        with self._database.connect() as connection:
            row = connection.execute(select(ROLE_GRANTS).where(ROLE_GRANTS.c.id == grant_id)).mappings().first()
        if row is None:
            raise RoleGrantUnknown(grant=grant_id)
        return _grant(row)

    def of(self, person_id: str) -> RoleGrant | None:
        """See the port."""
        with self._database.connect() as connection:
            row = connection.execute(_OF_ACTIVE.where(ROLE_GRANTS.c.person == person_id)).mappings().first()
        return None if row is None else _grant(row)

    def all(self) -> Sequence[RoleGrant]:
        """See the port."""
        query = select(ROLE_GRANTS).order_by(ROLE_GRANTS.c.proposed_at, ROLE_GRANTS.c.id)
        with self._database.connect() as connection:
            return [_grant(row) for row in connection.execute(query).mappings()]


def _locked(connection: Connection, grant_id: str) -> RowMapping:
    query = select(ROLE_GRANTS).where(ROLE_GRANTS.c.id == grant_id).with_for_update()
    row = connection.execute(query).mappings().first()
    if row is None:
        raise RoleGrantUnknown(grant=grant_id)
    return row


def _lock_office(connection: Connection, grant_id: str) -> None:
    """Lock every grant of the same office, in one order for all: no two wait for each other."""
    role = select(ROLE_GRANTS.c.role).where(ROLE_GRANTS.c.id == grant_id).scalar_subquery()
    query = select(ROLE_GRANTS.c.id).where(ROLE_GRANTS.c.role == role).order_by(ROLE_GRANTS.c.id).with_for_update()
    connection.execute(query).all()


def _check_another(connection: Connection, leaving: RowMapping) -> None:
    others = (
        select(func.count())
        .select_from(ROLE_GRANTS.join(PERSONS, PERSONS.c.id == ROLE_GRANTS.c.person))
        .where(
            *_IN_FORCE,
            ROLE_GRANTS.c.role == leaving["role"],
            ROLE_GRANTS.c.id != leaving["id"],
            PERSONS.c.state == PersonState.ACTIVE.value,
        )
    )
    if connection.execute(others).scalar_one() == 0:
        raise LastOfficer(role=leaving["role"])


def _set(connection: Connection, grant_id: str, values: dict[str, object]) -> None:
    connection.execute(update(ROLE_GRANTS).where(ROLE_GRANTS.c.id == grant_id).values(**values))


def _row(grant: RoleGrant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "person": grant.person,
        "role": grant.role.value,
        "proposed_by": grant.proposed_by,
        "proposed_at": grant.proposed_at.isoformat(),
        "approved_by": grant.approved_by,
        "approved_at": None if grant.approved_at is None else grant.approved_at.isoformat(),
        "live_for": grant.person,
    }


def _grant(row: RowMapping) -> RoleGrant:
    return RoleGrant(
        id=row["id"],
        person=row["person"],
        role=Role(row["role"]),
        proposed_by=row["proposed_by"],
        proposed_at=datetime.fromisoformat(row["proposed_at"]),
        approved_by=row["approved_by"],
        approved_at=kept_moment(row["approved_at"]),
        ended_by=row["ended_by"],
        ended_at=kept_moment(row["ended_at"]),
    )
