"""The tables of trust passing: core tables, as an exchange is a hot path. Moments are ISO 8601 text in UTC."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from trust.db import Base

_ID = String(26)
_NAME = String(200)
_CODE = String(64)  # of a matter, a counter, a target
_MOMENT = String(32)
_WORD = String(16)
_SHOWN = String(80)  # a masked clerk
_TIE = String(80)

PRESENCES = Table(
    "sso_presences",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("person", _ID, nullable=False),
    Column("person_tie", _TIE, nullable=False),
    Column("method", _WORD, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("expires_at", _MOMENT, nullable=False),
    Column("strength", Integer, nullable=False),
    Column("methods", String(80), nullable=False),
    Column("auth_time", _MOMENT, nullable=False),
    Column("session", _ID, nullable=True),
    Column("clerk", _ID, nullable=True),
    Column("counter", _CODE, nullable=True),
    Column("facts", Text, nullable=True),
    Column("used_at", _MOMENT, nullable=True),  # also set when the citizen voids the code
    UniqueConstraint("digest"),
    Index(None, "session"),
)
CASES = Table(
    "sso_cases",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("matter", _CODE, nullable=False),
    Column("purpose", _NAME, nullable=False),
    Column("purpose_zh", _NAME, nullable=False),
    Column("types", Text, nullable=False),
    Column("counter", _CODE, nullable=False),
    Column("counter_name", _NAME, nullable=False),
    Column("clerk", _ID, nullable=False),
    Column("clerk_person", _ID, nullable=False),
    Column("clerk_tie", _TIE, nullable=False),
    Column("clerk_name", _SHOWN, nullable=False),
    Column("clerk_staff", _SHOWN, nullable=False),
    Column("system", _ID, nullable=False),
    Column("opened_at", _MOMENT, nullable=False),
    Column("closes_at", _MOMENT, nullable=False),
    Column("closed_at", _MOMENT, nullable=True),
    Column("subject", _ID, nullable=True),
)
HOPS = Table(
    "sso_hops",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("subject", _ID, nullable=False),
    Column("represents", _ID, nullable=True),
    Column("mandate", _ID, nullable=True),
    Column("from_system", _ID, nullable=False),
    Column("to_system", _ID, nullable=False),
    Column("scopes", _NAME, nullable=False),
    Column("channel", _WORD, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("expires_at", _MOMENT, nullable=False),
    Column("matter", _CODE, nullable=True),
    Column("purpose", _NAME, nullable=False),
    Column("purpose_zh", _NAME, nullable=False),
    Column("case", _ID, nullable=True),
    Column("counter", _CODE, nullable=True),
    Column("counter_name", _NAME, nullable=True),
    Column("clerk", _ID, nullable=True),
    Column("clerk_name", _SHOWN, nullable=True),
    Column("presence_method", _WORD, nullable=True),
    Column("presence_at", _MOMENT, nullable=True),
    Column("previous", _ID, nullable=True),
    Column("link", String(64), nullable=False),
    Index(None, "subject"),
    Index(None, "represents"),
)
OBJECTIONS = Table(
    "sso_objections",
    Base.metadata,
    Column("hop", _ID, primary_key=True),
    Column("person", _ID, nullable=False),
    Column("text", _NAME, nullable=False),
    Column("at", _MOMENT, nullable=False),
)
EVENTS = Table(
    "sso_passing_events",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _ID, nullable=False),
    Column("kind", _WORD, nullable=False),
    Column("at", _MOMENT, nullable=False),
    Column("system", _ID, nullable=False),
    Column("counter", _CODE, nullable=True),
    Column("counter_name", _NAME, nullable=True),
    Column("clerk", _ID, nullable=True),
    Column("clerk_name", _SHOWN, nullable=True),
    Column("hop", _ID, nullable=True),
    Column("method", _WORD, nullable=True),
    Column("reason", _CODE, nullable=True),
    Index(None, "person"),
)
# One row per offline assertion; `hop` is set once, when its use is reported back.
ASSERTIONS = Table(
    "sso_offline_assertions",
    Base.metadata,
    Column("id", _ID, primary_key=True),
    Column("client", _ID, nullable=False),
    Column("target", _ID, nullable=False),
    Column("planned", Text, nullable=False),
    Column("hop", _ID, nullable=True),
)
