"""Presence, cases and hops: how trust came to a counter and went on from there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_DEPTH = 4
"""Most hops from the citizen's sign-in. No chain of counters met in use is longer; a longer one is a loop."""


class Channel(StrEnum):
    """Where the citizen is while the hop happens."""

    ONLINE = "online"
    COUNTER = "counter"
    OFFLINE = "offline"  # at a counter without a connection; reconciled later


class PresenceMethod(StrEnum):
    """How a citizen proved to be there."""

    QR = "qr"  # the code of 60 seconds from their own phone
    OTP = "otp"  # their one-time code, typed at the counter
    CARD = "card"  # their document, checked by the clerk and recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A citizen's presence, proved once; its code (kept as a digest) is exchanged a single time, until `expires_at`."""

    id: str
    person: str
    method: PresenceMethod
    at: datetime
    expires_at: datetime
    session: str | None = None  # of the citizen, for QR
    clerk: str | None = None  # who checked the card or took the code
    counter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case (办件) that a clerk opened at a counter: the server's own facts for the hops that refer to it."""

    id: str
    matter: str
    counter: str
    clerk: str
    system: str
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One passing of trust, as it is kept and as the citizen sees it (law 8). All facts are the server's.

    `number` is 1 for the first hop of a chain; `previous` is the hop before it; `link` is the hex SM3 over the previous
    link and this hop's facts. `subject` is the natural person, `represents` the person they act for.
    """

    id: str
    number: int
    subject: str
    represents: str | None
    mandate: str | None
    from_system: str
    to_system: str
    scopes: tuple[str, ...]
    channel: Channel
    at: datetime
    expires_at: datetime
    matter: str | None
    purpose: str
    case: str | None
    counter: str | None
    clerk: str | None
    presence_method: PresenceMethod | None
    presence_at: datetime | None
    previous: str | None
    link: str
