"""Applications for relying systems: who asked, what for, who decided.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.String(length=26)
_MOMENT = sa.String(length=32)
_ACTOR = sa.String(length=64)
_REASON = sa.String(length=200)
_WORD = sa.String(length=16)


def upgrade() -> None:
    op.create_table(
        "sso_system_applications",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("client", _ID, nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("why", _REASON, nullable=False),
        sa.Column("requested_by", _ACTOR, nullable=False),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("decided_by", _ACTOR, nullable=True),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("decision_reason", _REASON, nullable=True),
        sa.Column("collected_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_system_applications")),
    )
    for column in ("client", "state"):
        op.create_index(op.f(f"ix_sso_system_applications_{column}"), "sso_system_applications", [column])


def downgrade() -> None:
    op.drop_table("sso_system_applications")
