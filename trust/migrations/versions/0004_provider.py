"""Relying systems, authorization requests, grants, codes, refresh tokens, logout.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sso_clients", sa.Column("relying", sa.Text(), nullable=True))
    op.add_column("sso_clients", sa.Column("resource", sa.String(length=200), nullable=True))
    op.create_index(op.f("ix_sso_clients_resource"), "sso_clients", ["resource"], unique=True)
    op.create_table(
        "sso_requests",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("client", sa.String(length=26), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("session", sa.String(length=26), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_requests")),
    )
    op.create_index(op.f("ix_sso_requests_expires_at"), "sso_requests", ["expires_at"])
    op.create_table(
        "sso_grants",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("client", sa.String(length=26), nullable=False),
        sa.Column("session", sa.String(length=26), nullable=False),
        sa.Column("matter", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_grants")),
    )
    op.create_index(op.f("ix_sso_grants_person"), "sso_grants", ["person", "client"])
    op.create_index(op.f("ix_sso_grants_expires_at"), "sso_grants", ["expires_at"])
    op.create_table(
        "sso_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("client", sa.String(length=26), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.String(length=43), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("confirmation", sa.String(length=43), nullable=True),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_codes")),
    )
    op.create_index(op.f("ix_sso_codes_expires_at"), "sso_codes", ["expires_at"])
    op.create_table(
        "sso_refresh_tokens",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("grant_id", sa.String(length=26), nullable=False),
        sa.Column("confirmation", sa.String(length=43), nullable=True),
        sa.Column("issued_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_refresh_tokens")),
    )
    op.create_index(op.f("ix_sso_refresh_tokens_expires_at"), "sso_refresh_tokens", ["expires_at"])
    op.create_table(
        "sso_consents",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("client", sa.String(length=26), nullable=False),
        sa.Column("matter", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("given_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_consents")),
        sa.UniqueConstraint("person", "client", "matter", name=op.f("uq_sso_consents_person")),
    )
    op.create_table(
        "sso_used_ids",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_used_ids")),
    )
    op.create_index(op.f("ix_sso_used_ids_expires_at"), "sso_used_ids", ["expires_at"])
    op.create_table(
        "sso_participants",
        sa.Column("session", sa.String(length=26), nullable=False),
        sa.Column("client", sa.String(length=26), nullable=False),
        sa.Column("session_tie", sa.String(length=80), nullable=False),
        sa.Column("person_tie", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=43), nullable=False),
        sa.Column("sid", sa.String(length=43), nullable=False),
        sa.Column("joined_at", sa.String(length=32), nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.String(length=32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("failure", sa.String(length=80), nullable=True),
        sa.Column("finished_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("session", "client", name=op.f("pk_sso_participants")),
    )
    op.create_index(op.f("ix_sso_participants_session_tie"), "sso_participants", ["session_tie"])
    op.create_index(op.f("ix_sso_participants_person_tie"), "sso_participants", ["person_tie"])
    op.create_index(op.f("ix_sso_participants_joined_at"), "sso_participants", ["joined_at"])
    op.create_index("ix_sso_participants_due", "sso_participants", ["outcome", "due_at"])


def downgrade() -> None:
    op.drop_table("sso_participants")
    op.drop_table("sso_used_ids")
    op.drop_table("sso_consents")
    op.drop_table("sso_refresh_tokens")
    op.drop_table("sso_codes")
    op.drop_table("sso_grants")
    op.drop_table("sso_requests")
    op.drop_index(op.f("ix_sso_clients_resource"), table_name="sso_clients")
    op.drop_column("sso_clients", "resource")
    op.drop_column("sso_clients", "relying")
