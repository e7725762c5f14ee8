"""Presence, cases, hops and offline assertions; the looks at certificates name hop, clerk and counter.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sso_presences",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("person_tie", sa.String(length=80), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("strength", sa.Integer(), nullable=False),
        sa.Column("methods", sa.String(length=80), nullable=False),
        sa.Column("auth_time", sa.String(length=32), nullable=False),
        sa.Column("session", sa.String(length=26), nullable=True),
        sa.Column("clerk", sa.String(length=26), nullable=True),
        sa.Column("counter", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("used_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_presences")),
        sa.UniqueConstraint("digest", name=op.f("uq_sso_presences_digest")),
    )
    op.create_index(op.f("ix_sso_presences_session"), "sso_presences", ["session"], unique=False)
    op.create_table(
        "sso_cases",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("matter", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("purpose_zh", sa.String(length=200), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("counter", sa.String(length=64), nullable=False),
        sa.Column("counter_name", sa.String(length=200), nullable=False),
        sa.Column("clerk", sa.String(length=26), nullable=False),
        sa.Column("clerk_person", sa.String(length=26), nullable=False),
        sa.Column("clerk_tie", sa.String(length=80), nullable=False),
        sa.Column("clerk_name", sa.String(length=80), nullable=False),
        sa.Column("clerk_staff", sa.String(length=80), nullable=False),
        sa.Column("system", sa.String(length=26), nullable=False),
        sa.Column("opened_at", sa.String(length=32), nullable=False),
        sa.Column("closes_at", sa.String(length=32), nullable=False),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.Column("subject", sa.String(length=26), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_cases")),
    )
    op.create_table(
        "sso_hops",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=26), nullable=False),
        sa.Column("represents", sa.String(length=26), nullable=True),
        sa.Column("mandate", sa.String(length=26), nullable=True),
        sa.Column("from_system", sa.String(length=26), nullable=False),
        sa.Column("to_system", sa.String(length=26), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("matter", sa.String(length=64), nullable=True),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("purpose_zh", sa.String(length=200), nullable=False),
        sa.Column("case", sa.String(length=26), nullable=True),
        sa.Column("counter", sa.String(length=64), nullable=True),
        sa.Column("counter_name", sa.String(length=200), nullable=True),
        sa.Column("clerk", sa.String(length=26), nullable=True),
        sa.Column("clerk_name", sa.String(length=80), nullable=True),
        sa.Column("presence_method", sa.String(length=16), nullable=True),
        sa.Column("presence_at", sa.String(length=32), nullable=True),
        sa.Column("previous", sa.String(length=26), nullable=True),
        sa.Column("link", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_hops")),
    )
    op.create_index(op.f("ix_sso_hops_represents"), "sso_hops", ["represents"], unique=False)
    op.create_index(op.f("ix_sso_hops_subject"), "sso_hops", ["subject"], unique=False)
    op.create_table(
        "sso_objections",
        sa.Column("hop", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("hop", name=op.f("pk_sso_objections")),
    )
    op.create_table(
        "sso_passing_events",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("system", sa.String(length=26), nullable=False),
        sa.Column("counter", sa.String(length=64), nullable=True),
        sa.Column("counter_name", sa.String(length=200), nullable=True),
        sa.Column("clerk", sa.String(length=26), nullable=True),
        sa.Column("clerk_name", sa.String(length=80), nullable=True),
        sa.Column("hop", sa.String(length=26), nullable=True),
        sa.Column("method", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_passing_events")),
    )
    op.create_index(op.f("ix_sso_passing_events_person"), "sso_passing_events", ["person"], unique=False)
    op.create_table(
        "sso_offline_assertions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("client", sa.String(length=26), nullable=False),
        sa.Column("target", sa.String(length=26), nullable=False),
        sa.Column("planned", sa.Text(), nullable=False),
        sa.Column("hop", sa.String(length=26), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_offline_assertions")),
    )
    with op.batch_alter_table("certs_accesses", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hop", sa.String(length=26), nullable=True))
        batch_op.add_column(sa.Column("clerk", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("counter", sa.String(length=200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("certs_accesses", schema=None) as batch_op:
        batch_op.drop_column("counter")
        batch_op.drop_column("clerk")
        batch_op.drop_column("hop")
    op.drop_table("sso_offline_assertions")
    op.drop_index(op.f("ix_sso_passing_events_person"), table_name="sso_passing_events")
    op.drop_table("sso_passing_events")
    op.drop_table("sso_objections")
    op.drop_index(op.f("ix_sso_hops_represents"), table_name="sso_hops")
    op.drop_index(op.f("ix_sso_hops_subject"), table_name="sso_hops")
    op.drop_table("sso_hops")
    op.drop_table("sso_cases")
    op.drop_index(op.f("ix_sso_presences_session"), table_name="sso_presences")
    op.drop_table("sso_presences")
