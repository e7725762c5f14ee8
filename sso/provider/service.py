"""Registering clients and recognising them by their secret."""

from collections.abc import Sequence

import structlog

from sso.provider.domain import LABEL_CHARACTERS, SECRET_BYTES, Client, Registered, SecretDigest, parse_scopes
from sso.provider.errors import ClientDisabled, ClientNotAuthenticated, ClientUnknown
from sso.provider.ports import ClientStore
from trust.kernel.clock import Clock
from trust.kernel.encoding import base64url
from trust.kernel.identifiers import Uscc
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_clear_text

_NO_SECRET = SecretDigest.of("")  # compared with when there is no client, so that the answer takes the same time

_log = structlog.get_logger("sso")


class ClientRegistry:
    """The register of clients. Everything but `authenticate` is for operators."""

    def __init__(self, store: ClientStore, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._clock = clock
        self._randomness = randomness

    def register(self, *, label: str, authority: str, scopes: str) -> Registered:
        """Register a client of the authority with this USCC; `scopes` is a space-separated list.

        Raises:
            UsccInvalid: `authority` is no unified social credit code (its subclasses name the fault).
            ScopeUnknown: a scope is not known.
            ClientLabelInvalid: the name is empty, too long or not printable.
            PersonalNumberInText: the name, which is kept in clear, holds the number of a person.
        """
        client = Client(
            id=new_id(self._clock, self._randomness),
            label=label,
            authority=Uscc.parse(authority, field="authority"),
            scopes=parse_scopes(scopes),
            created_at=self._clock.now(),
        )
        check_clear_text(client.label, field="label", most=LABEL_CHARACTERS)
        secret = self._new_secret()
        self._store.add(client, SecretDigest.of(secret))
        _log.info("client registered", client=client.id, scopes=sorted(client.scopes))
        return Registered(client=client, secret=secret)

    def rotate(self, client_id: str) -> Registered:
        """Give out a new secret; the old one ends at once, tokens that were issued run out by themselves.

        Raises:
            ClientUnknown: no such client.
            ClientDisabled: a disabled client gets no new secret.
        """
        client = self.get(client_id)
        if not client.enabled:
            raise ClientDisabled(field="client")
        secret = self._new_secret()
        self._store.replace_secret(client_id, SecretDigest.of(secret))
        _log.info("client secret rotated", client=client_id)
        return Registered(client=client, secret=secret)

    def disable(self, client_id: str) -> Client:
        """Disable a client for good; its tokens stop working with the next request. Raises `ClientUnknown`."""
        self.get(client_id)
        self._store.disable(client_id, self._clock.now())
        _log.info("client disabled", client=client_id)
        return self.get(client_id)

    def get(self, client_id: str) -> Client:
        """Return the client. Raises `ClientUnknown`."""
        client = self._store.find(client_id)
        if client is None:
            raise ClientUnknown(field="client")
        return client

    def clients(self) -> Sequence[Client]:
        """Return all clients, oldest first."""
        return self._store.clients()

    def authenticate(self, client_id: str, secret: str) -> Client:
        """Return the client that this secret belongs to.

        Unknown, disabled and wrong take the same path and the same error: nobody learns which ids exist.

        Raises:
            ClientNotAuthenticated: for whichever reason.
        """
        # Ids are letters and digits; PostgreSQL fails on a NUL in a text, which would tell one refusal from another.
        found = self._store.find_with_secret(client_id) if client_id.isalnum() else None
        digest = found[1] if found else _NO_SECRET
        matches = digest.matches(secret)
        if found is None or not matches or not found[0].enabled:
            raise ClientNotAuthenticated
        return found[0]

    def _new_secret(self) -> str:
        return base64url(self._randomness.token(SECRET_BYTES))
