"""What the services of this package need from stores; each method is one unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sso.provider.domain import Client, SecretDigest
from sso.provider.grants import Code, CodeFault, Consent, Grant, Redeemed, RefreshToken
from sso.provider.requests import AuthorizationRequest


class ClientFinder(Protocol):
    """Finds clients."""

    def find(self, client_id: str) -> Client | None:
        """Return the client, or None."""
        ...


class Replay(Protocol):
    """Remembers ids that may be used once (`sso.provider.store.replay`)."""

    def first_use(self, domain: str, *parts: str, until: datetime) -> bool:
        """Return whether this is the first use of the id."""
        ...


class ClientStore(ClientFinder, Protocol):
    """Keeps clients."""

    def add(self, client: Client, secret: SecretDigest) -> None:
        """Keep a new client. Raises `ResourceTaken`."""
        ...

    def find_resource(self, resource: str) -> Client | None:
        """Return the client that tokens with this audience are for, or None."""
        ...

    def find_with_secret(self, client_id: str) -> tuple[Client, SecretDigest] | None:
        """Return the client and the digest of its secret, or None."""
        ...

    def replace_secret(self, client_id: str, secret: SecretDigest) -> None:
        """Exchange the secret of an existing client."""
        ...

    def disable(self, client_id: str, moment: datetime) -> None:
        """Disable an existing client, unless it already is."""
        ...

    def clients(self) -> Sequence[Client]:
        """Return all clients, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRequest:
    """A pending authorization request as it is kept."""

    request: AuthorizationRequest = field(repr=False)
    created_at: datetime
    expires_at: datetime
    seen_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Everything that one approval changes: it happens as a whole or not at all.

    `subject` and `sid` are what the client knows person and session by; `person_tie` is the id of the person's tie;
    `pending` is the digest of the request's id.
    """

    pending: bytes = field(repr=False)
    session: str
    person_tie: str
    grant: Grant
    code: Code
    consent: Consent
    subject: str = field(repr=False)
    sid: str = field(repr=False)


class AuthorizationStore(Protocol):
    """Keeps authorization requests until they are answered."""

    def keep_pending(
        self, digest: bytes, request: AuthorizationRequest, *, created_at: datetime, expires_at: datetime
    ) -> None:
        """Keep a request that waits for a person."""
        ...

    def find_pending(self, digest: bytes) -> KeptRequest | None:
        """Return the waiting request, or None."""
        ...

    def note_seen(self, digest: bytes, session: str) -> None:
        """Note which session is being shown the consent page."""
        ...

    def drop_pending(self, digest: bytes) -> bool:
        """End a waiting request; False when it was over already."""
        ...

    def keep_pushed(
        self, digest: bytes, request: AuthorizationRequest, *, created_at: datetime, expires_at: datetime
    ) -> None:
        """Keep a request that a client pushed."""
        ...

    def take_pushed(self, digest: bytes, client: str, now: datetime) -> AuthorizationRequest | None:
        """Return the client's pushed request and forget it, or None: unknown, taken, expired or another client's."""
        ...

    def approve(self, approval: Approval) -> None:
        """Answer a request. Raises `AuthorizationExpired`, `AuthorizationNotReady` when a tie of it has been cut."""
        ...


class GrantStore(Protocol):
    """Keeps grants, codes and refresh tokens."""

    def redeem(self, digest: bytes, client: str, now: datetime) -> Redeemed | CodeFault:
        """Consume a code of `client`. A replay cuts the tie of its grant in the same commit."""
        ...

    def keep_refresh(self, token: RefreshToken, now: datetime) -> None:
        """Keep the first refresh token of a grant."""
        ...

    def find_refresh(self, digest: bytes) -> RefreshToken | None:
        """Return a refresh token, used ones too, or None."""
        ...

    def rotate(self, old: bytes, new: RefreshToken, now: datetime) -> bool:
        """Exchange a refresh token for its successor. False when it was used before; then the grant's tie is cut."""
        ...

    def is_cut(self, grant: Grant) -> bool:
        """Whether anything that the grant hangs on has ended."""
        ...

    def end(self, grant: Grant, *, reason: str, at: datetime) -> None:
        """Cut the tie of a grant."""
        ...


class ConsentStore(Protocol):
    """Keeps what persons have allowed clients."""

    def remembered(self, person: str, client: str, matter: str | None) -> Consent | None:
        """Return the consent, or None."""
        ...

    def of(self, person: str) -> Sequence[Consent]:
        """Return all consents of a person, newest first."""
        ...

    def withdraw(self, consent_id: str, person: str, at: datetime) -> bool:
        """Forget the consent and cut the ties of all grants that rest on it; False when the person has no such one."""
        ...
