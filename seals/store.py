"""The tables of seals. Times are Unix seconds."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import BigInteger, Integer, LargeBinary, String, bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from seals.artwork import MAX_LINE, MAX_NAME, SealText
from seals.domain import MadeSeal, Maker, SealApplication, SealRecord, SealState, StateChange
from seals.errors import SealCodeTaken, SealStateConflict, SealUnknown
from trust.db import Base, Database
from trust.formats import der
from trust.kernel.identifiers import Uscc
from trust.keys import KeyRef

_ID = String(26)
_KEY = String(64)
_ACTOR = String(200)
_THE_MAKER = 1  # one maker per installation: the table has one row


class SealRow(Base):
    """One seal; approval columns are null until approval, the made ones until it is made."""

    __tablename__ = "seals_seal"

    seal_id: Mapped[str] = mapped_column(_ID, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    line: Mapped[str] = mapped_column(String(MAX_LINE))
    code: Mapped[str] = mapped_column(String(13), unique=True)
    uscc: Mapped[str] = mapped_column(String(18), index=True)
    requested_by: Mapped[str] = mapped_column(_ACTOR)
    requested_at: Mapped[int] = mapped_column(BigInteger)
    approved_by: Mapped[str | None] = mapped_column(_ACTOR)
    approved_at: Mapped[int | None] = mapped_column(BigInteger)
    signer_key: Mapped[str | None] = mapped_column(_KEY)
    chain: Mapped[bytes | None] = mapped_column(LargeBinary)
    der: Mapped[bytes | None] = mapped_column(LargeBinary)
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)


class StateChangeRow(Base):
    """One change of a seal's state; rows are only ever added."""

    __tablename__ = "seals_state_change"

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    seal_id: Mapped[str] = mapped_column(_ID, index=True)
    state: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(_ACTOR)
    at: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(500))


class MakerRow(Base):
    """The maker of seals."""

    __tablename__ = "seals_maker"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(_KEY)
    x509: Mapped[bytes] = mapped_column(LargeBinary)
    chain: Mapped[bytes] = mapped_column(LargeBinary)


_SEALS = Base.metadata.tables["seals_seal"]
_STATE = select(_SEALS.c.state).where(_SEALS.c.seal_id == bindparam("seal_id"))  # asked before each stamp: made once


class SqlSealStore:
    """`SealStore` in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, application: SealApplication) -> None:
        """See the port."""
        row = SealRow(
            seal_id=application.seal_id,
            state=SealState.APPLIED.value,
            name=application.text.name,
            line=application.text.line,
            code=application.text.code,
            uscc=str(application.uscc),
            requested_by=application.requested_by,
            requested_at=_seconds(application.requested_at),
        )
        change = StateChange(
            state=SealState.APPLIED, actor=application.requested_by, at=application.requested_at, reason="applied for"
        )
        try:
            with self._database.write() as session:
                session.add(row)
                session.add(_change_row(application.seal_id, change))
        except IntegrityError:
            raise SealCodeTaken(field="code") from None

    def get(self, seal_id: str) -> SealRecord:
        """See the port."""
        with self._database.read() as session:
            return _record(_existing(session, seal_id))

    def state(self, seal_id: str) -> SealState:
        """See the port."""
        with self._database.connect() as connection:
            state = connection.execute(_STATE, {"seal_id": seal_id}).scalar()
        if state is None:
            raise SealUnknown(field="seal_id")
        return SealState(state)

    def seals(self) -> Sequence[SealRecord]:
        """See the port."""
        with self._database.read() as session:
            return [_record(row) for row in session.scalars(select(SealRow).order_by(SealRow.seal_id))]

    def change_state(self, seal_id: str, change: StateChange, *, allowed: frozenset[SealState]) -> SealRecord:
        """See the port."""
        with self._database.write() as session:
            row = _existing(session, seal_id)
            if SealState(row.state) not in allowed:
                raise SealStateConflict(f"The seal is {row.state}.", field="state")
            if change.state is SealState.APPROVED:
                row.approved_by, row.approved_at = change.actor, _seconds(change.at)
            return _moved(session, row, change)

    def keep_signer_key(self, seal_id: str, key: KeyRef) -> KeyRef:
        """See the port."""
        with self._database.write() as session:
            row = _existing(session, seal_id)
            row.signer_key = row.signer_key or key
            return KeyRef(row.signer_key)

    def complete(self, seal_id: str, made: MadeSeal, change: StateChange) -> SealRecord:
        """See the port."""
        with self._database.write() as session:
            row = _existing(session, seal_id)
            if row.state != SealState.APPROVED.value:
                return _record(row)
            row.signer_key, row.chain = made.signer_key, b"".join(made.chain)
            row.der, row.vector = made.der, made.vector
            return _moved(session, row, change)

    def changes(self, seal_id: str) -> Sequence[StateChange]:
        """See the port."""
        query = select(StateChangeRow).where(StateChangeRow.seal_id == seal_id).order_by(StateChangeRow.number)
        with self._database.read() as session:
            return [
                StateChange(state=SealState(row.state), actor=row.actor, at=_moment(row.at), reason=row.reason)
                for row in session.scalars(query)
            ]

    def made_after(self, number: int, *, until: datetime, limit: int) -> Sequence[tuple[int, str]]:
        """Return the number of the change and the id of the next seals that came into use before `until`, in order."""
        query = (
            select(StateChangeRow.number, StateChangeRow.seal_id, StateChangeRow.at)
            .where(StateChangeRow.number > number, StateChangeRow.state == SealState.ACTIVE.value)
            .order_by(StateChangeRow.number)
            .limit(limit)
        )
        found = []
        with self._database.connect() as connection:
            for place, seal_id, at in connection.execute(query):
                if _moment(at) >= until:
                    break
                found.append((place, seal_id))
        return found

    def maker(self) -> Maker | None:
        """See the port."""
        with self._database.read() as session:
            row = session.get(MakerRow, _THE_MAKER)
            return None if row is None else _maker(row)

    def keep_maker(self, maker: Maker) -> Maker:
        """See the port."""
        with self._database.write() as session:
            row = session.get(MakerRow, _THE_MAKER)
            if row is None:
                row = MakerRow(number=_THE_MAKER, key=maker.key, x509=maker.x509, chain=b"".join(maker.chain))
                session.add(row)
            return _maker(row)


def _existing(session: Session, seal_id: str) -> SealRow:
    row = session.get(SealRow, seal_id)
    if row is None:
        raise SealUnknown(field="seal_id")
    return row


def _moved(session: Session, row: SealRow, change: StateChange) -> SealRecord:
    row.state = change.state.value
    session.add(_change_row(row.seal_id, change))
    return _record(row)


def _change_row(seal_id: str, change: StateChange) -> StateChangeRow:
    return StateChangeRow(
        seal_id=seal_id, state=change.state.value, actor=change.actor, at=_seconds(change.at), reason=change.reason
    )


def _record(row: SealRow) -> SealRecord:
    made = None
    if row.signer_key is not None and row.chain is not None and row.der is not None and row.vector is not None:
        made = MadeSeal(signer_key=KeyRef(row.signer_key), chain=_split(row.chain), der=row.der, vector=row.vector)
    return SealRecord(
        application=SealApplication(
            seal_id=row.seal_id,
            text=SealText(name=row.name, code=row.code, line=row.line),
            uscc=Uscc.parse(row.uscc),
            requested_by=row.requested_by,
            requested_at=_moment(row.requested_at),
        ),
        state=SealState(row.state),
        approved_by=row.approved_by,
        approved_at=None if row.approved_at is None else _moment(row.approved_at),
        made=made,
    )


def _maker(row: MakerRow) -> Maker:
    return Maker(key=KeyRef(row.key), x509=row.x509, chain=_split(row.chain))


def _split(joined: bytes) -> tuple[bytes, ...]:
    """Certificates are kept one behind the other: DER says where each ends."""
    found: list[bytes] = []
    offset = 0
    while offset < len(joined):
        found.append(der.read_first(joined, offset).encoded)
        offset += len(found[-1])
    return tuple(found)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
