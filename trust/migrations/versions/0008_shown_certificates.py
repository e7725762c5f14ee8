"""Certificates that their holders show, and the digests of the codes with which they do.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certs_shows",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("identifier", sa.String(length=128), nullable=False),
        sa.Column("session", sa.String(length=26), nullable=False),
        sa.Column("ties", sa.String(length=400), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certs_shows")),
    )
    op.create_index(op.f("ix_certs_shows_ends_at"), "certs_shows", ["ends_at"], unique=False)
    op.create_table(
        "certs_show_codes",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("show", sa.String(length=26), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["show"], ["certs_shows.id"], name=op.f("fk_certs_show_codes_show_certs_shows")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_certs_show_codes")),
    )
    op.create_index(op.f("ix_certs_show_codes_show"), "certs_show_codes", ["show"], unique=False)


def downgrade() -> None:
    op.drop_table("certs_show_codes")
    op.drop_table("certs_shows")
