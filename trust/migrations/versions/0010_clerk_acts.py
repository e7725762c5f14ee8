"""Acts of clerks on accounts: codes that wait, how often a clerk acts in a day; consents name certificate types.

Works with the previous release still running: it only adds, and what that release writes is read as before. A code that
it hands out while both run is good at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.String(length=26)
_MOMENT = sa.String(length=32)
_CODES = "sso_recovery_codes"
_ADDED = ("id", "good_from", "released_by", "cancelled_at")


def upgrade() -> None:
    op.add_column(_CODES, sa.Column("id", _ID, nullable=True))
    op.add_column(_CODES, sa.Column("good_from", _MOMENT, nullable=True))
    op.add_column(_CODES, sa.Column("released_by", _ID, nullable=True))
    op.add_column(_CODES, sa.Column("cancelled_at", _MOMENT, nullable=True))
    op.create_index(op.f("ix_sso_recovery_codes_id"), _CODES, ["id"], unique=True)
    op.add_column("sso_consents", sa.Column("types", sa.Text(), nullable=True))
    op.create_table(
        "sso_clerk_days",
        sa.Column("clerk", sa.String(length=64), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("acts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("clerk", "day", name=op.f("pk_sso_clerk_days")),
    )


def downgrade() -> None:
    op.drop_table("sso_clerk_days")
    with op.batch_alter_table("sso_consents") as table:
        table.drop_column("types")
    op.drop_index(op.f("ix_sso_recovery_codes_id"), _CODES)
    with op.batch_alter_table(_CODES) as table:
        for name in reversed(_ADDED):
            table.drop_column(name)
