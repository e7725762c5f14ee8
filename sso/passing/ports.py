"""What passing trust needs of accounts, registers, mandates, sign-in and the provider; the wiring plugs them in."""

from collections.abc import Sequence
from typing import Protocol

from sso.accounts.domain import Person
from sso.counters.domain import Clerk, Counter, Matter
from sso.mandates.domain import Mandate
from sso.provider.domain import Client
from trust.formats.holders import HolderNumber


class Registers(Protocol):
    """Matters, counters and clerks as they are registered now."""

    def clerk_of(self, person_id: str) -> Clerk | None:
        """Return the clerk that a person is, or None."""
        ...

    def counter(self, counter_id: str) -> Counter:
        """Return a counter. Raises a `NotFound` error."""
        ...

    def matter(self, code: str) -> Matter:
        """Return a matter in force. Raises a `NotFound` error."""
        ...


class Mandates(Protocol):
    """Who may act for whom."""

    def check(self, mandate_id: str, *, agent: str, matter: str | None, case: str | None) -> Mandate:
        """Return the mandate if `agent` may act under it now, in this matter and case. Raises a `TrustError`."""
        ...

    def of_agent(self, agent: str) -> Sequence[Mandate]:
        """Return the mandates by which a person acts for others."""
        ...

    def use_one_off(self, mandate_id: str, case: str) -> object:
        """Use up a one-off mandate for a case; the same case again changes nothing. Its tie is not cut.

        Raises a `TrustError` when another case was quicker.
        """
        ...


class Persons(Protocol):
    """The accounts."""

    def get(self, person_id: str) -> Person:
        """Return a person. Raises `PersonUnknown`."""
        ...

    def find(self, code: HolderNumber) -> Person | None:
        """Return the person of a number, or None."""
        ...

    def codes(self, person_id: str) -> Sequence[HolderNumber]:
        """Return every number that is this person's, those of duplicates merged into it included."""
        ...


class Clients(Protocol):
    """The registered systems."""

    def find(self, client_id: str) -> Client | None:
        """Return a client, or None."""
        ...

    def find_resource(self, resource: str) -> Client | None:
        """Return the client whose registered resource this is, or None."""
        ...


class OneTimeCodes(Protocol):
    """The citizens' one-time codes (RFC 6238)."""

    def check(self, person_id: str, code: str) -> None:
        """Use up a code. Raises a `NotAuthenticated` or `RateLimited` error when it does not hold."""
        ...
