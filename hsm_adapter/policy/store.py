"""Proposals, changes and counters of keys in SQL. What is read here is verified elsewhere; nothing is believed.

A counter is one row and one atomic statement: two processes never take the same signature.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from hsm_adapter.policy.changes import Change
from hsm_adapter.policy.errors import KeyChangedMeanwhile, ProposalDecided, ProposalUnknown
from hsm_adapter.policy.ports import ProposalState, SignedDocument, StoredChange, StoredProposal
from trust.db import Base, Database
from trust.kernel.clock import kept_moment
from trust.keys import KeyRef
from trust.prepared import Prepared

_KEY = String(64)
_ID = String(26)
_PERSON = String(64)
_MOMENT = String(32)


class ProposalRow(Base):
    """One proposal and what became of it; rows are kept for good."""

    __tablename__ = "key_proposal"

    id: Mapped[str] = mapped_column(_ID, primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signer: Mapped[str] = mapped_column(_KEY)
    entry: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    decided_by: Mapped[str | None] = mapped_column(_PERSON)
    decided_at: Mapped[str | None] = mapped_column(_MOMENT)


class ChangeRow(Base):
    """One change of one key; `document` is what was signed, byte for byte."""

    __tablename__ = "key_change"

    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signer: Mapped[str] = mapped_column(_KEY)
    entry: Mapped[int] = mapped_column(BigInteger, unique=True)
    proposal: Mapped[str | None] = mapped_column(ForeignKey(ProposalRow.id), unique=True)


class CountRow(Base):
    """How many signatures were taken from a key's limit, since there was one."""

    __tablename__ = "key_count"

    key: Mapped[str] = mapped_column(_KEY, primary_key=True)
    taken: Mapped[int] = mapped_column(BigInteger)


# Asked in the way of a signature: made once, on the tables instead of the mapped classes.
_CHANGES: Table = Base.metadata.tables["key_change"]
_COUNTS: Table = Base.metadata.tables["key_count"]
_COUNTED: Any = select(func.count().label("total"), func.max(_CHANGES.c.entry).label("newest"))
_VERSION = Prepared(_COUNTED.select_from(_CHANGES))
_TAKE = Prepared(
    update(_COUNTS)
    .where(_COUNTS.c.key == bindparam("of"), _COUNTS.c.taken + bindparam("more") <= bindparam("most"))
    .values(taken=_COUNTS.c.taken + bindparam("more"))
)


class SqlPolicyStore:
    """The `PolicyStore` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def version(self) -> tuple[int, int]:
        """Return how many changes there are and the greatest leaf of one, -1 without any."""
        with self._database.connect() as connection:
            row = _VERSION.first(connection, {})
        return row.total, -1 if row.newest is None else row.newest

    def changes(self) -> Sequence[StoredChange]:
        """Return every change, by key and number."""
        with self._database.read() as session:
            rows = session.scalars(select(ChangeRow).order_by(ChangeRow.key, ChangeRow.number))
            return [StoredChange(key=KeyRef(row.key), number=row.number, signed=_signed(row)) for row in rows]

    def add_change(self, change: Change, signed: SignedDocument, *, proposal: str | None, by: str) -> None:
        """Store a change, decide its proposal and begin a counter, in one unit of work.

        Raises `KeyChangedMeanwhile`, `ProposalDecided`.
        """
        try:
            with self._database.write() as session:
                if proposal is not None:
                    _decide(session, proposal, ProposalState.APPROVED, by, change.at)
                row = ChangeRow(key=change.key, number=change.number, proposal=proposal, **_columns(signed))
                session.add(row)
                limited = change.policy is not None and change.policy.max_signatures is not None
                if limited and session.get(CountRow, change.key) is None:
                    session.add(CountRow(key=change.key, taken=0))
        except IntegrityError:
            raise KeyChangedMeanwhile(field="key") from None

    def add_proposal(self, proposal_id: str, signed: SignedDocument) -> None:
        """Store a proposal."""
        with self._database.write() as session:
            session.add(ProposalRow(id=proposal_id, state=ProposalState.WAITING.value, **_columns(signed)))

    def proposal(self, proposal_id: str) -> StoredProposal:
        """Return a proposal. Raises `ProposalUnknown`."""
        with self._database.read() as session:
            row = session.get(ProposalRow, proposal_id)
            if row is None:
                raise ProposalUnknown(field="proposal")
            return _proposal(row)

    def proposals(self) -> Sequence[StoredProposal]:
        """Return every proposal, oldest first."""
        with self._database.read() as session:
            return [_proposal(row) for row in session.scalars(select(ProposalRow).order_by(ProposalRow.id))]

    def refuse(self, proposal_id: str, *, by: str, at: datetime) -> None:
        """Refuse a waiting proposal. Raises `ProposalDecided`."""
        with self._database.write() as session:
            _decide(session, proposal_id, ProposalState.REFUSED, by, at)

    def take(self, key: KeyRef, count: int, *, most: int) -> bool:
        """Count signatures unless there would be more than `most`.

        The commit reaches the disk with the ledger entry at the latest, before which no signature is released.
        """
        with self._database.begin(durable=False) as connection:
            return _TAKE.run(connection, {"of": key, "more": count, "most": most}) == 1

    def taken(self, key: KeyRef) -> int | None:
        """Return how many were counted, None without a counter."""
        with self._database.read() as session:
            return session.scalar(select(CountRow.taken).where(CountRow.key == key))

    def raise_taken(self, key: KeyRef, count: int) -> bool:
        """Bring a counter up to `count` if it stands below; whether it stood below."""
        with self._database.begin() as connection:
            low = (_COUNTS.c.key == key, _COUNTS.c.taken < count)
            if connection.execute(update(_COUNTS).where(*low).values(taken=count)).rowcount:
                return True
            missing = connection.execute(select(_COUNTS.c.key).where(_COUNTS.c.key == key)).first() is None
            if missing:
                connection.execute(insert(_COUNTS).values(key=key, taken=count))
            return missing


def _decide(session: Session, proposal_id: str, state: ProposalState, by: str, at: datetime) -> None:
    waiting = (ProposalRow.id == proposal_id, ProposalRow.state == ProposalState.WAITING.value)
    decided = {"state": state.value, "decided_by": by, "decided_at": at.isoformat()}
    if session.connection().execute(update(ProposalRow).where(*waiting).values(decided)).rowcount != 1:
        raise ProposalDecided(field="proposal")


def _columns(signed: SignedDocument) -> dict[str, object]:
    return {
        "document": signed.document,
        "signature": signed.signature,
        "signer": signed.signer,
        "entry": signed.entry,
    }


def _signed(row: ChangeRow | ProposalRow) -> SignedDocument:
    return SignedDocument(document=row.document, signature=row.signature, signer=KeyRef(row.signer), entry=row.entry)


def _proposal(row: ProposalRow) -> StoredProposal:
    return StoredProposal(
        id=row.id,
        signed=_signed(row),
        state=ProposalState(row.state),
        decided_by=row.decided_by,
        decided_at=kept_moment(row.decided_at),
    )
