"""What the register needs of others; `portal.wiring` plugs the real parts in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sso.accounts.domain import Person
from sso.counters.domain import ChangeState, Clerk, ClerkChange, Counter, Matter
from sso.provider.domain import Client
from trust.kernel.identifiers import Uscc


class Persons(Protocol):
    """The register of persons (`sso.accounts`)."""

    def get(self, person_id: str) -> Person:
        """Return the person; follows no merge. Raises `PersonUnknown`."""
        ...


class Clients(Protocol):
    """The register of systems (`sso.provider`)."""

    def get(self, client_id: str) -> Client:
        """Return the client. Raises `ClientUnknown`."""
        ...


class Types(Protocol):
    """The catalogue of certificate types (`certs.catalogue`)."""

    def get(self, type_code: str, /) -> object:
        """Return the type. Raises `TypeUnknown`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkEntry:
    """A clerk as the register keeps one: the name stays with the person's account, in one place, sealed."""

    id: str
    person: str
    staff_number: str
    authority: Uscc
    counters: frozenset[str]
    epoch: int
    disabled_at: datetime | None

    def named(self, name: str) -> Clerk:
        """Return the clerk."""
        return Clerk(
            id=self.id,
            person=self.person,
            staff_number=self.staff_number,
            name=name,
            authority=self.authority,
            counters=self.counters,
            epoch=self.epoch,
            disabled_at=self.disabled_at,
        )


class CounterStore(Protocol):
    """Where matters and counters are kept."""

    def add_matter(self, matter: Matter, *, at: datetime) -> None:
        """Keep a new matter. Raises `MatterTaken`."""
        ...

    def retire_matter(self, code: str, *, at: datetime) -> None:
        """Take a matter out of force, unless it is already: the first moment stands."""
        ...

    def matter(self, code: str) -> Matter | None:
        """Return the matter, retired ones too, or None."""
        ...

    def matters(self) -> Sequence[Matter]:
        """Return every matter, by code."""
        ...

    def add_counter(self, counter: Counter, *, at: datetime) -> None:
        """Keep a new counter. Raises `CounterNameTaken`."""
        ...

    def put_systems(self, counter_id: str, systems: Collection[str], *, at: datetime) -> Counter:
        """Exchange the systems; one less cuts the ties of the clerks posted there. Raises `CounterUnknown/-Closed`."""
        ...

    def close_counter(self, counter_id: str, *, at: datetime) -> Counter:
        """Close a counter and cut the ties of the clerks posted there, in one commit. Raises `CounterUnknown`."""
        ...

    def counter(self, counter_id: str) -> Counter | None:
        """Return the counter, or None."""
        ...

    def counters(self, authority: Uscc | None) -> Sequence[Counter]:
        """Return the counters of one or of every authority, oldest first."""
        ...


class ClerkStore(Protocol):
    """Where clerks and the requests about them are kept."""

    def clerk(self, clerk_id: str) -> ClerkEntry | None:
        """Return the clerk, or None."""
        ...

    def clerk_of(self, person_id: str) -> ClerkEntry | None:
        """Return the enabled clerk that a person is, or None."""
        ...

    def clerks(self, authority: Uscc | None) -> Sequence[ClerkEntry]:
        """Return the clerks of one or of every authority, oldest first."""
        ...

    def add_change(self, change: ClerkChange) -> None:
        """Keep a request."""
        ...

    def change(self, change_id: str) -> ClerkChange | None:
        """Return the request, or None."""
        ...

    def changes(self, *, clerk: str | None, state: ChangeState | None) -> Sequence[ClerkChange]:
        """Return requests, oldest first."""
        ...

    def refuse(self, change_id: str, *, by: str, at: datetime) -> ClerkChange:
        """Refuse a waiting request. Raises `ChangeUnknown`, `ChangeDecided`."""
        ...

    def approve(self, change_id: str, *, by: str, at: datetime) -> ClerkEntry:
        """Approve a waiting request and carry it out, in one commit with the ties that it cuts.

        Raises `ChangeUnknown`, `ChangeDecided`, `ClerkRegistered`, `ClerkUnknown`, `ClerkDisabled`, `ClerkNotDisabled`,
        `CounterUnknown`, `CounterClosed`, `CounterOfAnotherAuthority`.
        """
        ...
