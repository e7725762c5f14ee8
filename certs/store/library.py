"""The certificates in the database: their states, the steps between them, and the looks at them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from certs.access_log import Access, Look, Visit, Within
from certs.domain import Action, Certificate, Intent, IntentState, Record, Transition
from certs.library_errors import CertificateUnknown, IssueInProgress
from certs.ports import StatusRow
from certs.store.intents import held
from certs.store.tables import ACCESSES, AUTHORITIES, CERTIFICATES, INTENTS, TRANSITIONS
from trust.db import Database
from verifier.ports import LibraryState

_CLEAR = tuple(column for column in CERTIFICATES.columns if column.name != "sealed")
_BY_IDENTIFIER = select(*_CLEAR).where(CERTIFICATES.c.identifier == bindparam("identifier"))
_WITH_CONTENTS = select(CERTIFICATES).where(CERTIFICATES.c.identifier == bindparam("identifier"))
_STATUS = (
    select(
        CERTIFICATES.c.type_code,
        CERTIFICATES.c.state,
        CERTIFICATES.c.since,
        CERTIFICATES.c.valid_from,
        CERTIFICATES.c.valid_to,
        CERTIFICATES.c.file_sm3,
        CERTIFICATES.c.superseded_by,
        AUTHORITIES.c.name_zh,
    )
    .join(AUTHORITIES, AUTHORITIES.c.uscc == CERTIFICATES.c.authority)
    .where(CERTIFICATES.c.identifier == bindparam("identifier"))
)

_CLEAR_NAMES = tuple(column.name for column in _CLEAR)
_ADD = insert(CERTIFICATES)
_KEEP = insert(TRANSITIONS)
_NOTE = insert(ACCESSES)


class SqlLibrary:
    """Implements `certs.ports.Library`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, identifier: str) -> Certificate | None:
        """Return the certificate without its personal part, or None."""
        with self._database.connect() as connection:
            row = connection.execute(_BY_IDENTIFIER, {"identifier": identifier}).mappings().first()
        return None if row is None else _certificate(row)

    def status(self, identifier: str) -> StatusRow | None:
        """Return what a verifier may know of a certificate, or None: one indexed query."""
        with self._database.connect() as connection:
            row = connection.execute(_STATUS, {"identifier": identifier}).first()
        return None if row is None else StatusRow(*row)

    def complete(self, intent: Intent, certificate: Certificate, *, sealed: bytes, record: Record) -> None:
        """Commit a finished certificate, the end of its intent, and the end of the version that it replaces.

        Raises:
            IssueInProgress: another run holds the lease by now; nothing is committed.
            TransitionNotAllowed: the replaced version does not admit it any more; nothing is committed.
        """
        values = {name: getattr(certificate, name) for name in _CLEAR_NAMES}
        step = Transition(
            identifier=certificate.identifier,
            action=Action.ISSUE,
            before=None,
            after=certificate.state,
            record=record,
        )
        with self._database.begin() as connection:
            ended = held(intent).values(state=IntentState.COMPLETED, sealed=None).returning(INTENTS.c.identifier)
            if connection.execute(ended).first() is None:
                raise IssueInProgress
            connection.execute(_ADD, {**values, "sealed": sealed})
            _keep(connection, step)
            if certificate.supersedes is not None:
                _change(connection, certificate.supersedes, Action.SUPERSEDE, record)
                connection.execute(
                    update(CERTIFICATES)
                    .where(CERTIFICATES.c.identifier == certificate.supersedes)
                    .values(superseded_by=certificate.identifier)
                )

    def change(self, identifier: str, action: Action, record: Record) -> Certificate:
        """Carry out one change of state and keep who did it. Raises `CertificateUnknown`, `TransitionNotAllowed`."""
        with self._database.begin() as connection:
            return _change(connection, identifier, action, record)

    def open(self, identifier: str, visit: Visit, within: Within | None = None) -> tuple[Certificate, bytes]:
        """Return the certificate and its sealed contents, leaving one row for the look. Raises `CertificateUnknown`.

        What lies outside `within` is unknown too: nobody learns of other people's certificates.
        """
        with self._database.begin() as connection:
            row = connection.execute(_WITH_CONTENTS, {"identifier": identifier}).mappings().first()
            if row is None:
                raise CertificateUnknown(field="identifier")
            certificate = _certificate(row)
            if within is not None and not within.admits(certificate.holder_index, certificate.type_code):
                raise CertificateUnknown(field="identifier", within=False)
            _note(connection, visit, certificate.holder_index, [identifier])
            return certificate, row["sealed"]

    def search(
        self, holder_index: bytes, visit: Visit, *, limit: int, types: frozenset[str] | None = None
    ) -> tuple[Certificate, ...]:
        """Return up to `limit` certificates of a holder, newest first, leaving one row each, or one for no hit.

        `types` narrows the search; None is every type.
        """
        query = (
            select(*_CLEAR)
            .where(CERTIFICATES.c.holder_index == holder_index)
            .order_by(CERTIFICATES.c.issued_at.desc(), CERTIFICATES.c.identifier)
            .limit(limit)
        )
        if types is not None:
            query = query.where(CERTIFICATES.c.type_code.in_(sorted(types)))
        with self._database.begin() as connection:
            found = tuple(map(_certificate, connection.execute(query).mappings()))
            _note(connection, visit, holder_index, [certificate.identifier for certificate in found] or [None])
            return found

    def transitions(self, identifier: str) -> tuple[Transition, ...]:
        """Return the life of a certificate, oldest step first."""
        query = select(TRANSITIONS).where(TRANSITIONS.c.identifier == identifier).order_by(TRANSITIONS.c.id)
        with self._database.connect() as connection:
            return tuple(map(_transition, connection.execute(query).mappings()))

    def accesses(
        self, holder_index: bytes, *, before: datetime | None = None, limit: int, leaving_out: str | None = None
    ) -> tuple[Access, ...]:
        """Return who looked at a holder's certificates before a moment, newest first, but for one client's looks."""
        query = select(ACCESSES).where(ACCESSES.c.holder_index == holder_index)
        if before is not None:
            query = query.where(ACCESSES.c.at < before)
        if leaving_out is not None:
            query = query.where(ACCESSES.c.client != leaving_out)
        with self._database.connect() as connection:
            rows = connection.execute(query.order_by(ACCESSES.c.at.desc(), ACCESSES.c.id.desc()).limit(limit))
            return tuple(map(_access, rows.mappings()))


def _change(connection: Connection, identifier: str, action: Action, record: Record) -> Certificate:
    """Change a state under the lock of the row: of two changes at once, the second sees what the first left."""
    row = connection.execute(_BY_IDENTIFIER.with_for_update(), {"identifier": identifier}).mappings().first()
    if row is None:
        raise CertificateUnknown(field="identifier")
    certificate = _certificate(row)
    after = certificate.after(action, record.at)
    before, _ = certificate.at(record.at)
    connection.execute(
        update(CERTIFICATES).where(CERTIFICATES.c.identifier == identifier).values(state=after, since=record.at)
    )
    _keep(connection, Transition(identifier=identifier, action=action, before=before, after=after, record=record))
    return _certificate({**row, "state": after, "since": record.at})


def _keep(connection: Connection, step: Transition) -> None:
    record = step.record
    connection.execute(
        _KEEP,
        {
            "identifier": step.identifier,
            "action": step.action,
            "before": step.before,
            "after": step.after,
            "at": record.at,
            "client": record.client,
            "reason": record.reason,
            "requested_by": record.requested_by,
            "approved_by": record.approved_by,
        },
    )


def _note(connection: Connection, visit: Visit, holder_index: bytes, identifiers: Iterable[str | None]) -> None:
    common = {
        "at": visit.at,
        "client": visit.client,
        "authority": visit.authority,
        "look": visit.look,
        "purpose": visit.purpose,
        "holder_index": holder_index,
        "hop": visit.hop,
        "clerk": visit.clerk,
        "counter": visit.counter,
    }
    connection.execute(_NOTE, [common | {"identifier": identifier} for identifier in identifiers])


def _certificate(row: Mapping[Any, Any]) -> Certificate:
    values = {name: row[name] for name in _CLEAR_NAMES}
    return Certificate(**{**values, "state": LibraryState(values["state"])})


def _transition(row: RowMapping) -> Transition:
    return Transition(
        identifier=row["identifier"],
        action=Action(row["action"]),
        before=None if row["before"] is None else LibraryState(row["before"]),
        after=LibraryState(row["after"]),
        record=Record(
            at=row["at"],
            client=row["client"],
            reason=row["reason"],
            requested_by=row["requested_by"],
            approved_by=row["approved_by"],
        ),
    )


def _access(row: RowMapping) -> Access:
    visit = Visit(
        at=row["at"],
        client=row["client"],
        authority=row["authority"],
        look=Look(row["look"]),
        purpose=row["purpose"],
        hop=row["hop"],
        clerk=row["clerk"],
        counter=row["counter"],
    )
    return Access(visit=visit, holder_index=row["holder_index"], identifier=row["identifier"])
