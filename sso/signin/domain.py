"""Sessions and the strength with which they were opened (authentication, not proofing)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from sso.revocation.domain import Tie, TieKind


class Strength(IntEnum):
    """How surely the one who signs in is the one who registered, weakest first. As `acr`: `urn:yinxin:aal:<number>`."""

    PASSWORD = 1
    ONE_TIME_CODE = 2
    PASSKEY = 3

    @property
    def urn(self) -> str:
        """The strength as `acr` carries it."""
        return f"urn:yinxin:aal:{self.value}"


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
        return frozenset({Tie(TieKind.SESSION, self.id), Tie(TieKind.PERSON, f"{self.person}/{self.person_epoch}")})
