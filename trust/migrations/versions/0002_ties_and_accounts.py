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
    op.create_table(
        "sso_persons",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("code_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("name_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("credentials_from", sa.String(length=32), nullable=True),
        sa.Column("merged_into", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(
            ["merged_into"], ["sso_persons.id"], name=op.f("fk_sso_persons_merged_into_sso_persons")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_persons")),
        sa.UniqueConstraint("code_index", name=op.f("uq_sso_persons_code_index")),
    )
    op.create_index(op.f("ix_sso_persons_merged_into"), "sso_persons", ["merged_into"], unique=False)
    op.create_table(
        "sso_person_codes",
        sa.Column("code_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=3), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["sso_persons.id"], name=op.f("fk_sso_person_codes_person_sso_persons")),
        sa.PrimaryKeyConstraint("code_index", name=op.f("pk_sso_person_codes")),
    )
    op.create_index(op.f("ix_sso_person_codes_person"), "sso_person_codes", ["person"], unique=False)
    op.create_table(
        "sso_person_evidence",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("name_version", sa.Integer(), nullable=False),
        sa.Column("document_kind", sa.String(length=3), nullable=True),
        sa.Column("document_expires", sa.String(length=10), nullable=True),
        sa.Column("counter", sa.String(length=64), nullable=True),
        sa.Column("clerk", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["sso_persons.id"], name=op.f("fk_sso_person_evidence_person_sso_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_person_evidence")),
    )
    op.create_index(op.f("ix_sso_person_evidence_person"), "sso_person_evidence", ["person"], unique=False)
    op.create_table(
        "sso_person_changes",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("act", sa.String(length=24), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("other", sa.String(length=26), nullable=True),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["sso_persons.id"], name=op.f("fk_sso_person_changes_person_sso_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_person_changes")),
    )
    op.create_index(op.f("ix_sso_person_changes_person"), "sso_person_changes", ["person"], unique=False)
    op.create_table(
        "sso_person_applications",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=True),
        sa.Column("expires_at", sa.String(length=32), nullable=False),
        sa.Column("used_at", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["person"], ["sso_persons.id"], name=op.f("fk_sso_person_applications_person_sso_persons")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_person_applications")),
    )
    op.create_index(
        op.f("ix_sso_person_applications_expires_at"), "sso_person_applications", ["expires_at"], unique=False
    )
    op.create_table(
        "sso_role_grants",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("person", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", sa.String(length=32), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.Column("approved_at", sa.String(length=32), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("live_for", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["sso_persons.id"], name=op.f("fk_sso_role_grants_person_sso_persons")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_role_grants")),
        sa.UniqueConstraint("live_for", name=op.f("uq_sso_role_grants_live_for")),
    )
    op.create_index(op.f("ix_sso_role_grants_person"), "sso_role_grants", ["person"], unique=False)


def downgrade() -> None:
    for table in (
        "sso_role_grants",
        "sso_person_applications",
        "sso_person_changes",
        "sso_person_evidence",
        "sso_person_codes",
        "sso_persons",
        "sso_cut_ties",
    ):
        op.drop_table(table)
