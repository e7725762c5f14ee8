"""Grants: one consent of one session to one client, the code that opens it and the refresh tokens that prolong it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sso.provider.claims import TokenContents
from sso.provider.domain import Scope
from sso.revocation.domain import Tie, TieKind

CODE_SECONDS: Final = 60  # life of a code: the browser's way to the client and one request from there
CONSENT_DAYS: Final = 180  # how long a consent is remembered: half a year, then the person is asked again


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one person granted to one client, until `expires_at`: the end of the session at the latest.

    `contents` is what its access tokens carry; `sector` computes their `sub`.
    """

    id: str
    contents: TokenContents
    sector: str
    created_at: datetime
    expires_at: datetime

    @property
    def tie(self) -> Tie:
        """What every token of this grant hangs on."""
        return Tie(TieKind.GRANT, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code as it is kept: bound to its client by the grant, to its redirect address, to its challenge.

    `confirmation` is the thumbprint of the DPoP key that alone may redeem it (RFC 9449 section 10), or None.
    """

    digest: bytes = field(repr=False)
    redirect_uri: str
    challenge: str
    nonce: str | None = field(repr=False)
    confirmation: str | None
    expires_at: datetime


class CodeFault(StrEnum):
    """Why a code opens nothing; the client is told none of it."""

    UNKNOWN = "unknown"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemed:
    """A code that was consumed just now, with its grant."""

    code: Code
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """A refresh token as it is kept. `used` says that it was rotated; all of one grant are one family.

    `confirmation` is the thumbprint of the DPoP key of a public client (RFC 9449 section 5), else None.
    """

    digest: bytes = field(repr=False)
    grant: Grant
    confirmation: str | None
    expires_at: datetime
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What a person has allowed a client, and is not asked again until `expires_at`.

    `types` are the certificate types that were named when it was given: whatever is added later is asked for.
    """

    id: str
    person: str
    client: str
    matter: str | None
    scopes: frozenset[Scope]
    given_at: datetime
    expires_at: datetime
    types: frozenset[str] = frozenset()
