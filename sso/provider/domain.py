"""Clients of departments, and what they may ask for (RFC 6749 section 2)."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sso.provider.errors import ClientLabelInvalid, ScopeUnknown
from trust.kernel.bearer_secrets import secret_digest
from trust.kernel.identifiers import Uscc

LABEL_CHARACTERS = 80
"""Longest name of a client: it must fit a table row and a log line."""


class Scope(StrEnum):
    """The rights that a token can carry (RFC 6749 section 3.3); closed."""

    CERTS_ISSUE = "certs:issue"
    CERTS_READ = "certs:read"
    CERTS_REVOKE = "certs:revoke"
    LEDGER_READ = "ledger:read"
    OPENID = "openid"
    PROFILE = "profile"
    IDENTITY = "identity"  # the number in full: only for systems whose registration says why
    COUNTER_ASSIST = "counter:assist"  # a clerk opens cases and assists citizens
    COUNTERS_READ = "counters:read"  # a department's system reads its own counters and clerks
    MANDATES = "mandates"  # a person's system reads, grants, accepts and withdraws mandates in their name
    OFFLINE_ACCESS = "offline_access"  # refresh tokens (OIDC core section 11); they end with the sign-in all the same
    TOKENS_INTROSPECT = "tokens:introspect"  # judges tokens that are for other systems (RFC 7662)


PERSON_SCOPES = frozenset(
    {
        Scope.OPENID,
        Scope.PROFILE,
        Scope.IDENTITY,
        Scope.CERTS_READ,
        Scope.COUNTER_ASSIST,
        Scope.MANDATES,
        Scope.OFFLINE_ACCESS,
    }
)
"""What a person can consent to."""

OWN_SCOPES = frozenset(Scope) - (PERSON_SCOPES - {Scope.CERTS_READ, Scope.COUNTER_ASSIST})
"""What a client can use for itself, by client credentials; a counter's system reports offline uses with its own.

Not every client: see `Client.own_scopes`.
"""

OWN_API_SCOPES = frozenset({Scope.COUNTER_ASSIST, Scope.MANDATES})
"""Persons' scopes that are of use at this service's own API alone: a token with one of them is for nobody else."""


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


class ClientAuthentication(StrEnum):
    """How a client proves itself at the endpoints (OIDC registration, `token_endpoint_auth_method`).

    `SECRET` admits client_secret_basic and client_secret_post, one at a time.
    """

    SECRET = "client_secret"  # noqa: S105  a method, not a secret
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"  # public clients: PKCE alone


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingSystem:
    """What a client has beside its API rights when people sign in to it; parsed by `sso.provider.registration`.

    `resource` is the audience by which others pass trust to it. `pass_to` are the client ids (or `api`) that it may
    pass trust to. `matters` and `types` bound what it may ask people for. `sector` is the host under which its pairwise
    subjects are computed (OIDC core section 8.1). `jwks` is a JWK set as JSON text, for private_key_jwt.
    """

    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    authentication: ClientAuthentication = ClientAuthentication.SECRET
    jwks: str | None = None
    resource: str = ""
    sector: str = ""
    pass_to: frozenset[str] = frozenset()
    matters: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    signing_algorithm: str = "ES256"
    dpop_required: bool = False
    par_required: bool = False
    contact: str = ""
    sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered business system of one authority. It holds no secret, not even the digest of one.

    `relying` is None for a department's system that only calls the API for itself.
    """

    id: str
    label: str
    authority: Uscc
    scopes: frozenset[Scope]
    created_at: datetime
    disabled_at: datetime | None = None
    relying: RelyingSystem | None = None

    def __post_init__(self) -> None:
        if not (0 < len(self.label) <= LABEL_CHARACTERS) or not self.label.isprintable():
            raise ClientLabelInvalid(f"A name has 1 to {LABEL_CHARACTERS} printable characters.", field="label")
        if not self.scopes:
            raise ScopeUnknown(f"Known scopes are: {SCOPES_TEXT}.", field="scope")

    @property
    def enabled(self) -> bool:
        """Whether the client may obtain and use tokens."""
        return self.disabled_at is None

    @property
    def own_scopes(self) -> frozenset[Scope]:
        """What the client can use for itself, by client credentials.

        A system that people sign in to reads certificates with their tokens alone: with one of its own it would need
        no person, no consent and no matter. A department's system that reads by itself is another client.
        """
        own = self.scopes & OWN_SCOPES
        return own if self.relying is None else own - {Scope.CERTS_READ}


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
        return cls(secret_digest(secret))

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
