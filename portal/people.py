"""Wires accounts and sign-in: who people are, and how they prove it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from portal.foundation import Foundation
from portal.joining import Registration
from sso.accounts.applications import PublicRegistrations
from sso.accounts.clerk_days import ClerkDays
from sso.accounts.proofing import is_upstream
from sso.accounts.roles import RoleDesk
from sso.accounts.service import PersonRegister
from sso.accounts.sources import HttpSource, build_sources
from sso.accounts.store.clerk_days import SqlClerkDays
from sso.accounts.store.persons import SqlPersonStore
from sso.accounts.store.roles import SqlRoleStore
from sso.accounts.vault import Vault
from sso.signin.desk import Site, Workshop
from sso.signin.devices import Device, DeviceTokens
from sso.signin.domain import SessionTerms
from sso.signin.passwords import Argon2idHasher
from sso.signin.service import SignInDesk
from sso.signin.sessions import Sessions
from sso.signin.store.ceremonies import DatabaseCeremonyStore
from sso.signin.store.counter_codes import DatabaseCounterCodes
from sso.signin.store.credentials import DatabaseCredentialStore
from sso.signin.store.sessions import DatabaseSessionStore
from sso.signin.store.throttles import DatabaseBucketStore
from sso.signin.throttle import Throttle


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Accounts, offices and sign-in of one installation."""

    register: PersonRegister
    sources: Mapping[str, HttpSource]
    applications: PublicRegistrations
    roles: RoleDesk
    sessions: Sessions
    sign_ins: SignInDesk
    registration: Registration
    clerk_days: ClerkDays


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterCodes:
    """The citizens' one-time codes as counters use them; a `sso.passing.ports.OneTimeCodes`."""

    sign_ins: SignInDesk

    def check(self, person_id: str, code: str) -> None:
        """Use up a code. Raises as `SignInDesk.use_code`.

        Codes typed at counters are throttled by account alone: with one address for all counters, some citizens who
        mistype, or one clerk, would hold up every other counter.
        """
        self.sign_ins.use_code(person_id, code, Device(address=f"counter of {person_id}", label="counter"))


def open_people(base: Foundation) -> People:
    """Return accounts and sign-in over an opened foundation. Raises when the secret of a source cannot be read."""
    clock, randomness, settings = base.clock, base.randomness, base.settings
    store = SqlPersonStore(base.database)
    sources = build_sources(settings.proofing_sources, clock=clock, randomness=randomness)
    register = PersonRegister(
        store=store,
        vault=Vault(cipher=base.fields, index=base.index),
        sources=sources,
        clock=clock,
        randomness=randomness,
    )
    applications = PublicRegistrations(register=register, store=store, clock=clock, randomness=randomness)
    terms = SessionTerms(
        idle=timedelta(minutes=settings.session_idle_minutes), absolute=timedelta(hours=settings.session_hours)
    )
    sessions = Sessions(DatabaseSessionStore(base.database), terms, clock, randomness)
    workshop = Workshop(
        persons=register,
        credentials=DatabaseCredentialStore(base.database),
        counter_codes=DatabaseCounterCodes(base.database),
        ceremonies=DatabaseCeremonyStore(base.database),
        sessions=sessions,
        throttle=Throttle(DatabaseBucketStore(base.database), base.index, clock),
        devices=DeviceTokens(base.index, randomness),
        hasher=Argon2idHasher(),
        cipher=base.fields,
        index=base.index,
        site=Site.of(settings.public_url),
        clock=clock,
        randomness=randomness,
        recovery_wait=timedelta(hours=settings.recovery_wait_hours),
        enters_elsewhere=lambda person_id: any(is_upstream(piece) for piece in register.evidence(person_id)),
    )
    sign_ins = SignInDesk(workshop)
    return People(
        register=register,
        sources=sources,
        applications=applications,
        roles=RoleDesk(store=SqlRoleStore(base.database), persons=register, clock=clock, randomness=randomness),
        sessions=sessions,
        sign_ins=sign_ins,
        registration=Registration(applications=applications, sign_ins=sign_ins, hasher=workshop.hasher, clock=clock),
        clerk_days=ClerkDays(SqlClerkDays(base.database), most=settings.clerk_acts_per_day, clock=clock),
    )
