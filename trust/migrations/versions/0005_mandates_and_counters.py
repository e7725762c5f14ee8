"""Mandates, matters, counters and clerks.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.String(length=26)
_MOMENT = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "sso_matters",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("purpose_zh", sa.String(length=200), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("registered_at", _MOMENT, nullable=False),
        sa.Column("retired_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_sso_matters")),
    )
    op.create_table(
        "sso_counters",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("systems", sa.JSON(), nullable=False),
        sa.Column("registered_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_counters")),
        sa.UniqueConstraint("authority", "name", name=op.f("uq_sso_counters_authority")),
    )
    _clerks()
    _mandates()


def _clerks() -> None:
    op.create_table(
        "sso_clerks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("person", _ID, nullable=False),
        sa.Column("active_person", _ID, nullable=True),
        sa.Column("staff_number", sa.String(length=20), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("counters", sa.JSON(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("registered_at", _MOMENT, nullable=False),
        sa.Column("disabled_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_clerks")),
        sa.UniqueConstraint("active_person", name=op.f("uq_sso_clerks_active_person")),
        sa.UniqueConstraint("authority", "staff_number", name=op.f("uq_sso_clerks_authority")),
    )
    op.create_index(op.f("ix_sso_clerks_person"), "sso_clerks", ["person"])
    op.create_table(
        "sso_clerk_changes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("clerk", _ID, nullable=False),
        sa.Column("person", _ID, nullable=False),
        sa.Column("staff_number", sa.String(length=20), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("counters", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_clerk_changes")),
    )
    op.create_index(op.f("ix_sso_clerk_changes_clerk"), "sso_clerk_changes", ["clerk"])


def _mandates() -> None:
    op.create_table(
        "sso_mandates",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("principal", _ID, nullable=False),
        sa.Column("agent", _ID, nullable=False),
        sa.Column("granted_by", sa.String(length=80), nullable=False),
        sa.Column("matters", sa.JSON(), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("valid_from", _MOMENT, nullable=False),
        sa.Column("valid_until", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("offered_until", _MOMENT, nullable=True),
        sa.Column("accepted_at", _MOMENT, nullable=True),
        sa.Column("ends_with_representative", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", _MOMENT, nullable=True),
        sa.Column("withdrawn_by", sa.String(length=80), nullable=True),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.Column("used_case", sa.String(length=64), nullable=True),
        sa.Column("represents_alone", _ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_mandates")),
        sa.UniqueConstraint("represents_alone", name=op.f("uq_sso_mandates_represents_alone")),
    )
    op.create_index(op.f("ix_sso_mandates_principal"), "sso_mandates", ["principal"])
    op.create_index(op.f("ix_sso_mandates_agent"), "sso_mandates", ["agent"])
    op.create_table(
        "sso_mandate_orders",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mandate", _ID, nullable=False),
        sa.Column("order", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_mandate_orders")),
    )
    op.create_index(op.f("ix_sso_mandate_orders_mandate"), "sso_mandate_orders", ["mandate"])


def downgrade() -> None:
    for table in (
        "sso_mandate_orders",
        "sso_mandates",
        "sso_clerk_changes",
        "sso_clerks",
        "sso_counters",
        "sso_matters",
    ):
        op.drop_table(table)
