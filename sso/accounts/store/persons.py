"""Persons in the database. Whoever changes a person holds that row's lock: two officers cannot cross each other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from sso.accounts.domain import Evidence, PersonState
from sso.accounts.errors import (
    MergeUnfit,
    NumberOfKindHeld,
    PersonAlreadyRegistered,
    PersonNotActive,
    PersonStateUnchanged,
    PersonUnknown,
)
from sso.accounts.ports import (
    PersonRecord,
    Step,
    StoredApplication,
    StoredChange,
    StoredCode,
    StoredPerson,
)
from sso.accounts.store import rows
from sso.accounts.store.tables import APPLICATIONS, CHANGES, CODES, EVIDENCE, PERSONS, ROLE_GRANTS
from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import cut_within
from trust.db import Database
from trust.prepared import Prepared

_LED = CODES.alias("led")
_PERSON = select(PERSONS, CODES.c.kind, CODES.c.sealed).join(CODES, CODES.c.code_index == PERSONS.c.code_index)
_BY_ID = Prepared(_PERSON.where(PERSONS.c.id == bindparam("key")))
_BY_CODE = Prepared(_PERSON.join(_LED, _LED.c.person == PERSONS.c.id).where(_LED.c.code_index == bindparam("key")))
_EVIDENCE = Prepared(select(EVIDENCE).where(EVIDENCE.c.person == bindparam("person")))
_NOBODY = ""  # no id: a miss asks for the evidence of nobody, so that it takes as long as a hit


class SqlPersonStore:
    """`sso.accounts.ports.PersonStore` in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, person: StoredPerson, change: StoredChange, evidence: Sequence[Evidence]) -> None:
        """See the port."""
        try:
            with self._database.begin() as connection:
                _insert(connection, person, change, evidence)
        except IntegrityError:
            raise PersonAlreadyRegistered(field="number") from None

    def apply(
        self,
        person: StoredPerson,
        change: StoredChange,
        evidence: Sequence[Evidence],
        application: StoredApplication,
    ) -> bool:
        """See the port. A race that is lost is an application for a number that is taken."""
        try:
            with self._database.begin() as connection:
                free = connection.execute(_taken(person.code_index)).first() is None
                led = free and application.person is not None
                if led:
                    _insert(connection, person, change, evidence)
                _insert_application(connection, application if led else replace(application, person=None))
                return led
        except IntegrityError:
            with self._database.begin() as connection:
                _insert_application(connection, replace(application, person=None))
            return False

    def invite(self, application: StoredApplication) -> None:
        """See the port."""
        with self._database.begin() as connection:
            _insert_application(connection, application)

    def redeem(self, digest: bytes, *, now: datetime, life: timedelta) -> str | None:
        """See the port. The conditional update lets one of two that race through."""
        with self._database.begin() as connection:
            used = connection.execute(
                update(APPLICATIONS)
                .where(
                    APPLICATIONS.c.digest == digest,
                    APPLICATIONS.c.used_at.is_(None),
                    APPLICATIONS.c.expires_at > now.isoformat(),
                )
                .values(used_at=now.isoformat())
            )
            if used.rowcount == 0:
                return None
            found = connection.execute(
                select(APPLICATIONS.c.person, APPLICATIONS.c.expires_at, PERSONS.c.credentials_from)
                .outerjoin(PERSONS, PERSONS.c.id == APPLICATIONS.c.person)
                .where(APPLICATIONS.c.digest == digest)
            ).one()
            ended = found.credentials_from
            if ended is not None and datetime.fromisoformat(found.expires_at) - life < datetime.fromisoformat(ended):
                return None  # of whoever registered before a clerk had the person in front of them
            person: str | None = found.person
            return person

    def forget_applications(self, *, before: datetime) -> int:
        """See the port."""
        with self._database.begin() as connection:
            gone = connection.execute(delete(APPLICATIONS).where(APPLICATIONS.c.expires_at < before.isoformat()))
            return gone.rowcount

    def find(self, code_index: bytes) -> PersonRecord | None:
        """See the port."""
        return self._record(_BY_CODE, code_index)

    def get(self, person_id: str) -> PersonRecord | None:
        """See the port."""
        return self._record(_BY_ID, person_id)

    def _record(self, query: Prepared, key: bytes | str) -> PersonRecord | None:
        with self._database.connect() as connection:
            row = query.first(connection, {"key": key})
            person_id = _NOBODY if row is None else row.id
            evidence = [rows.evidence_of(found._asdict()) for found in _EVIDENCE.all(connection, {"person": person_id})]
        return None if row is None else (rows.person_of(row._asdict()), evidence)

    def codes(self, person_id: str) -> Sequence[StoredCode]:
        """See the port."""
        query = select(CODES).where(CODES.c.person == person_id).order_by(CODES.c.added_at, CODES.c.code_index)
        with self._database.connect() as connection:
            return [rows.code_of(row) for row in connection.execute(query).mappings()]

    def attest(self, evidence: Evidence) -> None:
        """See the port."""
        with self._database.begin() as connection:
            _require(_locked(connection, evidence.person), {PersonState.ACTIVE})
            connection.execute(insert(EVIDENCE), rows.evidence_row(evidence))

    def step(self, person_id: str, step: Step) -> None:
        """See the port."""
        with self._database.begin() as connection:
            _take(connection, _locked(connection, person_id), step)

    def add_code(self, code: StoredCode, step: Step, *, primary: bool, single: bool) -> None:
        """See the port."""
        try:
            with self._database.begin() as connection:
                row = _locked(connection, code.person)
                _require(row, step.admits)
                if single and _has_kind(connection, code):
                    raise NumberOfKindHeld(field="number")
                connection.execute(insert(CODES), rows.code_row(code))
                _take(connection, row, step)
                if primary:
                    connection.execute(update(PERSONS).where(PERSONS.c.id == code.person).values(code_index=code.index))
        except IntegrityError:
            raise PersonAlreadyRegistered(field="number") from None

    def merge(self, changes: Mapping[str, StoredChange], *, duplicate: str, survivor: str) -> None:
        """See the port. Both rows are locked in the order of their ids, so that two merges cannot cross."""
        with self._database.begin() as connection:
            locked = {person: _locked(connection, person) for person in sorted((duplicate, survivor))}
            _check_merge(connection, locked, duplicate=duplicate)
            for person, row in locked.items():
                change = changes[person]
                state = PersonState.MERGED if person == duplicate else None
                _take(
                    connection,
                    row,
                    Step(change=change, admits=frozenset({PersonState.ACTIVE}), state=state, ends_sessions=True),
                )
            connection.execute(update(PERSONS).where(PERSONS.c.id == duplicate).values(merged_into=survivor))
            connection.execute(update(CODES).where(CODES.c.person == duplicate).values(person=survivor))

    def evidence(self, persons: Collection[str]) -> Sequence[Evidence]:
        """See the port."""
        query = select(EVIDENCE).where(EVIDENCE.c.person.in_(persons)).order_by(EVIDENCE.c.at, EVIDENCE.c.id)
        with self._database.connect() as connection:
            return [rows.evidence_of(row) for row in connection.execute(query).mappings()]

    def changes(self, persons: Collection[str]) -> Sequence[StoredChange]:
        """See the port."""
        query = select(CHANGES).where(CHANGES.c.person.in_(persons)).order_by(CHANGES.c.at, CHANGES.c.id)
        with self._database.connect() as connection:
            return [rows.change_of(row) for row in connection.execute(query).mappings()]

    def merged_into(self, person_id: str) -> Sequence[str]:
        """See the port. One query for each generation of merges; there are hardly ever two."""
        found: list[str] = []
        generation = [person_id]
        with self._database.connect() as connection:
            while generation:
                query = select(PERSONS.c.id).where(PERSONS.c.merged_into.in_(generation)).order_by(PERSONS.c.id)
                generation = list(connection.execute(query).scalars())
                found.extend(generation)
        return found


def _taken(index: bytes) -> Select[Any]:
    return select(CODES.c.person).where(CODES.c.code_index == index)


def _insert(connection: Connection, person: StoredPerson, change: StoredChange, evidence: Sequence[Evidence]) -> None:
    code = StoredCode(
        index=person.code_index,
        kind=person.kind,
        person=person.id,
        sealed=person.sealed_number,
        added_at=person.created_at,
    )
    connection.execute(insert(PERSONS), rows.person_row(person))
    connection.execute(insert(CODES), rows.code_row(code))
    connection.execute(insert(CHANGES), rows.change_row(change))
    for piece in evidence:
        connection.execute(insert(EVIDENCE), rows.evidence_row(piece))


def _insert_application(connection: Connection, application: StoredApplication) -> None:
    connection.execute(
        insert(APPLICATIONS),
        {
            "digest": application.digest,
            "person": application.person,
            "expires_at": application.expires_at.isoformat(),
        },
    )


def _locked(connection: Connection, person_id: str) -> RowMapping:
    row = connection.execute(select(PERSONS).where(PERSONS.c.id == person_id).with_for_update()).mappings().first()
    if row is None:
        raise PersonUnknown(person=person_id)
    return row


def _require(row: RowMapping, admitted: Collection[PersonState]) -> None:
    state = PersonState(row["state"])
    if state in admitted:
        return
    if PersonState.ACTIVE in admitted:
        raise PersonNotActive(f"The account is {state.value}.", person=row["id"])
    raise PersonStateUnchanged(f"The account is {state.value}.", person=row["id"])


def _take(connection: Connection, row: RowMapping, step: Step) -> None:
    _require(row, step.admits)
    values: dict[str, object] = {}
    evidence = step.evidence
    if step.state is not None:
        values["state"] = step.state.value
    if step.sealed_name is not None:
        version = row["name_version"] + 1
        values |= {"sealed_name": step.sealed_name, "name_version": version}
        evidence = None if evidence is None else replace(evidence, name_version=version)
    if step.ends_credentials:
        values["credentials_from"] = step.change.at.isoformat()
    if step.ends_sessions:
        values["epoch"] = row["epoch"] + 1
        tie = Tie(TieKind.PERSON, f"{row['id']}/{row['epoch']}")
        cut_within(connection, [tie], reason=step.change.act.value, at=step.change.at)
    if values:
        connection.execute(update(PERSONS).where(PERSONS.c.id == row["id"]).values(**values))
    connection.execute(insert(CHANGES), rows.change_row(step.change))
    if evidence is not None:
        connection.execute(insert(EVIDENCE), rows.evidence_row(evidence))


def _has_kind(connection: Connection, code: StoredCode) -> bool:
    query = select(CODES.c.code_index).where(CODES.c.person == code.person, CODES.c.kind == code.kind).limit(1)
    return connection.execute(query).first() is not None


def _check_merge(connection: Connection, locked: Mapping[str, RowMapping], *, duplicate: str) -> None:
    if any(PersonState(row["state"]) is not PersonState.ACTIVE for row in locked.values()):
        raise MergeUnfit("Both accounts must be active.")
    office = connection.execute(select(ROLE_GRANTS.c.id).where(ROLE_GRANTS.c.live_for == duplicate)).first()
    if office is not None:
        raise MergeUnfit("The duplicate holds an office or is proposed for one.")
