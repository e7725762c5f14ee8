"""What this package needs from its neighbours and from the network."""

from collections.abc import Mapping
from typing import Any, Protocol

from sso.accounts.domain import Finding, Person, ProofingLevel
from trust.formats.holders import HolderNumber


class UpstreamPersons(Protocol):
    """The register of persons, as far as an upstream may use it (`sso.accounts.service.PersonRegister`)."""

    def find(self, code: HolderNumber) -> Person | None:
        """Return the person with this number, after merges, or None."""
        ...

    def survivor(self, person_id: str) -> Person:
        """Return the account that this one leads to after merges."""
        ...

    def register(self, code: HolderNumber, name: str, *, evidence: Finding | None = None, by: str = ...) -> Person:
        """Register a person with what the upstream says of them. Raises a `Conflict` when the number is taken."""
        ...

    def vouch(self, person_id: str, *, source: str, level: ProofingLevel, ceiling: ProofingLevel = ...) -> Person:
        """Keep what an upstream says; it raises the person's level or changes nothing, and never lowers it."""
        ...


class UpstreamTransport(Protocol):
    """HTTP to one upstream platform; `sso.keycloak.client` implements it."""

    def get(self, address: str) -> Mapping[str, Any]:
        """Return a JSON object. Raises `UpstreamUnavailable`."""
        ...

    def post(self, address: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the JSON answer to a form sent as our client (client_secret_basic).

        Raises `UpstreamUnavailable`, and `UpstreamCodeRefused` for a 4xx answer.
        """
        ...
