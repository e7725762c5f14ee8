"""Wires the registers behind trust passing: matters, counters, clerks, mandates."""

from collections.abc import Mapping
from dataclasses import dataclass

from sso.accounts.ports import SourceName
from sso.accounts.service import PersonRegister
from sso.accounts.sources import HttpSource
from sso.counters.appointments import ClerkAppointments
from sso.counters.ports import Clients, Types
from sso.counters.service import CounterRegister
from sso.counters.store.clerks import DatabaseClerkStore
from sso.counters.store.counters import DatabaseCounterStore
from sso.mandates.naming import Naming
from sso.mandates.representatives import Representatives
from sso.mandates.service import MandateDesk
from sso.mandates.store import DatabaseMandateStore
from trust.db import Database
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """The registers of one installation."""

    counters: CounterRegister
    appointments: ClerkAppointments
    mandates: MandateDesk
    representatives: Representatives
    naming: Naming


def open_registers(
    database: Database,
    *,
    persons: PersonRegister,
    clients: Clients,
    types: Types,
    sources: Mapping[str, HttpSource],
    clock: Clock,
    randomness: Randomness,
) -> Registers:
    """Return the registers on a database; `sources` are those of `sso.accounts.sources.build_sources`."""
    counter_store, clerk_store = DatabaseCounterStore(database), DatabaseClerkStore(database)
    mandate_store = DatabaseMandateStore(database)
    counters = CounterRegister(
        counters=counter_store,
        clerks=clerk_store,
        persons=persons,
        clients=clients,
        types=types,
        clock=clock,
        randomness=randomness,
    )
    return Registers(
        counters=counters,
        appointments=ClerkAppointments(
            clerks=clerk_store, counters=counter_store, persons=persons, clock=clock, randomness=randomness
        ),
        mandates=MandateDesk(mandate_store, persons=persons, matters=counters, clock=clock, randomness=randomness),
        representatives=Representatives(
            mandate_store,
            persons=persons,
            source=sources.get(SourceName.LEGAL_PERSONS),
            clock=clock,
            randomness=randomness,
        ),
        naming=Naming(persons),
    )
