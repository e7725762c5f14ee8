"""What the services of this package need from a store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sso.provider.domain import Client, SecretDigest


class ClientStore(Protocol):
    """Keeps clients; each method is one unit of work."""

    def add(self, client: Client, secret: SecretDigest) -> None:
        """Keep a new client."""
        ...

    def find(self, client_id: str) -> Client | None:
        """Return the client, or None."""
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
