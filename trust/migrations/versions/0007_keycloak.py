"""Upstream identity sources: sign-ins under way, links, sessions they opened, logout tokens used.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_EXPIRING = ("sso_upstream_logins", "sso_upstream_sessions", "sso_upstream_logouts")


def upgrade() -> None:
    op.create_table(
        "sso_upstream_logins",
        sa.Column("state", sa.LargeBinary(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("browser", sa.LargeBinary(length=32), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=32), nullable=False),
        sa.Column("verifier", sa.LargeBinary(length=128), nullable=False),
        sa.Column("oldest", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_sso_upstream_logins")),
    )
    op.create_table(
        "sso_upstream_links",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("linked_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("source", "subject", name=op.f("pk_sso_upstream_links")),
        sa.UniqueConstraint("source", "person", name=op.f("uq_sso_upstream_links_source")),
    )
    op.create_index(op.f("ix_sso_upstream_links_person"), "sso_upstream_links", ["person"])
    op.create_table(
        "sso_upstream_sessions",
        sa.Column("session", sa.String(length=26), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.LargeBinary(length=16), nullable=False),
        sa.Column("upstream_session", sa.LargeBinary(length=16), nullable=True),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_sso_upstream_sessions")),
    )
    for column in ("subject", "upstream_session"):
        op.create_index(op.f(f"ix_sso_upstream_sessions_{column}"), "sso_upstream_sessions", [column])
    op.create_table(
        "sso_upstream_logouts",
        sa.Column("token", sa.LargeBinary(length=16), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_sso_upstream_logouts")),
    )
    for table in _EXPIRING:
        op.create_index(op.f(f"ix_{table}_expires_at"), table, ["expires_at"])


def downgrade() -> None:
    for table in (*_EXPIRING, "sso_upstream_links"):
        op.drop_table(table)
