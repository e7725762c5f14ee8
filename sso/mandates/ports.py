"""What the mandate desk needs of others; `portal.wiring` plugs the real parts in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sso.accounts.domain import Person
from sso.counters.domain import Matter
from sso.mandates.domain import Mandate, MandateOrder
from trust.formats.holders import HolderNumber


class Persons(Protocol):
    """The register of persons (`sso.accounts`)."""

    def get(self, person_id: str) -> Person:
        """Return the person; follows no merge. Raises `PersonUnknown`."""
        ...

    def find(self, code: HolderNumber) -> Person | None:
        """Return whom the number belongs to, or None."""
        ...


class Matters(Protocol):
    """The catalogue of matters (`sso.counters`)."""

    def matter(self, code: str) -> Matter:
        """Return a matter in force. Raises `MatterUnknown`, `MatterRetired`."""
        ...


class RepresentativeSource(Protocol):
    """The register of legal persons, asked who represents an organisation (法定代表人)."""

    def confirms(self, organisation: HolderNumber, *, number: HolderNumber, name: str) -> bool:
        """Whether the person with this number and name is the organisation's present legal representative.

        It compares and never tells: nobody learns a representative's number here. Raises `Unavailable` errors.
        """
        ...


class MandateStore(Protocol):
    """Where mandates are kept. Each method is one unit of work; a withdrawal cuts its ties in the same commit."""

    def put_representative(self, mandate: Mandate, *, order: MandateOrder | None) -> Mandate:
        """Make `mandate` the organisation's only live one of its kind, at its `created_at`, and return it.

        One of the same agent is kept and returned instead; one of another agent is withdrawn, and with it what was
        granted to end with it.
        """
        ...

    def add(self, mandate: Mandate, *, under: str | None, limit: int) -> None:
        """Keep a granted mandate.

        `under` is the id of the legal representative's mandate that entitles the granter; it is locked meanwhile.

        Raises `NotEntitledToGrant` when it has ended, `MandateLimitReached`.
        """
        ...

    def get(self, mandate_id: str) -> Mandate | None:
        """Return the mandate, or None."""
        ...

    def of_agent(self, person_id: str) -> Sequence[Mandate]:
        """Return every mandate that a person ever had, oldest first."""
        ...

    def of_principal(self, person_id: str) -> Sequence[Mandate]:
        """Return every mandate that was ever granted for a person, oldest first."""
        ...

    def representative_of(self, organisation: str) -> Mandate | None:
        """Return the mandate of the present legal representative, or None."""
        ...

    def accept(self, mandate_id: str, *, at: datetime) -> Mandate:
        """Accept an offer. Raises `MandateUnknown`, `MandateWithdrawn`, `MandateExpired`, `MandateOfferLapsed`."""
        ...

    def withdraw(self, mandate_id: str, *, by: str, at: datetime, order: MandateOrder | None = None) -> Mandate:
        """Withdraw a mandate and cut its tie, unless it is withdrawn: the first time stands. Raises `MandateUnknown`.

        Withdrawing a legal representative's takes along what was granted to end with it.
        """
        ...

    def use(self, mandate_id: str, *, case: str, at: datetime) -> Mandate:
        """Use up a one-off mandate for a case; the same case again changes nothing.

        Raises `MandateUnknown`, `MandateNotOneOff`, and as `Mandate.fault`.
        """
        ...

    def orders(self, mandate_id: str) -> Sequence[MandateOrder]:
        """Return what operators did to a mandate, oldest first."""
        ...
