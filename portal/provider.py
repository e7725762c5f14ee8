"""Wires the OpenID provider and the passing of trust over accounts, registers and clients."""

from dataclasses import dataclass

from portal.foundation import Foundation
from portal.people import CounterCodes, People
from portal.registers import Registers
from sso.passing.api_access import ApiTokens
from sso.passing.cases import CaseDesk
from sso.passing.control import PresenceControl
from sso.passing.duty import Duty
from sso.passing.exchange import ExchangeParts, TokenExchange
from sso.passing.log import AccessLog
from sso.passing.mandate_rules import MandateRules
from sso.passing.narrowing import Narrowing
from sso.passing.offline import OfflineDesk, OfflineParts
from sso.passing.presence import PresenceDesk
from sso.passing.routes import Desks
from sso.passing.store.cases import SqlCases
from sso.passing.store.hops import SqlHops
from sso.passing.store.offline import SqlAssertions
from sso.passing.store.presences import SqlPresences
from sso.passing.targets import Targets
from sso.provider.authorize import AuthorizationDesk
from sso.provider.backchannel import LogoutDelivery, LogoutTokens
from sso.provider.client_auth import ClientAuthenticator
from sso.provider.client_tokens import AccessTokenChecker, TokenIssuer, TokenTerms
from sso.provider.consents import Consents
from sso.provider.dpop import DpopChecker
from sso.provider.endpoint import TokenEndpoint
from sso.provider.facts import Facts
from sso.provider.granting import Granting
from sso.provider.introspect import Introspection
from sso.provider.issuing import GrantTokens, IdTokenTerms
from sso.provider.keyring import KeyringSource
from sso.provider.logout import LogoutDesk
from sso.provider.metadata import PAR_PATH, TOKEN_PATH
from sso.provider.outbound import OutboundPost, OutboundRules
from sso.provider.par import PushedRequests
from sso.provider.redemption import Redemption
from sso.provider.revoke import Revocation
from sso.provider.routes import ProviderParts
from sso.provider.signing import TokenSigner
from sso.provider.store.clients import DatabaseClientStore
from sso.provider.store.consents import DatabaseConsentStore
from sso.provider.store.grants import DatabaseGrantStore
from sso.provider.store.liveness import DatabaseLiveness
from sso.provider.store.participants import DatabaseParticipants
from sso.provider.store.replay import DatabaseReplay
from sso.provider.store.requests import DatabaseAuthorizationStore
from sso.provider.subjects import PairwiseSubjects
from sso.provider.tokens import PersonTokenMint, PersonTokenReader, PersonTokenTerms
from sso.provider.userinfo import UserInfo
from sso.revocation.store import DatabaseRevocations
from trust.http.access import BoundTokens
from trust.http.rate import RateLimiter


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Everything that issues, judges and passes on tokens, as the routes and pages use it."""

    parts: ProviderParts
    tokens: BoundTokens
    reader: PersonTokenReader
    proofs: DpopChecker
    desk: AuthorizationDesk
    logout: LogoutDesk
    consents: Consents
    userinfo: UserInfo
    deliveries: LogoutDelivery
    passing: Desks
    presence: PresenceDesk
    control: PresenceControl
    log: AccessLog
    duty: Duty


@dataclass(frozen=True, slots=True, kw_only=True)
class _Core:
    """What tokens are made and judged with."""

    issuer: str
    clients: DatabaseClientStore
    signer: TokenSigner
    rings: KeyringSource
    subjects: PairwiseSubjects
    replay: DatabaseReplay
    proofs: DpopChecker
    mint: PersonTokenMint
    reader: PersonTokenReader

    @property
    def audience(self) -> str:
        """The audience of the certificate API."""
        return f"{self.issuer}/api"


def open_provider(base: Foundation, people: People, registers: Registers) -> Provider:
    """Return the provider over an opened foundation."""
    core = _core(base)
    duty = Duty(registers.counters, registers.mandates)
    hops, presences = SqlHops(base.database), SqlPresences(base.database)
    narrowing = Narrowing(registers.counters, core.subjects, clock=base.clock, randomness=base.randomness)
    targets = Targets(core.clients, api_audience=core.audience)
    presence = PresenceDesk(
        store=presences,
        duty=duty,
        persons=people.register,
        codes=CounterCodes(sign_ins=people.sign_ins),
        clock=base.clock,
        randomness=base.randomness,
    )
    exchange = TokenExchange(
        ExchangeParts(
            reader=core.reader,
            mint=core.mint,
            hops=hops,
            duty=duty,
            targets=targets,
            persons=people.register,
            mandates=MandateRules(registers.mandates),
            presences=presence,
            narrowing=narrowing,
        ),
        clock=base.clock,
    )
    systems = _systems(base, core)
    log = AccessLog(hops=hops, events=presences, clients=core.clients, clock=base.clock, randomness=base.randomness)
    return Provider(
        parts=_parts(base, core, systems, exchange, log),
        tokens=BoundTokens(
            ApiTokens(
                systems=systems,
                people=core.reader,
                clients=core.clients,
                persons=people.register,
                registers=registers.counters,
                audience=core.audience,
            ),
            core.proofs,
        ),
        reader=core.reader,
        proofs=core.proofs,
        desk=_desk(base, people, registers, core),
        logout=LogoutDesk(core.clients, people.sessions, core.signer, core.subjects, issuer=core.issuer),
        consents=Consents(DatabaseConsentStore(base.database), base.clock),
        userinfo=UserInfo(people.register, core.clients, base.clock),
        deliveries=_deliveries(base, core),
        passing=_passing(base, core, registers, presence, targets, narrowing, duty),
        presence=presence,
        control=PresenceControl(presences, base.clock),
        log=log,
        duty=duty,
    )


def _core(base: Foundation) -> _Core:
    issuer = base.settings.public_url.rstrip("/")
    clients, subjects = DatabaseClientStore(base.database), PairwiseSubjects(base.index)
    rings = KeyringSource(base.policies.seen_by_services, base.clock)
    signer = TokenSigner(base.signer, rings)
    replay = DatabaseReplay(base.database)
    return _Core(
        issuer=issuer,
        clients=clients,
        signer=signer,
        rings=rings,
        subjects=subjects,
        replay=replay,
        proofs=DpopChecker(replay, base.clock, issuer=issuer),
        mint=PersonTokenMint(
            PersonTokenTerms(issuer=issuer, seconds=base.settings.person_token_seconds),
            signer,
            subjects,
            base.fields,
            clock=base.clock,
            randomness=base.randomness,
        ),
        reader=PersonTokenReader(issuer, signer, base.fields, DatabaseLiveness(base.database), base.clock),
    )


def _terms(base: Foundation, core: _Core) -> TokenTerms:
    return TokenTerms(issuer=core.issuer, audience=core.audience, seconds=base.settings.access_token_seconds)


def _systems(base: Foundation, core: _Core) -> AccessTokenChecker:
    return AccessTokenChecker(_terms(base, core), core.signer, DatabaseLiveness(base.database), base.clock)


def _parts(
    base: Foundation, core: _Core, systems: AccessTokenChecker, exchange: TokenExchange, log: AccessLog
) -> ProviderParts:
    clock, randomness = base.clock, base.randomness
    authenticator = ClientAuthenticator(
        core.clients, core.replay, clock, issuer=core.issuer, token_endpoint=core.issuer + TOKEN_PATH
    )
    id_terms = IdTokenTerms(issuer=core.issuer, seconds=base.settings.id_token_seconds)
    redemption = Redemption(
        DatabaseGrantStore(base.database, base.fields),
        GrantTokens(id_terms, core.mint, core.signer, core.subjects, clock),
        refresh_seconds=base.settings.refresh_token_seconds,
        clock=clock,
        randomness=randomness,
    )
    client_tokens = TokenIssuer(_terms(base, core), core.signer, clock=clock, randomness=randomness)
    requests = DatabaseAuthorizationStore(base.database, base.fields)
    return ProviderParts(
        issuer=core.issuer,
        token=TokenEndpoint(
            authenticator, core.proofs, client_tokens, redemption, (exchange,), address=core.issuer + TOKEN_PATH
        ),
        par=PushedRequests(
            authenticator, core.proofs, requests, address=core.issuer + PAR_PATH, clock=clock, randomness=randomness
        ),
        introspection=Introspection(
            authenticator,
            core.signer,
            core.reader,
            systems,
            redemption,
            subjects=core.subjects,
            note=log.note_introspection,
        ),
        revocation=Revocation(authenticator, core.signer, redemption, DatabaseRevocations(base.database), clock),
        rings=core.rings,
        limiter=RateLimiter(base.settings.token_rate_per_minute, clock),
    )


def _desk(base: Foundation, people: People, registers: Registers, core: _Core) -> AuthorizationDesk:
    facts = Facts(
        persons=people.register,
        mandates=registers.mandates,
        matters=registers.counters,
        clerks=registers.counters,
    )
    granting = Granting(
        facts,
        DatabaseConsentStore(base.database),
        core.subjects,
        issuer=core.issuer,
        clock=base.clock,
        randomness=base.randomness,
    )
    return AuthorizationDesk(
        core.clients,
        DatabaseAuthorizationStore(base.database, base.fields),
        granting,
        issuer=core.issuer,
        clock=base.clock,
        randomness=base.randomness,
    )


def _deliveries(base: Foundation, core: _Core) -> LogoutDelivery:
    rules = OutboundRules(loopback=base.settings.loopback_allowed, networks=base.settings.outbound_networks)
    tokens = LogoutTokens(signer=core.signer, issuer=core.issuer, clock=base.clock, randomness=base.randomness)
    return LogoutDelivery(
        DatabaseParticipants(base.database), core.clients, tokens, OutboundPost(rules), clock=base.clock
    )


def _passing(
    base: Foundation,
    core: _Core,
    registers: Registers,
    presence: PresenceDesk,
    targets: Targets,
    narrowing: Narrowing,
    duty: Duty,
) -> Desks:
    cases = SqlCases(base.database)
    return Desks(
        cases=CaseDesk(
            store=cases,
            duty=duty,
            registers=registers.counters,
            clients=core.clients,
            clock=base.clock,
            randomness=base.randomness,
        ),
        presence=presence,
        offline=OfflineDesk(
            OfflineParts(
                signer=core.signer,
                store=SqlAssertions(base.database),
                cases=cases,
                targets=targets,
                narrowing=narrowing,
                subjects=core.subjects,
            ),
            issuer=core.issuer,
            clock=base.clock,
            randomness=base.randomness,
        ),
        reader=core.reader,
        clients=core.clients,
        proofs=core.proofs,
        audience=core.issuer,
    )
