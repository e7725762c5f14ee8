"""The register of matters, counters and clerks: what trust passing asserts, taken from here and never from a caller."""

from collections.abc import Collection, Sequence

import structlog

from sso.counters.domain import Clerk, Counter, Matter
from sso.counters.errors import (
    ClerkUnknown,
    CounterUnknown,
    MatterRetired,
    MatterUnknown,
    SystemUnusable,
)
from sso.counters.ports import ClerkEntry, ClerkStore, Clients, CounterStore, Persons, Types
from trust.kernel.clock import Clock
from trust.kernel.identifiers import Uscc
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

_log = structlog.get_logger("sso.counters")


class CounterRegister:
    """Matters, counters, and who the clerks are. `sso.counters.appointments` changes clerks."""

    def __init__(
        self,
        *,
        counters: CounterStore,
        clerks: ClerkStore,
        persons: Persons,
        clients: Clients,
        types: Types,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._counters = counters
        self._clerks = clerks
        self._persons = persons
        self._clients = clients
        self._types = types
        self._clock = clock
        self._randomness = randomness

    def add_matter(self, matter: Matter) -> Matter:
        """Register a matter; it never changes afterwards.

        Raises `MatterTaken`, and `TypeUnknown` when the catalogue has no such certificate type.
        """
        for code in sorted(matter.types):
            self._types.get(code)
        self._counters.add_matter(matter, at=self._clock.now())
        _log.info("matter registered", matter=matter.code, types=sorted(matter.types))
        return matter

    def retire_matter(self, code: str) -> Matter:
        """Take a matter out of force for good; mandates and logs keep naming it. Raises `MatterUnknown`."""
        self.any_matter(code)
        self._counters.retire_matter(code, at=self._clock.now())
        _log.info("matter retired", matter=code)
        return self.any_matter(code)

    def matter(self, code: str) -> Matter:
        """Return a matter in force. Raises `MatterUnknown`, `MatterRetired`."""
        found = self.any_matter(code)
        if found.retired_at is not None:
            raise MatterRetired(field="matter")
        return found

    def any_matter(self, code: str) -> Matter:
        """Return a matter, a retired one too: for showing what was done. Raises `MatterUnknown`."""
        found = self._counters.matter(code) if _storable(code) else None
        if found is None:
            raise MatterUnknown(field="matter")
        return found

    def matters(self) -> Sequence[Matter]:
        """Return every matter, by code."""
        return self._counters.matters()

    def add_counter(self, *, name: str, authority: str, systems: Collection[str] = ()) -> Counter:
        """Register a counter of the authority with this USCC, with the systems (client ids) that stand on it.

        A system may be another authority's: at integrated counters (综合窗口) it usually is.

        Raises:
            UsccInvalid: `authority` is no unified social credit code.
            ClientUnknown, SystemUnusable, CounterSystemsInvalid: a system is unknown, disabled, or one too many.
            CounterNameTaken: the authority has a counter of this name, closed ones included.
        """
        counter = Counter(
            id=new_id(self._clock, self._randomness),
            name=name,
            authority=Uscc.parse(authority, field="authority"),
            systems=self._usable(systems),
        )
        self._counters.add_counter(counter, at=self._clock.now())
        _log.info("counter registered", counter=counter.id, systems=sorted(counter.systems))
        return counter

    def put_systems(self, counter_id: str, systems: Collection[str]) -> Counter:
        """Say anew which systems stand on a counter.

        When one is taken away, the tokens of all clerks posted there end: they sign in again with what is left.

        Raises `CounterUnknown`, `CounterClosed`, `ClientUnknown`, `SystemUnusable`, `CounterSystemsInvalid`.
        """
        counter = self.counter(counter_id)
        checked = Counter(
            id=counter.id, name=counter.name, authority=counter.authority, systems=self._usable(systems)
        ).systems
        _log.info("counter systems changed", counter=counter_id, systems=sorted(checked))
        return self._counters.put_systems(counter_id, checked, at=self._clock.now())

    def close_counter(self, counter_id: str) -> Counter:
        """Close a counter for good, and end the tokens of the clerks posted there. Raises `CounterUnknown`."""
        self.counter(counter_id)
        closed = self._counters.close_counter(counter_id, at=self._clock.now())
        _log.info("counter closed", counter=counter_id)
        return closed

    def counter(self, counter_id: str) -> Counter:
        """Return a counter, a closed one too. Raises `CounterUnknown`."""
        found = self._counters.counter(counter_id) if _storable(counter_id) else None
        if found is None:
            raise CounterUnknown(field="counter")
        return found

    def counters(self, authority: Uscc | None = None) -> Sequence[Counter]:
        """Return the counters of one or of every authority, oldest first."""
        return self._counters.counters(authority)

    def clerk(self, clerk_id: str) -> Clerk:
        """Return a clerk, a disabled one too. Raises `ClerkUnknown`."""
        found = self._clerks.clerk(clerk_id) if _storable(clerk_id) else None
        if found is None:
            raise ClerkUnknown(field="clerk")
        return self._named(found)

    def clerk_of(self, person_id: str) -> Clerk | None:
        """Return the enabled clerk that a person is, or None."""
        found = self._clerks.clerk_of(person_id)
        return None if found is None else self._named(found)

    def clerks(self, authority: Uscc | None = None) -> Sequence[Clerk]:
        """Return the clerks of one or of every authority, disabled ones too, oldest first."""
        return tuple(map(self._named, self._clerks.clerks(authority)))

    def _named(self, entry: ClerkEntry) -> Clerk:
        return entry.named(self._persons.get(entry.person).name)

    def _usable(self, systems: Collection[str]) -> frozenset[str]:
        for client_id in sorted(systems):
            if not self._clients.get(client_id).enabled:
                raise SystemUnusable(field="systems", client=client_id)
        return frozenset(systems)


def _storable(name: str) -> bool:
    """PostgreSQL refuses a NUL in a text: no row has such a name, so it is simply unknown."""
    return "\x00" not in name
