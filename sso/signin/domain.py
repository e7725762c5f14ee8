"""Sessions and the strength with which they were opened (authentication, not proofing). Pure decisions only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from sso.revocation.domain import Tie, TieKind

_URN = "urn:yinxin:aal:"


class Strength(IntEnum):
    """How surely the one who signs in is the one who registered, weakest first. As `acr`: `urn:yinxin:aal:<number>`.

    `NONE` is no sign-in at all: somebody stood at a counter with a document, and `amr` says so.
    """

    NONE = 0
    PASSWORD = 1
    ONE_TIME_CODE = 2
    PASSKEY = 3

    @property
    def urn(self) -> str:
        """The strength as `acr` carries it."""
        return f"{_URN}{self.value}"

    @classmethod
    def find(cls, urn: str) -> "Strength | None":
        """Return the strength of one of the `acr_values` (OIDC core section 3.1.2.1), or None for a foreign value."""
        return next((strength for strength in SIGN_INS if strength.urn == urn), None)


SIGN_INS: Final = (Strength.PASSWORD, Strength.ONE_TIME_CODE, Strength.PASSKEY)
"""What a sign-in can have, and a system can ask for."""


class Method(StrEnum):
    """What was used (RFC 8176 `amr`)."""

    PASSWORD = "pwd"  # noqa: S105  a name of the RFC
    OTP = "otp"
    PASSKEY = "hwk"
    UPSTREAM = "fed"
    RECOVERY = "mca"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in of one person on one device. The secret in the cookie is never here.

    `auth_time` is when the person last proved who they are; `strength` what they proved it with. `client` is a short
    label of browser and system for the person's own list. `mandate` is None: for whom someone acts is chosen per grant.
    """

    id: str
    person: str
    person_epoch: int
    strength: Strength
    methods: tuple[Method, ...]
    auth_time: datetime
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    client: str
    ended_at: datetime | None = None

    @property
    def ties(self) -> frozenset[Tie]:
        """What every token of this session hangs on."""
        return frozenset({self.tie, Tie(TieKind.PERSON, f"{self.person}/{self.person_epoch}")})

    @property
    def tie(self) -> Tie:
        """The session's own tie: ending the session cuts it."""
        return Tie(TieKind.SESSION, self.id)

    def lives(self, *, now: datetime, idle: timedelta) -> bool:
        """Whether the session was neither ended nor is past its absolute life or its longest pause."""
        return self.ended_at is None and now < self.expires_at and now < self.last_seen_at + idle

    def meets(self, wanted: Strength, *, now: datetime, max_age: timedelta | None = None) -> bool:
        """Whether the sign-in is strong and fresh enough (OIDC core 3.1.2.1 `acr_values`, `max_age`; RFC 9470).

        A `max_age` of zero is met by nothing but a new proof, as with `prompt=login`.
        """
        fresh = max_age is None or now - self.auth_time < max_age
        return self.strength >= wanted and fresh

    def may_be_renewed_by(self, proved: Strength) -> bool:
        """Whether a proof of this strength may renew `auth_time`.

        A weaker one may not: the session would claim its old strength with the time of the weaker proof.
        """
        return proved >= self.strength


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    """How long sessions live: `idle` is the longest pause between two uses, `absolute` the longest life."""

    idle: timedelta
    absolute: timedelta
