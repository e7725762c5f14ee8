"""The first schema.

Works with the previous release still running: it only adds.
"""

import sqlalchemy as sa
from alembic import op

from trust.ledger.append_only import first_statements, removal_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "authority_ca_key",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("spki", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_authority_ca_key")),
        sa.UniqueConstraint("key", name=op.f("uq_authority_ca_key_key")),
    )
    op.create_table(
        "authority_crl",
        sa.Column("issuer", sa.String(length=16), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("this_update", sa.BigInteger(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("issuer", "number", name=op.f("pk_authority_crl")),
    )
    op.create_table(
        "authority_x509",
        sa.Column("serial", sa.String(length=42), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("issuer", sa.String(length=16), nullable=False),
        sa.Column("profile", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=512), nullable=False),
        sa.Column("tbs", sa.LargeBinary(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("principal", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("revocation_reason", sa.String(length=32), nullable=True),
        sa.Column("revocation_requested_by", sa.String(length=200), nullable=True),
        sa.Column("revocation_approved_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_authority_x509")),
        sa.UniqueConstraint("request_id", name=op.f("uq_authority_x509_request_id")),
    )
    with op.batch_alter_table("authority_x509", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_authority_x509_issuer"), ["issuer"], unique=False)

    op.create_table(
        "certs_accesses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("look", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("holder_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("identifier", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certs_accesses")),
    )
    with op.batch_alter_table("certs_accesses", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certs_accesses_holder_index"), ["holder_index"], unique=False)

    op.create_table(
        "certs_authorities",
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("region", sa.String(length=6), nullable=False),
        sa.Column("seal_id", sa.String(length=64), nullable=False),
        sa.Column("permitted_types", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("uscc", name=op.f("pk_certs_authorities")),
    )
    op.create_table(
        "certs_intents",
        sa.Column("identifier", sa.String(length=128), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("key_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempt", sa.String(length=26), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_certs_intents")),
        sa.UniqueConstraint("authority", "key_index", name=op.f("uq_certs_intents_authority")),
    )
    with op.batch_alter_table("certs_intents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certs_intents_state"), ["state", "lease_until"], unique=False)

    op.create_table(
        "ledger_checkpoint",
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_checkpoint")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_leaf",
        sa.Column("idx", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("idx >= 0", name=op.f("ck_ledger_leaf_idx_not_negative")),
        sa.PrimaryKeyConstraint("idx", name=op.f("pk_ledger_leaf")),
    )
    op.create_table(
        "ledger_node",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("level >= 1 AND idx >= 0", name=op.f("ck_ledger_node_above_leaves")),
        sa.PrimaryKeyConstraint("level", "idx", name=op.f("pk_ledger_node")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "seals_maker",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("x509", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seals_maker")),
    )
    op.create_table(
        "seals_seal",
        sa.Column("seal_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=28), nullable=False),
        sa.Column("line", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=13), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("signer_key", sa.String(length=64), nullable=True),
        sa.Column("chain", sa.LargeBinary(), nullable=True),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seal_id", name=op.f("pk_seals_seal")),
        sa.UniqueConstraint("code", name=op.f("uq_seals_seal_code")),
    )
    with op.batch_alter_table("seals_seal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seals_seal_uscc"), ["uscc"], unique=False)

    op.create_table(
        "seals_state_change",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seal_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seals_state_change")),
    )
    with op.batch_alter_table("seals_state_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seals_state_change_seal_id"), ["seal_id"], unique=False)

    op.create_table(
        "sso_clients",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("scopes", sa.String(length=200), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.String(length=32), nullable=False),
        sa.Column("disabled_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_clients")),
    )
    with op.batch_alter_table("sso_clients", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_clients_authority"), ["authority"], unique=False)

    op.create_table(
        "certs_certificates",
        sa.Column("identifier", sa.String(length=128), nullable=False),
        sa.Column("type_code", sa.String(length=21), nullable=False),
        sa.Column("authority", sa.String(length=18), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("holder_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("blob", sa.String(length=255), nullable=False),
        sa.Column("file_sm3", sa.LargeBinary(length=32), nullable=False),
        sa.Column("supersedes", sa.String(length=128), nullable=True),
        sa.Column("superseded_by", sa.String(length=128), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority"], ["certs_authorities.uscc"], name=op.f("fk_certs_certificates_authority_certs_authorities")
        ),
        sa.ForeignKeyConstraint(
            ["identifier"], ["certs_intents.identifier"], name=op.f("fk_certs_certificates_identifier_certs_intents")
        ),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_certs_certificates")),
    )
    with op.batch_alter_table("certs_certificates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certs_certificates_holder_index"), ["holder_index"], unique=False)

    op.create_table(
        "certs_transitions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("identifier", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("requested_by", sa.String(length=64), nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["identifier"],
            ["certs_certificates.identifier"],
            name=op.f("fk_certs_transitions_identifier_certs_certificates"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certs_transitions")),
    )
    with op.batch_alter_table("certs_transitions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certs_transitions_identifier"), ["identifier"], unique=False)

    for statement in first_statements(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("certs_transitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certs_transitions_identifier"))

    op.drop_table("certs_transitions")
    with op.batch_alter_table("certs_certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certs_certificates_holder_index"))

    op.drop_table("certs_certificates")
    with op.batch_alter_table("sso_clients", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sso_clients_authority"))

    op.drop_table("sso_clients")
    with op.batch_alter_table("seals_state_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seals_state_change_seal_id"))

    op.drop_table("seals_state_change")
    with op.batch_alter_table("seals_seal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seals_seal_uscc"))

    op.drop_table("seals_seal")
    op.drop_table("seals_maker")
    op.drop_table("ledger_node")
    op.drop_table("ledger_leaf")
    op.drop_table("ledger_head")
    op.drop_table("ledger_checkpoint")
    with op.batch_alter_table("certs_intents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certs_intents_state"))

    op.drop_table("certs_intents")
    op.drop_table("certs_authorities")
    with op.batch_alter_table("certs_accesses", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certs_accesses_holder_index"))

    op.drop_table("certs_accesses")
    with op.batch_alter_table("authority_x509", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authority_x509_issuer"))

    op.drop_table("authority_x509")
    op.drop_table("authority_crl")
    op.drop_table("authority_ca_key")
    for statement in removal_statements(op.get_bind().dialect.name):
        op.execute(statement)
