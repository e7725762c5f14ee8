"""Presence, cases and hops: how trust came to a counter and went on from there."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from sso.counters.domain import shown_clerk
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Strength

MAX_DEPTH: Final = 4
"""Most hops from the citizen's sign-in. No chain of counters met in use is longer; a longer one is a loop."""

PASSED_SECONDS: Final = 600
"""Longest life of a token that was passed on, seconds: minutes, enough for one step of a case at a counter."""

QR_SECONDS: Final = 60
"""Life of the code on the citizen's phone, seconds: long enough to hold it under a scanner, too short to carry away."""

ATTESTED_SECONDS: Final = 120
"""Life of a presence that a clerk attested (one-time code, card), seconds: the counter system exchanges it at once."""

CASE_HOURS: Final = 8
"""Life of a case, hours: one working day; what takes longer is opened again by whoever goes on with it."""


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
    """A citizen's presence, proved once; its code (kept as a digest) is exchanged a single time, until `expires_at`.

    `person_tie` is `Person.tie_id` at that moment. `strength`, `methods`, `auth_time` are what the citizen themselves
    showed: the session's for QR, the one-time code, or nothing but the document. `facts` are what the clerk recorded of
    a card, without its number.
    """

    id: str
    person: str
    person_tie: str
    method: PresenceMethod
    at: datetime
    expires_at: datetime
    strength: Strength
    methods: tuple[str, ...]
    auth_time: datetime
    session: str | None = None  # of the citizen, for QR
    clerk: str | None = None  # who checked the card or took the code
    counter: str | None = None
    facts: str | None = None

    @property
    def ties(self) -> frozenset[Tie]:
        """What a token that begins with this presence hangs on."""
        person = Tie(TieKind.PERSON, self.person_tie)
        return frozenset({person} if self.session is None else {person, Tie(TieKind.SESSION, self.session)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case (办件) that a clerk opened at a counter: the server's own facts for the hops that refer to it.

    `id` is the case number, made by the server. The facts of matter, counter and clerk are those of the registers when
    the case was opened; names of the clerk are masked. `subject` is the one citizen of the case, from the first hop on.
    """

    id: str
    matter: str
    purpose: str
    purpose_zh: str
    types: frozenset[str]
    counter: str
    counter_name: str
    clerk: str
    clerk_person: str
    clerk_tie: str
    clerk_name: str
    clerk_staff: str
    system: str
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None = None
    subject: str | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether hops may still refer to the case at `now`."""
        return self.closed_at is None and now < self.closes_at

    @property
    def ties(self) -> frozenset[Tie]:
        """What every token of the case hangs on."""
        return frozenset({Tie(TieKind.CASE, self.id), Tie(TieKind.CLERK, self.clerk_tie)})

    @property
    def clerk_shown(self) -> str:
        """The clerk as the citizen sees them."""
        return shown_clerk(self.clerk_name, self.clerk_staff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One passing of trust, as it is kept and as the citizen sees it (law 8). All facts are the server's.

    `number` is 1 for the first hop of a chain; `previous` is the hop before it; `link` is the hex SM3 over the previous
    link and this hop's facts. `subject` is the natural person, `represents` the person they act for. `to_system` is a
    client id, or `api`. `counter_name` and `clerk_name` (masked) are kept as they were shown.
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
    purpose_zh: str
    case: str | None
    counter: str | None
    counter_name: str | None
    clerk: str | None
    clerk_name: str | None
    presence_method: PresenceMethod | None
    presence_at: datetime | None
    previous: str | None
    link: str

    @property
    def tie(self) -> Tie:
        """What the token of this hop, and all that follow from it, hang on."""
        return Tie(TieKind.HOP, self.id)


class Place(NamedTuple):
    """Where something happened and who stood there: of a case, or of none when nobody but the citizen was there."""

    case: str | None = None
    counter: str | None = None
    counter_name: str | None = None
    clerk: str | None = None
    clerk_name: str | None = None

    @classmethod
    def of(cls, case: Case | None) -> "Place":
        """Return the place of a case."""
        return cls() if case is None else cls(case.id, case.counter, case.counter_name, case.clerk, case.clerk_shown)


class EventKind(StrEnum):
    """What else a citizen sees beside hops."""

    PRESENCE = "presence"
    PRESENCE_FAILED = "presence-failed"
    INTROSPECTION = "introspection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something at a counter that concerns a citizen and is no hop. `reason` is a short word for the officer."""

    id: str
    person: str
    kind: EventKind
    at: datetime
    system: str
    counter: str | None = None
    counter_name: str | None = None
    clerk: str | None = None
    clerk_name: str | None = None
    hop: str | None = None
    method: PresenceMethod | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """A citizen's objection to a hop, in their own words; it ended what hung on the hop."""

    hop: str
    person: str
    text: str = field(repr=False)
    at: datetime
