"""The tables of accounts. Moments and days are ISO 8601 text in UTC; names and numbers are sealed to their row."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table

from trust.db import Base

_ID = String(26)
_INDEX = LargeBinary(16)
_MOMENT = String(32)
_DAY = String(10)
_WORD = String(24)
_ACTOR = String(64)
_KIND = String(3)

# `code_index` is the number that the person is shown with; it is unique here as well as in the table of numbers, so
# that a number leads to one account whatever goes wrong.
PERSONS = Table(
    "sso_persons",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("code_index", _INDEX, nullable=False, unique=True),
    Column("sealed_name", LargeBinary, nullable=False),
    Column("name_version", Integer, nullable=False),
    Column("state", _WORD, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("created_at", _MOMENT, nullable=False),
    Column("credentials_from", _MOMENT, nullable=True),
    Column("merged_into", _ID, ForeignKey("sso_persons.id"), nullable=True, index=True),
)
# A number leads to exactly one person: the primary key decides a race between two registrations.
CODES = Table(
    "sso_person_codes",
    Base.metadata,
    Column("code_index", _INDEX, primary_key=True),
    Column("kind", _KIND, nullable=False),
    Column("person", _ID, ForeignKey(PERSONS.c.id), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("added_at", _MOMENT, nullable=False),
)
EVIDENCE = Table(
    "sso_person_evidence",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, ForeignKey(PERSONS.c.id), nullable=False, index=True),
    Column("source", String(80), nullable=False),
    Column("level", Integer, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("name_version", Integer, nullable=False),
    Column("document_kind", _KIND, nullable=True),
    Column("document_expires", _DAY, nullable=True),
    Column("counter", _ACTOR, nullable=True),
    Column("clerk", _ACTOR, nullable=True),
)
CHANGES = Table(
    "sso_person_changes",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, ForeignKey(PERSONS.c.id), nullable=False, index=True),
    Column("act", _WORD, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("requested_by", _ACTOR, nullable=False),
    Column("approved_by", _ACTOR, nullable=True),
    Column("reason", String(200), nullable=True),
    Column("other", _ID, nullable=True),
    Column("sealed_name", LargeBinary, nullable=True),
)
APPLICATIONS = Table(
    "sso_person_applications",
    Base.metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("person", _ID, ForeignKey(PERSONS.c.id), nullable=True),
    Column("expires_at", _MOMENT, nullable=False, index=True),
    Column("used_at", _MOMENT, nullable=True),
)
# `live_for` is the person while the proposal or the office lives, null afterwards: unique, so nobody holds two.
ROLE_GRANTS = Table(
    "sso_role_grants",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, ForeignKey(PERSONS.c.id), nullable=False, index=True),
    Column("role", _WORD, nullable=False),
    Column("proposed_by", _ACTOR, nullable=False),
    Column("proposed_at", _MOMENT, nullable=False),
    Column("approved_by", _ACTOR, nullable=True),
    Column("approved_at", _MOMENT, nullable=True),
    Column("ended_by", _ACTOR, nullable=True),
    Column("ended_at", _MOMENT, nullable=True),
    Column("live_for", _ID, nullable=True, unique=True),
)
# How many acts on accounts a clerk did on a day in China; the conditional update of the row decides a race.
CLERK_DAYS = Table(
    "sso_clerk_days",
    Base.metadata,
    Column("clerk", _ACTOR, primary_key=True),
    Column("day", _DAY, primary_key=True),
    Column("acts", Integer, nullable=False),
)
