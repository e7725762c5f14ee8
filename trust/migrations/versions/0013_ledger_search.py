"""The index by which the ledger is searched, where the watch stands, and its alerts.

Works with the previous release still running: it only adds. The index is derived from the entries: after an upgrade it
is filled in the background, after a downgrade nothing but the alerts is lost.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.String(length=27)
_WORD = sa.String(length=32)
_TABLES = (
    "ledger_alert",
    "ledger_watch",
    "ledger_index",
    "ledger_tally",
    "ledger_caller",
    "ledger_use_name",
    "ledger_use",
)
_INDEXES = {
    "key": ["key", "idx"],
    "document": ["document", "idx"],
    "authority": ["authority", "idx"],
    "reason": ["reason", "idx"],
    "at": ["at"],
}


def upgrade() -> None:
    op.create_table(
        "ledger_use",
        sa.Column("idx", _INDEX, autoincrement=False, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("purpose", _WORD, nullable=False),
        sa.Column("outcome", _WORD, nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_ledger_use")),
    )
    for name, columns in _INDEXES.items():
        op.create_index(f"ix_ledger_use_{name}", "ledger_use", columns, unique=False)
    op.create_table(
        "ledger_use_name",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", "idx", name=op.f("pk_ledger_use_name")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_caller",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "kind", "value", name=op.f("pk_ledger_caller")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_tally",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("purpose", _WORD, nullable=False),
        sa.Column("outcome", _WORD, nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "day", "purpose", "outcome", "authority", name=op.f("pk_ledger_tally")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_index",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_index")),
    )
    op.create_table(
        "ledger_watch",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_watch")),
    )
    op.create_table(
        "ledger_alert",
        sa.Column("number", _INDEX, nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("severity", _WORD, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", _MOMENT, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_alert")),
        sa.UniqueConstraint("rule", "place", name=op.f("uq_ledger_alert_rule")),
    )


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)
