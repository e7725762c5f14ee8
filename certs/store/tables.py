"""The tables of the library.

Core tables, not mapped classes: issuing and status checks are the two hottest paths of the service, and each object of
the mapper would cost more than the query that fills it.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)
from typing_extensions import override

from trust.db import Base

_IDENTIFIER = String(128)
_USCC = String(18)
_NAME = String(200)
_CLIENT = String(128)
_WORD = String(16)  # a state, an action, a look
_DIGEST = LargeBinary(16)
_ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only under the name INTEGER


class UtcMoment(TypeDecorator[datetime]):
    """A moment, kept in UTC; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn to UTC before the zone is dropped."""
        return None if value is None else value.astimezone(UTC)

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Name the zone again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


AUTHORITIES = Table(
    "certs_authorities",
    Base.metadata,
    Column("uscc", _USCC, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("name_zh", _NAME, nullable=False),
    Column("region", String(6), nullable=False),
    Column("seal_id", String(64), nullable=False),
    Column("permitted_types", JSON, nullable=False),
)
# One row per identifier ever reserved. Its primary key is what makes an identifier unique; an abandoned row stays, so
# that its identifier is never used again.
INTENTS = Table(
    "certs_intents",
    Base.metadata,
    Column("identifier", _IDENTIFIER, primary_key=True),
    Column("authority", _USCC, nullable=False),
    Column("key_index", _DIGEST, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("client", _CLIENT, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("attempt", String(26), nullable=False),
    Column("lease_until", UtcMoment, nullable=False),
    Column("state", _WORD, nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("reason", String(64), nullable=True),
    UniqueConstraint("authority", "key_index"),
    Index(None, "state", "lease_until"),
)
CERTIFICATES = Table(
    "certs_certificates",
    Base.metadata,
    Column("identifier", _IDENTIFIER, ForeignKey(INTENTS.c.identifier), primary_key=True),
    Column("type_code", String(21), nullable=False),
    Column("authority", _USCC, ForeignKey(AUTHORITIES.c.uscc), nullable=False),
    Column("state", _WORD, nullable=False),
    Column("since", UtcMoment, nullable=False),
    Column("issued_at", UtcMoment, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=True),
    Column("holder_index", _DIGEST, nullable=False, index=True),
    Column("blob", String(255), nullable=False),
    Column("file_sm3", LargeBinary(32), nullable=False),
    Column("supersedes", _IDENTIFIER, nullable=True),
    Column("superseded_by", _IDENTIFIER, nullable=True),
    Column("sealed", LargeBinary, nullable=False),
)
TRANSITIONS = Table(
    "certs_transitions",
    Base.metadata,
    Column("id", _ROW_NUMBER, primary_key=True),
    Column("identifier", _IDENTIFIER, ForeignKey(CERTIFICATES.c.identifier), nullable=False, index=True),
    Column("action", _WORD, nullable=False),
    Column("before", _WORD, nullable=True),
    Column("after", _WORD, nullable=False),
    Column("at", UtcMoment, nullable=False),
    Column("client", _CLIENT, nullable=False),
    Column("reason", String(200), nullable=True),
    Column("requested_by", String(64), nullable=True),
    Column("approved_by", String(64), nullable=True),
)
ACCESSES = Table(
    "certs_accesses",
    Base.metadata,
    Column("id", _ROW_NUMBER, primary_key=True),
    Column("at", UtcMoment, nullable=False),
    Column("client", _CLIENT, nullable=False),
    Column("authority", _USCC, nullable=False),
    Column("look", _WORD, nullable=False),
    Column("purpose", String(200), nullable=False),
    Column("holder_index", _DIGEST, nullable=False, index=True),
    Column("identifier", _IDENTIFIER, nullable=True),
    Column("hop", String(26), nullable=True),
    Column("clerk", String(80), nullable=True),
    Column("counter", _NAME, nullable=True),
)
