"""Signing in through an upstream platform: a sign-in under way, and what came of it."""

from dataclasses import dataclass, field
from datetime import datetime

from sso.accounts.domain import Person
from sso.signin.domain import Method, Strength


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingUpstream:
    """A sign-in under way. `browser` and `nonce` are SHA-256 digests; `verifier` (RFC 7636) is sealed.

    A person who signed in upstream before `oldest` has to do so again.
    """

    source: str
    browser: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    verifier: bytes = field(repr=False)
    oldest: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOrigin:
    """Which sign-in at which upstream: blind indexes of its subject and, if it named one, of its session."""

    source: str
    subject: bytes = field(repr=False)
    session: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSignIn:
    """A person whom an upstream signed in. `auth_time` is when they proved who they are there.

    `strength` is under the source's ceiling, and `methods` begins with `Method.UPSTREAM` (RFC 8176 has no better).
    """

    person: Person
    strength: Strength
    methods: tuple[Method, ...]
    auth_time: datetime
    origin: UpstreamOrigin
