"""Mandates in the database. A withdrawal and the cutting of its ties are one commit."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import JSON, Boolean, Row, Select, String, bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from sso.mandates.domain import Mandate, MandateKind, MandateOrder
from sso.mandates.errors import (
    MandateExpired,
    MandateLimitReached,
    MandateNotOneOff,
    MandateOfferLapsed,
    MandateUnknown,
    MandateWithdrawn,
    NotEntitledToGrant,
)
from sso.revocation.store import cut_within
from trust.db import Base, Database
from trust.kernel.clock import kept_moment
from trust.prepared import Prepared

_ID: Final = String(26)
_MOMENT: Final = String(32)  # ISO 8601 in UTC
_OPERATOR: Final = String(64)
_TURNS: Final = (
    20  # changes of one organisation's representative at the same moment: each lost turn is another's commit
)


class MandateRow(Base):
    """One mandate. `represents_alone` is the organisation while this is its legal representative's: there is one."""

    __tablename__ = "sso_mandates"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    principal: Mapped[str] = mapped_column(_ID, index=True)
    agent: Mapped[str] = mapped_column(_ID, index=True)
    granted_by: Mapped[str] = mapped_column(String(80))
    matters: Mapped[list[str]] = mapped_column(JSON)
    types: Mapped[list[str]] = mapped_column(JSON)
    valid_from: Mapped[str] = mapped_column(_MOMENT)
    valid_until: Mapped[str | None] = mapped_column(_MOMENT)
    created_at: Mapped[str] = mapped_column(_MOMENT)
    offered_until: Mapped[str | None] = mapped_column(_MOMENT)
    accepted_at: Mapped[str | None] = mapped_column(_MOMENT)
    ends_with_representative: Mapped[bool] = mapped_column(Boolean)
    withdrawn_at: Mapped[str | None] = mapped_column(_MOMENT)
    withdrawn_by: Mapped[str | None] = mapped_column(String(80))
    used_at: Mapped[str | None] = mapped_column(_MOMENT)
    used_case: Mapped[str | None] = mapped_column(String(64))
    represents_alone: Mapped[str | None] = mapped_column(_ID, unique=True)


class MandateOrderRow(Base):
    """What operators did to a mandate; rows are only ever added."""

    __tablename__ = "sso_mandate_orders"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    mandate: Mapped[str] = mapped_column(_ID, index=True)
    order: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(200))
    requested_by: Mapped[str] = mapped_column(_OPERATOR)
    approved_by: Mapped[str] = mapped_column(_OPERATOR)
    at: Mapped[str] = mapped_column(_MOMENT)


# Asked at every sign-in for a matter and at every exchange at a counter.
_MANDATES = Base.metadata.tables["sso_mandates"]
_BY_ID = Prepared(select(_MANDATES).where(_MANDATES.c.id == bindparam("key")))
_OF_AGENT = Prepared(select(_MANDATES).where(_MANDATES.c.agent == bindparam("key")).order_by(_MANDATES.c.id))


class DatabaseMandateStore:
    """`MandateStore` of the ports."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_representative(self, mandate: Mandate, *, order: MandateOrder | None) -> Mandate:
        """See the port."""
        for _ in range(_TURNS):
            try:
                return self._put_representative(mandate, order)
            except IntegrityError:  # another writer was quicker: now there is its row to lock and to compare with
                continue
        return self._put_representative(mandate, order)

    def _put_representative(self, mandate: Mandate, order: MandateOrder | None) -> Mandate:
        with self._database.write() as session:
            present = session.scalars(_alone(mandate.principal).with_for_update()).first()
            if present is not None and present.agent == mandate.agent:
                return _mandate(present)
            if present is not None:
                _end(session, present, by=mandate.granted_by, at=mandate.created_at)
                session.flush()  # the unique column is free before the new row takes it
            session.add(_row(mandate))
            _keep(session, order)
        return mandate

    def add(self, mandate: Mandate, *, under: str | None, limit: int) -> None:
        """See the port."""
        with self._database.write() as session:
            if under is not None:
                entitling = session.get(MandateRow, under, with_for_update=True)
                if entitling is None or entitling.represents_alone != mandate.principal:
                    raise NotEntitledToGrant(field="principal")
            # Without such a row to lock, two offers of a natural person at the same moment may pass the limit by one on
            # PostgreSQL: it keeps a list readable and guards no right.
            unended = select(MandateRow).where(
                MandateRow.principal == mandate.principal,
                MandateRow.withdrawn_at.is_(None),
                MandateRow.used_at.is_(None),
                MandateRow.kind != MandateKind.LEGAL_REPRESENTATIVE.value,
            )
            live = sum(_mandate(row).live(mandate.created_at) for row in session.scalars(unended))
            if live >= limit:
                raise MandateLimitReached(f"There are at most {limit} live mandates.", field="principal")
            session.add(_row(mandate))

    def get(self, mandate_id: str) -> Mandate | None:
        """See the port."""
        row = self._database.first(_BY_ID, {"key": mandate_id})
        return None if row is None else _mandate(row)

    def of_agent(self, person_id: str) -> Sequence[Mandate]:
        """See the port."""
        with self._database.connect() as connection:
            return tuple(map(_mandate, _OF_AGENT.all(connection, {"key": person_id})))

    def of_principal(self, person_id: str) -> Sequence[Mandate]:
        """See the port."""
        with self._database.read() as session:
            chosen = select(MandateRow).where(MandateRow.principal == person_id).order_by(MandateRow.id)
            return tuple(map(_mandate, session.scalars(chosen)))

    def representative_of(self, organisation: str) -> Mandate | None:
        """See the port."""
        with self._database.read() as session:
            row = session.scalars(_alone(organisation)).first()
            return None if row is None else _mandate(row)

    def accept(self, mandate_id: str, *, at: datetime) -> Mandate:
        """See the port."""
        with self._database.write() as session:
            row = _locked(session, mandate_id)
            found = _mandate(row)
            if found.withdrawn_at is not None:
                raise MandateWithdrawn(field="mandate")
            if found.accepted:
                return found
            if found.valid_until is not None and at >= found.valid_until:
                raise MandateExpired(field="mandate")
            if not found.live(at):
                raise MandateOfferLapsed(field="mandate")
            row.accepted_at = _text(at)
            return _mandate(row)

    def withdraw(self, mandate_id: str, *, by: str, at: datetime, order: MandateOrder | None = None) -> Mandate:
        """See the port."""
        with self._database.write() as session:
            row = _locked(session, mandate_id)
            if row.withdrawn_at is None:
                _end(session, row, by=by, at=at)
                _keep(session, order)
            return _mandate(row)

    def use(self, mandate_id: str, *, case: str, at: datetime) -> Mandate:
        """See the port."""
        with self._database.write() as session:
            row = _locked(session, mandate_id)
            found = _mandate(row)
            if found.kind is not MandateKind.ONE_OFF:
                raise MandateNotOneOff(field="mandate")
            fault = found.fault(next(iter(found.matters)), now=at, case=case)
            if fault is not None:
                raise fault(field="mandate", mandate=mandate_id)
            if row.used_at is None:
                row.used_at, row.used_case = _text(at), case
            return _mandate(row)

    def orders(self, mandate_id: str) -> Sequence[MandateOrder]:
        """See the port."""
        with self._database.read() as session:
            chosen = select(MandateOrderRow).where(MandateOrderRow.mandate == mandate_id).order_by(MandateOrderRow.id)
            return tuple(map(_order, session.scalars(chosen)))


def _alone(organisation: str) -> Select[MandateRow]:
    return select(MandateRow).where(MandateRow.represents_alone == organisation)


def _locked(session: Session, mandate_id: str) -> MandateRow:
    row = session.get(MandateRow, mandate_id, with_for_update=True)
    if row is None:
        raise MandateUnknown(field="mandate")
    return row


def _end(session: Session, row: MandateRow, *, by: str, at: datetime) -> None:
    """Withdraw a locked mandate, and what was granted to end with it, and cut the ties of all of them."""
    ended = [row]
    if row.represents_alone is not None:
        hanging = select(MandateRow).where(
            MandateRow.principal == row.principal,
            MandateRow.ends_with_representative.is_(True),
            MandateRow.withdrawn_at.is_(None),
        )
        ended += session.scalars(hanging.order_by(MandateRow.id).with_for_update())
    for each in ended:
        each.withdrawn_at, each.withdrawn_by, each.represents_alone = _text(at), by, None
    cut_within(session, {_mandate(each).tie for each in ended}, reason="mandate withdrawn", at=at)


def _keep(session: Session, order: MandateOrder | None) -> None:
    if order is not None:
        session.add(
            MandateOrderRow(
                id=order.id,
                mandate=order.mandate,
                order=order.order,
                reason=order.reason,
                requested_by=order.requested_by,
                approved_by=order.approved_by,
                at=_text(order.at),
            )
        )


def _row(mandate: Mandate) -> MandateRow:
    represents = mandate.kind is MandateKind.LEGAL_REPRESENTATIVE
    return MandateRow(
        id=mandate.id,
        kind=mandate.kind.value,
        principal=mandate.principal,
        agent=mandate.agent,
        granted_by=mandate.granted_by,
        matters=sorted(mandate.matters),
        types=sorted(mandate.types),
        valid_from=_text(mandate.valid_from),
        valid_until=mandate.valid_until and _text(mandate.valid_until),
        created_at=_text(mandate.created_at),
        offered_until=mandate.offered_until and _text(mandate.offered_until),
        accepted_at=mandate.accepted_at and _text(mandate.accepted_at),
        ends_with_representative=mandate.ends_with_representative,
        represents_alone=mandate.principal if represents else None,
    )


def _mandate(row: MandateRow | Row[Any]) -> Mandate:
    return Mandate(
        id=row.id,
        kind=MandateKind(row.kind),
        principal=row.principal,
        agent=row.agent,
        granted_by=row.granted_by,
        matters=frozenset(row.matters),
        types=frozenset(row.types),
        valid_from=datetime.fromisoformat(row.valid_from),
        valid_until=kept_moment(row.valid_until),
        created_at=datetime.fromisoformat(row.created_at),
        withdrawn_at=kept_moment(row.withdrawn_at),
        withdrawn_by=row.withdrawn_by,
        used_at=kept_moment(row.used_at),
        used_case=row.used_case,
        offered_until=kept_moment(row.offered_until),
        accepted_at=kept_moment(row.accepted_at),
        ends_with_representative=row.ends_with_representative,
    )


def _order(row: MandateOrderRow) -> MandateOrder:
    return MandateOrder(
        id=row.id,
        mandate=row.mandate,
        order=row.order,
        reason=row.reason,
        requested_by=row.requested_by,
        approved_by=row.approved_by,
        at=datetime.fromisoformat(row.at),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
