"""The composition root: the one place that names every concrete part and plugs them into each other's ports."""

import gc
from dataclasses import dataclass

from apiflask import APIFlask
from flask import Blueprint

from certs.catalogue import Catalogue
from certs.catalogue_routes import blueprint as type_routes
from certs.links import VerificationLinks
from certs.ports import Archive, Workshop
from certs.render import Renderer
from certs.routes import blueprint as certs_routes
from certs.service import CertificateService
from certs.store.authorities import SqlAuthorities
from certs.store.intents import SqlIntents
from certs.store.library import SqlLibrary
from certs.vault import Vault
from portal import telemetry
from portal.factory import Parts, create_app
from portal.foundation import Foundation, closed_on_failure, open_foundation
from portal.ledger_metrics import LedgerCollector, health_routes
from portal.my_pages import KnownNames, MyPages
from portal.oversight import oversight_routes
from portal.people import People, open_people
from portal.person_pages import PersonPages
from portal.provider import Provider, open_provider
from portal.record import Record, open_record, record_routes
from portal.registers import Registers, open_registers
from portal.trust_source import AuthorityTrust
from portal.upstream import open_upstream
from seals.making import MakingPoint
from seals.outlines import digit_fonts, seal_fonts
from seals.service import SealService
from seals.store import SqlSealStore
from sso.accounts.clerk_access import ClerkAccess
from sso.accounts.counter_desk import CounterDesk
from sso.accounts.routes import blueprint as proofing_routes
from sso.counters.routes import blueprint as counter_routes
from sso.keycloak.routes import blueprint as upstream_routes
from sso.keycloak.upstream import UpstreamDesk
from sso.mandates.caller import OwnTokens
from sso.mandates.routes import blueprint as mandate_routes
from sso.passing.routes import blueprint as passing_routes
from sso.provider import sandbox
from sso.provider.applications import ApplicationDesk
from sso.provider.routes import blueprint as provider_routes
from sso.provider.service import ClientRegistry
from sso.provider.store.applications import DatabaseApplicationStore
from sso.provider.store.clients import DatabaseClientStore
from sso.provider.userinfo_routes import blueprint as userinfo_routes
from sso.signin.handing_out import HandOutDesk
from sso.signin.routes import blueprint as recovery_code_routes
from trust.authority.routes import blueprint as authority_routes
from trust.authority.service import AuthorityService
from trust.authority.store import SqlAuthorityStore
from trust.config import Settings, load_settings
from trust.http.rate import RateLimiter
from trust.kernel.errors import NotReady
from trust.keys import KeyInfo, KeyPurpose
from trust.ledger.routes import blueprint as ledger_routes
from trust.typesetting import Typesetter
from verifier.api import Verifier
from verifier.routes import blueprint as verifier_routes


class KeyMissing(NotReady):
    """The installation lacks a key that the service needs."""

    code = "key-missing"
    title = "The installation lacks a key that the service needs."
    title_zh = "系统缺少所需的密钥。"
    remedy = "Run `yinxin init`: it makes the keys that are missing."
    remedy_zh = "请运行 `yinxin init`，补齐缺少的密钥。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Every service of one installation, ready for use."""

    foundation: Foundation
    authority: AuthorityService
    seals: SealService
    making: MakingPoint | None
    certs: CertificateService
    catalogue: Catalogue
    clients: ClientRegistry
    systems: ApplicationDesk
    verifier: Verifier
    people: People
    registers: Registers
    provider: Provider
    upstreams: UpstreamDesk

    def record(self) -> Record:
        """Return what signs and shows checkpoints. Raises `KeyMissing`, `WitnessMisconfigured`."""
        base = self.foundation
        return open_record(base, active_keys(base, KeyPurpose.LEDGER_CHECKPOINT)[0].ref)

    def close(self) -> None:
        """Release what the foundation holds."""
        self.foundation.close()


def active_keys(base: Foundation, purpose: KeyPurpose) -> list[KeyInfo]:
    """Return the active keys of a purpose, newest first. Raises `KeyMissing` when there is none."""
    found = [key for key in base.policies.in_service() if key.purpose is purpose]
    if not found:
        raise KeyMissing(f"There is no active key of the purpose {purpose.value}.", purpose=purpose.value)
    return found[::-1]


def open_installation(
    settings: Settings, foundation: Foundation | None = None, *, operator: bool = False
) -> Installation:
    """Open every service of an initialised installation. Raises `NotReady` errors, each naming what to do.

    Only an operator's commands can make keys and seals; the served application is opened without that (law 9).
    """
    base = foundation or open_foundation(settings)
    with closed_on_failure(base):
        return _wired(base, operator=operator)


def _wired(base: Foundation, *, operator: bool) -> Installation:
    settings = base.settings
    authority = AuthorityService(
        store=SqlAuthorityStore(base.database),
        signer=base.signer,
        clock=base.clock,
        randomness=base.randomness,
        public_url=settings.public_url,
    )
    seal_store = SqlSealStore(base.database)
    making = _making_point(base, authority, seal_store) if operator else None
    seals = SealService(
        store=seal_store, signer=base.signer, clock=base.clock, randomness=base.randomness, making=making
    )
    links = VerificationLinks(base_url=settings.public_url, index=base.index)
    trust = AuthorityTrust(authority, base.clock)
    catalogue = Catalogue.load()
    certs = CertificateService(
        workshop=Workshop(
            types=catalogue,
            renderer=Renderer(Typesetter(settings.font_paths), catalogue),
            sealer=seals,
            verifier=Verifier(trust, base.clock),
        ),
        archive=Archive(
            authorities=SqlAuthorities(base.database),
            intents=SqlIntents(base.database),
            library=SqlLibrary(base.database),
            files=base.files,
        ),
        vault=Vault(cipher=base.fields, index=base.index),
        links=links,
        clock=base.clock,
        randomness=base.randomness,
    )
    clients = ClientRegistry(
        DatabaseClientStore(base.database),
        base.clock,
        base.randomness,
        issuer=settings.public_url.rstrip("/"),
        sandboxes=settings.sandbox_allowed,
    )
    people = open_people(base)
    registers = open_registers(
        base.database,
        persons=people.register,
        clients=clients,
        types=catalogue,
        sources=people.sources,
        clock=base.clock,
        randomness=base.randomness,
    )
    return Installation(
        foundation=base,
        authority=authority,
        seals=seals,
        making=making,
        certs=certs,
        catalogue=catalogue,
        clients=clients,
        systems=ApplicationDesk(
            DatabaseApplicationStore(base.database),
            registry=clients,
            matters=registers.counters,
            types=catalogue,
            clock=base.clock,
            randomness=base.randomness,
        ),
        people=people,
        registers=registers,
        provider=open_provider(base, people, registers),
        upstreams=open_upstream(base, people),
        verifier=Verifier(trust, base.clock, certs, links=links, max_bytes=settings.max_upload_bytes),
    )


def _making_point(base: Foundation, authority: AuthorityService, store: SqlSealStore) -> MakingPoint:
    return MakingPoint(
        store=store,
        signer=base.signer,
        custodian=base.keys.custodian,
        issuer=authority,
        names=seal_fonts(base.settings.font_paths),
        digits=digit_fonts(),
    )


def application(installation: Installation) -> APIFlask:
    """Return the web application over an opened installation. Raises `SandboxPresent`."""
    base = installation.foundation
    settings = base.settings
    sandbox.check_absent(installation.clients.clients(), allowed=settings.sandbox_allowed)
    provider, record = installation.provider, installation.record()
    verifications = RateLimiter(settings.verify_rate_per_minute, base.clock)
    return create_app(
        Parts(
            settings=settings,
            randomness=base.randomness,
            judge=installation.verifier,
            verify_limiter=verifications,
            blueprints=(
                certs_routes(installation.certs, provider.tokens),
                type_routes(installation.catalogue),
                verifier_routes(installation.verifier, verifications),
                ledger_routes(base.ledger, record.checkpointer, base.signer.describe, provider.tokens),
                *record_routes(base, record, provider.tokens),
                oversight_routes(base, provider.tokens),
                health_routes(base.keys.custodian.health, provider.tokens),
                authority_routes(installation.authority, base.clock),
                *_sign_in_routes(installation),
            ),
            checks=(
                ("database", base.database.check),
                ("keys", base.signer.check),
                ("ledger", base.halt.check),
                ("authority", installation.authority.check),
            ),
            person_pages=_person_pages(installation).blueprints,
            collectors=(LedgerCollector(base, record),),
        )
    )


def _sign_in_routes(installation: Installation) -> tuple[Blueprint, ...]:
    base, provider, registers = installation.foundation, installation.provider, installation.registers
    issuer = base.settings.public_url.rstrip("/")
    calls = RateLimiter(base.settings.token_rate_per_minute, base.clock)
    clerks = ClerkAccess(tokens=provider.reader, duty=provider.duty, audience=issuer, proofs=provider.proofs)
    own = OwnTokens(reader=provider.reader, audience=issuer, proofs=provider.proofs)
    people = installation.people
    counter_desk = CounterDesk(
        register=people.register,
        applications=people.applications,
        ways_in=people.sign_ins,
        days=people.clerk_days,
        control=provider.control,
    )
    hand_out_desk = HandOutDesk(people.register, people.sign_ins, people.clerk_days, base.clock)
    return (
        provider_routes(provider.parts),
        userinfo_routes(provider.userinfo, provider.reader, provider.proofs),
        passing_routes(provider.passing, provider.tokens),
        proofing_routes(counter_desk, clerks),
        recovery_code_routes(hand_out_desk, clerks),
        counter_routes(registers.counters, provider.tokens),
        mandate_routes(registers.mandates, registers.representatives, registers.naming, own, calls),
        upstream_routes(installation.upstreams, calls),
    )


def _person_pages(installation: Installation) -> PersonPages:
    return PersonPages(
        base=installation.foundation,
        people=installation.people,
        registers=installation.registers,
        provider=installation.provider,
        upstreams=installation.upstreams,
        mine=my_pages(installation),
        systems=installation.systems,
        clients=installation.clients,
    )


def my_pages(installation: Installation) -> MyPages:
    """Return what the pages of a person's own things stand on."""
    return MyPages(
        base=installation.foundation,
        people=installation.people,
        registers=installation.registers,
        provider=installation.provider,
        certs=installation.certs,
        judge=installation.verifier,
        names=KnownNames(catalogue=installation.catalogue, certs=installation.certs, clients=installation.clients),
    )


def served_application() -> APIFlask:
    """Return the application for a server process; the settings come from the environment."""
    settings = load_settings()
    telemetry.configure_logging(settings.log_level)
    installation = open_installation(settings)
    with closed_on_failure(installation):
        app = application(installation)
    gc.collect()
    gc.freeze()  # what start-up made lives as long as the process: the collector need not walk through it again
    return app
