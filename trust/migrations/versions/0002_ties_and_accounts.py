"""Accounts, their evidence, and the register of cut ties.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sso_cut_ties",
        sa.Column("tie", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("tie", name=op.f("pk_sso_cut_ties")),
    )
    op.create_index(op.f("ix_sso_cut_ties_at"), "sso_cut_ties", ["at"])


def downgrade() -> None:
    op.drop_table("sso_cut_ties")
