"""Credentials, throttling and sessions.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _credentials()
    _ceremonies()
    op.create_table(
        "sso_sessions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("person_epoch", sa.BigInteger(), nullable=False),
        sa.Column("strength", sa.BigInteger(), nullable=False),
        sa.Column("methods", sa.String(length=40), nullable=False),
        sa.Column("auth_time", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("last_seen_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=80), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_sessions")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_sso_sessions_secret_digest")),
    )
    for column in ("person", "last_seen_at", "expires_at"):
        op.create_index(op.f(f"ix_sso_sessions_{column}"), "sso_sessions", [column])


def _credentials() -> None:
    op.create_table(
        "sso_passwords",
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_sso_passwords")),
    )
    op.create_table(
        "sso_totp",
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("confirmed_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_sso_totp")),
    )
    op.create_table(
        "sso_passkeys",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("credential", sa.LargeBinary(length=1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("last_used_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_passkeys")),
        sa.UniqueConstraint("credential", name=op.f("uq_sso_passkeys_credential")),
    )
    op.create_index(op.f("ix_sso_passkeys_person"), "sso_passkeys", ["person"])
    op.create_table(
        "sso_recovery_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=True),
        sa.Column("clerk", sa.String(length=26), nullable=True),
        sa.Column("counter", sa.String(length=64), nullable=True),
        sa.Column("used_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_recovery_codes")),
    )
    op.create_index(op.f("ix_sso_recovery_codes_person"), "sso_recovery_codes", ["person"])


def _ceremonies() -> None:
    op.create_table(
        "sso_signin_attempts",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("session", sa.String(length=26), nullable=True),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_signin_attempts")),
    )
    for column in ("person", "expires_at"):
        op.create_index(op.f(f"ix_sso_signin_attempts_{column}"), "sso_signin_attempts", [column])
    op.create_table(
        "sso_challenges",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("session", sa.String(length=26), nullable=True),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_challenges")),
    )
    op.create_index(op.f("ix_sso_challenges_expires_at"), "sso_challenges", ["expires_at"])
    op.create_table(
        "sso_throttles",
        sa.Column("bucket", sa.LargeBinary(length=16), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("scored_at", sa.String(length=32), nullable=False),
        sa.Column("blocked_until", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_sso_throttles")),
    )
    op.create_index(op.f("ix_sso_throttles_scored_at"), "sso_throttles", ["scored_at"])


def downgrade() -> None:
    for table in (
        "sso_sessions",
        "sso_throttles",
        "sso_challenges",
        "sso_signin_attempts",
        "sso_recovery_codes",
        "sso_passkeys",
        "sso_totp",
        "sso_passwords",
    ):
        op.drop_table(table)
