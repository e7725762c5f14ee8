"""The ledger in SQL: `ledger_leaf`, `ledger_node` (full nodes of level 1 and up), `ledger_head`, `ledger_checkpoint`.

One writer at a time: a writing unit begins IMMEDIATE on SQLite, and on PostgreSQL locks the head row. `append_only`
adds the triggers that refuse changes and the first row of the head.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    TextClause,
    and_,
    bindparam,
    event,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from trust.db import Base, Database, DatabaseUnavailable
from trust.kernel.merkle import Frontier, Node, frontier
from trust.keys import KeyRef
from trust.ledger import append_only
from trust.ledger.domain import TREE, Head, Leaf, SignedCheckpoint, parse_checkpoint, place_of
from trust.ledger.errors import CheckpointMalformed, LedgerBroken, LedgerUnavailable
from trust.prepared import Prepared

_INDEX = BigInteger().with_variant(Integer, "sqlite")  # on SQLite only INTEGER becomes the row's own key
_HASH = LargeBinary(32)
_KEY_CHARACTERS = 64
_HEAD_ID = 1


class LeafRow(Base):
    """One leaf."""

    __tablename__ = "ledger_leaf"
    __table_args__ = (CheckConstraint("idx >= 0", name="idx_not_negative"),)

    idx: Mapped[int] = mapped_column(_INDEX, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(_HASH)


class NodeRow(Base):
    """One full node of level 1 and up."""

    __tablename__ = "ledger_node"
    __table_args__ = (
        CheckConstraint("level >= 1 AND idx >= 0", name="above_leaves"),
        {"sqlite_with_rowid": False},
    )

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(_HASH)


class HeadRow(Base):
    """The one row that says how large the ledger is; its lock makes appends wait for each other."""

    __tablename__ = "ledger_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes] = mapped_column(_HASH)


class CheckpointRow(Base):
    """One signed checkpoint; `body` is what was signed, byte for byte."""

    __tablename__ = "ledger_checkpoint"

    size: Mapped[int] = mapped_column(_INDEX, primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    key: Mapped[str] = mapped_column(String(_KEY_CHARACTERS))
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    entry: Mapped[int] = mapped_column(BigInteger)


# Every signature waits for an append: its statements are made once, on the tables instead of the mapped classes.
_HEADS: Table = Base.metadata.tables["ledger_head"]
_LEAVES: Table = Base.metadata.tables["ledger_leaf"]
_NODES: Table = Base.metadata.tables["ledger_node"]
_ADD_LEAF = Prepared(insert(_LEAVES))
_ADD_NODE = Prepared(insert(_NODES))
_THE_HEAD = select(_HEADS.c.size, _HEADS.c.root).where(_HEADS.c.id == _HEAD_ID)
_PRESENT_HEAD = Prepared(_THE_HEAD)
_LOCKED_HEAD = Prepared(_THE_HEAD.with_for_update())
_GROW = Prepared(
    update(_HEADS).where(_HEADS.c.id == _HEAD_ID).values(size=bindparam("new_size"), root=bindparam("new_root"))
)
_PAGE = Prepared(
    select(_LEAVES.c.idx, _LEAVES.c.data, _LEAVES.c.hash)
    .where(_LEAVES.c.idx >= bindparam("begin"), _LEAVES.c.idx < bindparam("end"))
    .order_by(_LEAVES.c.idx)
)

_NODES_OF_LISTS = text(  # on PostgreSQL one statement for any number of nodes, planned in a fraction of the time
    "SELECT 0, leaf.idx, leaf.hash FROM unnest(CAST(:leaves AS bigint[])) AS wanted (idx)"
    " JOIN ledger_leaf AS leaf ON leaf.idx = wanted.idx"
    " UNION ALL SELECT node.level, node.idx, node.hash"
    " FROM unnest(CAST(:levels AS smallint[]), CAST(:offsets AS bigint[])) AS wanted (level, idx)"
    " JOIN ledger_node AS node ON node.level = wanted.level AND node.idx = wanted.idx"
)


def created_with_triggers(table: Table) -> None:
    """Have the statements of `append_only` run whenever this table is created from its description."""

    def run(_target: Table, connection: Connection, **_options: object) -> None:
        for statement in append_only.statements_for(connection.dialect.name, table.name):
            connection.exec_driver_sql(statement)

    event.listen(table, "after_create", run)


for _name in append_only.FIRST_TABLES:
    created_with_triggers(Base.metadata.tables[_name])


class SqlLedgerStore:
    """The `LedgerStore` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._edge: tuple[Head, Frontier] | None = None  # of our own last append; used only while the head is the same

    def append(self, leaves: Sequence[bytes]) -> int:
        """Append in one transaction. Raises `LedgerUnavailable`; `LedgerBroken` when the head contradicts the rows."""
        hashes = [TREE.leaf(data) for data in leaves]  # before the lock is taken
        try:
            with available(), self._database.begin() as connection:
                first, edge = self._append(connection, leaves, hashes)
        except IntegrityError:
            raise LedgerBroken("rows exist where the next entry belongs.", place="head") from None
        self._edge = edge
        return first

    def _append(
        self, connection: Connection, leaves: Sequence[bytes], hashes: Sequence[bytes]
    ) -> tuple[int, tuple[Head, Frontier]]:
        head = _head(connection, lock=True)
        old = self._frontier(connection, head)
        new, finished = old.extend(TREE, hashes)
        grown = Head(size=new.size, root=new.root(TREE))
        rows = [
            {"idx": head.size + position, "data": data, "hash": value}
            for position, (data, value) in enumerate(zip(leaves, hashes, strict=True))
        ]
        _ADD_LEAF.run(connection, *rows)
        if finished:
            nodes = [{"level": node.level, "idx": node.offset, "hash": value} for node, value in finished]
            _ADD_NODE.run(connection, *nodes)
        _GROW.run(connection, {"new_size": grown.size, "new_root": grown.root})
        return head.size, (grown, new)

    def _frontier(self, connection: Connection, head: Head) -> Frontier:
        if self._edge is not None and self._edge[0] == head:
            return self._edge[1]
        edge = frontier(head.size, lambda wanted: _nodes(connection, wanted))
        if edge.root(TREE) != head.root:
            raise LedgerBroken("its root is not that of the stored nodes.", place="head")
        return edge

    def head(self) -> Head:
        """Return the present head."""
        with available(), self._database.connect() as connection:
            return _head(connection, lock=False)

    def leaves(self, start: int, count: int) -> list[Leaf]:
        """Return stored leaves in order; gaps show as missing indexes."""
        with available(), self._database.connect() as connection:
            rows = _PAGE.all(connection, {"begin": start, "end": start + count})
        return [_leaf(*row) for row in rows]

    def nodes(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        """Return all nodes asked for, in one query. Raises `LedgerBroken`, naming the first that is missing."""
        with available(), self._database.connect() as connection:
            return _nodes(connection, wanted)

    def nodes_finished(self, start: int, end: int) -> Mapping[Node, bytes]:
        """Return the nodes that the leaves [start, end) completed."""
        spans = [
            and_(NodeRow.level == level, NodeRow.idx >= start >> level, NodeRow.idx < end >> level)
            for level in range(1, end.bit_length() + 1)
            if start >> level < end >> level
        ]
        if not spans:
            return {}
        query = select(NodeRow.level, NodeRow.idx, NodeRow.hash).where(or_(*spans))
        with available(), self._database.connect() as connection:
            return {Node(level, offset): value for level, offset, value in connection.execute(query)}

    def place_beyond_head(self) -> str | None:
        """Return the place of a row outside the head's tree; one statement each, so appends meanwhile do not matter."""
        size = select(HeadRow.size).where(HeadRow.id == _HEAD_ID).scalar_subquery()
        covered = (NodeRow.idx + 1).bitwise_lshift(NodeRow.level)
        with available(), self._database.connect() as connection:
            leaf = connection.scalar(select(LeafRow.idx).where(LeafRow.idx >= size).order_by(LeafRow.idx).limit(1))
            if leaf is not None:
                return f"leaf {leaf}"
            outside = select(NodeRow.level, NodeRow.idx).where(covered > size).order_by(NodeRow.level, NodeRow.idx)
            node = connection.execute(outside.limit(1)).first()
            if node is not None:
                return f"node {node.level}/{node.idx}"
            point = connection.scalar(
                select(CheckpointRow.size).where(CheckpointRow.size > size).order_by(CheckpointRow.size).limit(1)
            )
            return None if point is None else f"checkpoint {point}"

    def add_checkpoint(self, signed: SignedCheckpoint) -> SignedCheckpoint:
        """Store a checkpoint, or return the one that another process stored for this size."""
        row = CheckpointRow(
            size=signed.checkpoint.size,
            body=signed.body,
            key=signed.key,
            signature=signed.signature,
            entry=signed.entry,
        )
        try:
            with available(), self._database.write() as session:
                session.add(row)
        except IntegrityError:
            (signed,) = self.checkpoints(signed.checkpoint.size, signed.checkpoint.size + 1)
        return signed

    def checkpoints(self, start: int, end: int) -> list[SignedCheckpoint]:
        """Return the checkpoints of these sizes in order."""
        query = select(CheckpointRow).where(CheckpointRow.size >= start, CheckpointRow.size < end)
        with available(), self._database.read() as session:
            return [_signed(row) for row in session.scalars(query.order_by(CheckpointRow.size))]

    def latest_checkpoint(self) -> SignedCheckpoint | None:
        """Return the checkpoint of the greatest size."""
        query = select(CheckpointRow).order_by(CheckpointRow.size.desc()).limit(1)
        with available(), self._database.read() as session:
            row = session.scalar(query)
            return None if row is None else _signed(row)


@contextmanager
def available() -> Iterator[None]:
    """What the database could not do becomes `LedgerUnavailable`."""
    try:
        yield
    except DatabaseUnavailable as error:
        raise LedgerUnavailable(kind=error.facts.get("kind")) from error


def _head(connection: Connection, *, lock: bool) -> Head:
    row = (_LOCKED_HEAD if lock else _PRESENT_HEAD).first(connection, {})
    if row is None:
        raise LedgerBroken("the row is missing.", place="head")
    return Head(size=row.size, root=row.root)


def _nodes(connection: Connection, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
    leaves = [node for node in wanted if node.level == 0]
    inner = [node for node in wanted if node.level]
    if connection.dialect.name == "postgresql":
        values: dict[str, object] = {
            "leaves": [node.offset for node in leaves],
            "levels": [node.level for node in inner],
            "offsets": [node.offset for node in inner],
        }
        rows = connection.execute(_NODES_OF_LISTS, values)
    else:
        values = {f"leaf{position}": node.offset for position, node in enumerate(leaves)}
        for position, node in enumerate(inner):
            values[f"level{position}"], values[f"idx{position}"] = node
        rows = connection.execute(_query_for_nodes(len(leaves), len(inner)), values)
    found = {Node(level, offset): value for level, offset, value in rows}
    for node in wanted:
        if node not in found:
            raise LedgerBroken("the row is missing.", place=place_of(node))
    return found


@cache
def _query_for_nodes(leaves: int, inner: int) -> TextClause:
    """Return SQLite's query for so many leaf hashes and nodes; a proof has at most two per level, so there are few.

    It is text because building it from parts takes SQLAlchemy longer than the query. Each node stands by itself:
    given a list of row values, SQLite reads the whole table.
    """
    leaf_terms = [f"idx = :leaf{position}" for position in range(leaves)]
    node_terms = [f"(level = :level{position} AND idx = :idx{position})" for position in range(inner)]
    selects = [
        f"SELECT {level}, idx, hash FROM {table} WHERE {' OR '.join(terms)}"  # noqa: S608  only names, no values
        for level, table, terms in (("0", "ledger_leaf", leaf_terms), ("level", "ledger_node", node_terms))
        if terms
    ]
    return text(" UNION ALL ".join(selects))


def _leaf(index: int, data: bytes, value: bytes) -> Leaf:
    _check_bytes(f"leaf {index}", data, value)
    return Leaf(index=index, data=data, hash=value)


def _check_bytes(place: str, *values: object) -> None:
    """Raise `LedgerBroken` for columns of another kind: SQLite keeps whatever a hand puts there."""
    for value in values:
        if type(value) is not bytes:
            raise LedgerBroken("its columns do not hold bytes.", place=place)


def _signed(row: CheckpointRow) -> SignedCheckpoint:
    _check_bytes(f"checkpoint {row.size}", row.body, row.signature)
    try:
        checkpoint = parse_checkpoint(row.body)
    except CheckpointMalformed:
        raise LedgerBroken("its body cannot be read.", place=f"checkpoint {row.size}") from None
    if checkpoint.size != row.size:
        raise LedgerBroken("its body tells another size.", place=f"checkpoint {row.size}")
    return SignedCheckpoint(
        checkpoint=checkpoint, body=row.body, key=KeyRef(row.key), signature=row.signature, entry=row.entry
    )
