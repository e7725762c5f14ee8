"""What an access token says, and the ports through which others make and read tokens.

The public half of a token is plain claims (RFC 9068); what only this service may know (person, ties, grant) travels in
the claim `ref`, sealed: a token needs no row of its own, and relying systems cannot link people across each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sso.accounts.domain import ProofingLevel
from sso.provider.domain import Client
from sso.revocation.domain import Tie
from sso.signin.domain import Strength


@dataclass(frozen=True, slots=True, kw_only=True)
class Assurance:
    """Two axes kept apart: how the person was proofed, and how they signed in; `methods` is `amr`."""

    level: ProofingLevel
    strength: Strength
    methods: tuple[str, ...]
    auth_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """For whom the subject acts: `person` is the id of the represented; `kind` a `MandateKind`."""

    person: str
    mandate: str
    kind: str
    name: str
    uscc: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenContents:
    """Everything that a person's access token carries, before it is signed and after it was read.

    `client` is the client id that may use the token, `audience` the resource it is for. `person` is the internal id of
    the subject. `act` is the chain of RFC 8693 section 4.1, newest outermost, None at the sign-in; `depth` counts its
    hops and `hop` is the last of them. `matter`, `purpose`, `types` bound what the token is good for; `case`, `clerk`
    name the assisted case. `confirmation` is the JWK thumbprint that the token is bound to (RFC 9449 `cnf.jkt`).
    """

    client: str
    audience: str
    person: str
    grant: str
    session: str | None
    scopes: frozenset[str]
    assurance: Assurance
    ties: frozenset[Tie]
    represents: Representation | None = None
    act: Mapping[str, Any] | None = field(default=None)
    depth: int = 0
    hop: str | None = None
    matter: str | None = None
    purpose: str | None = None
    types: frozenset[str] = frozenset()
    case: str | None = None
    clerk: str | None = None
    confirmation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadToken:
    """An access token that was verified and is alive: all ties hold, its client and its person are active.

    `subject` is the `sub` as it stands in the token: pairwise for the sector of the audience. `claims` are the public
    claims as they were signed.
    """

    jti: str
    subject: str
    issued_at: datetime
    expires_at: datetime
    contents: TokenContents
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MintedToken:
    """A signed access token; `seconds` is its life from now."""

    value: str = field(repr=False)
    jti: str
    seconds: int


class TokenMint(Protocol):
    """Makes persons' access tokens (RFC 9068), through the guarded signer."""

    def mint(self, contents: TokenContents, *, expires_at: datetime, sector: str) -> MintedToken:
        """Return a signed token; `sub` is pairwise for `sector`. The life is capped by the settings."""
        ...


class TokenReader(Protocol):
    """Judges persons' access tokens."""

    def read(self, token: str) -> ReadToken:
        """Return what a living token says.

        Raises `TokenMalformed`, `TokenForeign`, `TokenExpired`, `TokenRevoked`, all `NotAuthenticated`.
        """
        ...


class ExtensionGrant(Protocol):
    """A grant type beside those of RFC 6749 (section 4.5); the token endpoint authenticates the client before."""

    grant_type: str

    def answer(self, client: Client, form: Mapping[str, str], *, confirmation: str | None) -> Mapping[str, object]:
        """Return the members of the token answer. Raises `OAuthRefused`.

        `form` holds each parameter once; `confirmation` is the thumbprint of a DPoP proof that was checked, or None.
        """
        ...
