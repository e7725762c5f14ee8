"""Clients of departments, and what they may ask for (RFC 6749 section 2)."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sso.errors import ClientLabelInvalid, ScopeUnknown
from trust.kernel.identifiers import Uscc

LABEL_CHARACTERS = 80
"""Longest name of a client: it must fit a table row and a log line."""

SECRET_BYTES = 32
"""Random bytes of a client secret: 256 bits."""


class Scope(StrEnum):
    """The rights that a token can carry (RFC 6749 section 3.3); closed."""

    CERTS_ISSUE = "certs:issue"
    CERTS_READ = "certs:read"
    CERTS_REVOKE = "certs:revoke"
    LEDGER_READ = "ledger:read"


SCOPES_TEXT = " ".join(Scope)


def parse_scopes(text: str) -> frozenset[Scope]:
    """Return the scopes of a space-separated list. Raises `ScopeUnknown`, also when the list is empty."""
    names = text.split(" ")
    known = {scope.value for scope in Scope}
    if not set(names) <= known:
        raise ScopeUnknown(f"Known scopes are: {SCOPES_TEXT}.", field="scope")
    return frozenset(Scope(name) for name in names)


def scopes_text(scopes: frozenset[Scope]) -> str:
    """Return the scopes as a token and a row hold them: in alphabetical order, space-separated."""
    return " ".join(sorted(scopes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered business system of one authority. It holds no secret, not even the digest of one."""

    id: str
    label: str
    authority: Uscc
    scopes: frozenset[Scope]
    created_at: datetime
    disabled_at: datetime | None = None

    def __post_init__(self) -> None:
        if not (0 < len(self.label) <= LABEL_CHARACTERS) or not self.label.isprintable():
            raise ClientLabelInvalid(f"A name has 1 to {LABEL_CHARACTERS} printable characters.", field="label")
        if not self.scopes:
            raise ScopeUnknown(f"Known scopes are: {SCOPES_TEXT}.", field="scope")

    @property
    def enabled(self) -> bool:
        """Whether the client may obtain and use tokens."""
        return self.disabled_at is None


@dataclass(frozen=True, slots=True)
class SecretDigest:
    """What is kept of a client secret: its SHA-256.

    No slow password hash (Argon2id) is needed: the secret is 256 random bits, so there is nothing to guess, and a
    slow hash on an open endpoint would only help whoever wants to exhaust the server.
    """

    value: bytes

    @classmethod
    def of(cls, secret: str) -> "SecretDigest":
        """Return the digest of `secret`."""
        return cls(hashlib.sha256(secret.encode()).digest())

    def matches(self, secret: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self.value, SecretDigest.of(secret).value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client together with its secret, at the only moment at which the secret is known."""

    client: Client
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A signed access token; `seconds` is its life, `scopes` what was granted."""

    value: str
    seconds: int
    scopes: frozenset[Scope]
