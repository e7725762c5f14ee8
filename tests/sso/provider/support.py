"""A signer in memory and a client register on SQLite, assembled as the wiring does."""

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import create_engine, event

from sso.accounts.domain import Evidence, Person
from sso.counters.domain import Clerk, Matter
from sso.mandates.domain import Mandate
from sso.provider.authorize import AuthorizationDesk
from sso.provider.client_auth import ClientAuthenticator
from sso.provider.client_tokens import AccessTokenChecker, TokenIssuer, TokenTerms
from sso.provider.consents import Consents
from sso.provider.domain import Client
from sso.provider.dpop import DpopChecker
from sso.provider.endpoint import TokenEndpoint
from sso.provider.facts import Facts
from sso.provider.granting import Granting
from sso.provider.introspect import Introspection
from sso.provider.issuing import GrantTokens, IdTokenTerms
from sso.provider.keyring import Keyring
from sso.provider.metadata import PAR_PATH, TOKEN_PATH
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.par import PushedRequests
from sso.provider.redemption import Redemption
from sso.provider.revoke import Revocation
from sso.provider.routes import ProviderParts, blueprint
from sso.provider.service import ClientRegistry
from sso.provider.signing import TokenSigner
from sso.provider.store.clients import DatabaseClientStore
from sso.provider.store.consents import DatabaseConsentStore
from sso.provider.store.grants import DatabaseGrantStore
from sso.provider.store.liveness import DatabaseLiveness
from sso.provider.store.replay import DatabaseReplay
from sso.provider.store.requests import DatabaseAuthorizationStore
from sso.provider.subjects import PairwiseSubjects
from sso.provider.tokens import PersonTokenMint, PersonTokenReader, PersonTokenTerms
from sso.provider.userinfo import UserInfo
from sso.provider.userinfo_routes import blueprint as userinfo_blueprint
from sso.revocation.store import DatabaseRevocations
from tests.fakes import MOMENT, CountingRandomness, FixedClock
from trust.db import Base, Database
from trust.http import parsing, problems
from trust.http.rate import RateLimiter
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import NotFound
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState, Signature, SigningRequest
from trust.sealing import BlindIndex, FieldCipher

USCC = "91350100M000100Y43"
ISSUER = "http://127.0.0.1:8080"
TERMS = TokenTerms(issuer=ISSUER, audience=ISSUER + "/api/v1", seconds=600)
RATE = 50


class MemorySigner:
    """Signs with a P-256 key in memory and remembers the requests."""

    def __init__(self, purpose: KeyPurpose = KeyPurpose.TOKEN_SIGNING) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.requests: list[SigningRequest] = []
        self.info = KeyInfo(
            ref=KeyRef("k1"),
            algorithm=Algorithm.ECDSA_P256_SHA256,
            purpose=purpose,
            label="tokens",
            public_key=self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            created_at=MOMENT,
            state=KeyState.ACTIVE,
        )

    def describe(self, key: KeyRef) -> KeyInfo:
        return self.info

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
        assert purpose is self.info.purpose
        self.requests.append(request)
        value = self.private.sign(request.message, ec.ECDSA(hashes.SHA256()))
        return Signature(key=key, algorithm=self.info.algorithm, value=value, ledger_index=len(self.requests) - 1)

    def sign_many(
        self, key: KeyRef, requests: Sequence[SigningRequest], *, purpose: KeyPurpose
    ) -> tuple[Signature, ...]:
        return tuple(self.sign(key, request, purpose=purpose) for request in requests)

    def check(self) -> None:
        pass


class Registers:
    """Persons, mandates, matters and clerks in memory: everything that `Facts` asks for."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.mandates: list[Mandate] = []
        self.matters: dict[str, Matter] = {}
        self.clerks: dict[str, Clerk] = {}

    def get(self, person_id: str) -> Person:
        return self.people[person_id]

    def evidence(self, person_id: str) -> Sequence[Evidence]:
        return ()

    def usable(self, agent: str, matter: str | None, now: datetime) -> list[Mandate]:
        return [mandate for mandate in self.mandates if mandate.agent == agent and mandate.covers(matter, now=now)]

    def matter(self, code: str) -> Matter:
        if code not in self.matters:
            raise MatterGone
        return self.matters[code]

    def clerk_of(self, person_id: str) -> Clerk | None:
        return self.clerks.get(person_id)


class MatterGone(NotFound):
    code = "test-matter-gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    clock: FixedClock
    signer: MemorySigner
    database: Database
    store: DatabaseClientStore
    registry: ClientRegistry
    keyring: Keyring
    tokens: TokenSigner
    issuer: TokenIssuer
    checker: AccessTokenChecker
    authenticator: ClientAuthenticator
    proofs: DpopChecker
    registers: Registers
    revocations: DatabaseRevocations
    consents: Consents
    mint: PersonTokenMint
    reader: PersonTokenReader
    grants: DatabaseGrantStore
    subjects: PairwiseSubjects
    desk: AuthorizationDesk
    parts: ProviderParts

    @property
    def endpoint(self) -> TokenEndpoint:
        return self.parts.token


def quick_database(folder: Path) -> Database:
    """A database that does not wait for the disk: what is tested here is no power cut."""
    path = folder / "sso.sqlite3"
    path.write_bytes(_schema())
    database = Database(f"sqlite:///{path}")
    event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF").close())
    return database


@lru_cache
def _schema() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sso.sqlite3")
        engine = create_engine(f"sqlite:///{path}")
        Base.metadata.create_all(
            engine, tables=[table for name, table in Base.metadata.tables.items() if name.startswith("sso_")]
        )
        engine.dispose()
        return path.read_bytes()


def build(folder: Path, elsewhere: Database | None = None) -> House:
    clock, signer, randomness = FixedClock(), MemorySigner(), CountingRandomness()
    database = elsewhere or quick_database(folder)
    store, liveness = DatabaseClientStore(database), DatabaseLiveness(database)
    cipher, subjects = FieldCipher(bytes(32)), PairwiseSubjects(BlindIndex(bytes(32)))
    keyring = Keyring([signer.info])
    tokens = TokenSigner(signer, keyring)
    issuer = TokenIssuer(TERMS, tokens, clock=clock, randomness=randomness)
    checker = AccessTokenChecker(TERMS, tokens, liveness, clock)
    replay, revocations = DatabaseReplay(database), DatabaseRevocations(database)
    proofs = DpopChecker(replay, clock, issuer=ISSUER)
    authenticator = ClientAuthenticator(store, replay, clock, issuer=ISSUER, token_endpoint=ISSUER + TOKEN_PATH)
    mint = PersonTokenMint(
        PersonTokenTerms(issuer=ISSUER, seconds=300), tokens, subjects, cipher, clock=clock, randomness=randomness
    )
    reader = PersonTokenReader(ISSUER, tokens, cipher, liveness, clock)
    requests, grants = DatabaseAuthorizationStore(database, cipher), DatabaseGrantStore(database, cipher)
    consents = DatabaseConsentStore(database)
    registers = Registers()
    facts = Facts(persons=registers, mandates=registers, matters=registers, clerks=registers)
    granting = Granting(facts, consents, subjects, issuer=ISSUER, clock=clock, randomness=randomness)
    redemption = Redemption(
        grants,
        GrantTokens(IdTokenTerms(issuer=ISSUER, seconds=300), mint, tokens, subjects, clock),
        refresh_seconds=3600,
        clock=clock,
        randomness=randomness,
    )
    parts = ProviderParts(
        issuer=ISSUER,
        token=TokenEndpoint(authenticator, proofs, issuer, redemption, [EchoGrant()], address=ISSUER + TOKEN_PATH),
        par=PushedRequests(
            authenticator, proofs, requests, address=ISSUER + PAR_PATH, clock=clock, randomness=randomness
        ),
        introspection=Introspection(authenticator, tokens, reader, checker, redemption, subjects=subjects),
        revocation=Revocation(authenticator, tokens, redemption, revocations, clock),
        rings=keyring,
        limiter=RateLimiter(RATE, FixedClock()),
    )
    return House(
        clock=clock,
        signer=signer,
        database=database,
        store=store,
        registry=ClientRegistry(store, clock, randomness, issuer=ISSUER),
        keyring=keyring,
        tokens=tokens,
        issuer=issuer,
        checker=checker,
        authenticator=authenticator,
        proofs=proofs,
        registers=registers,
        revocations=revocations,
        consents=Consents(consents, clock),
        mint=mint,
        reader=reader,
        grants=grants,
        subjects=subjects,
        desk=AuthorizationDesk(store, requests, granting, issuer=ISSUER, clock=clock, randomness=randomness),
        parts=parts,
    )


class EchoGrant:
    """An extension grant that says what it was given."""

    grant_type = "urn:example:echo"

    def answer(self, client: Client, form: Mapping[str, str], *, confirmation: str | None) -> Mapping[str, object]:
        if form.get("refuse"):
            raise OAuthRefused("invalid_target", "Refused as asked.")
        return {"client": client.id, "form": dict(form), "confirmation": confirmation}


def application(house: House) -> APIFlask:
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=65536, max_upload_bytes=65536)
    app.register_blueprint(blueprint(house.parts))
    userinfo = UserInfo(house.registers, house.store, house.clock)
    app.register_blueprint(userinfo_blueprint(userinfo, house.reader, house.proofs))
    return app


def encode(value: Mapping[str, object] | bytes) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def claims_of(token: str) -> dict[str, Any]:
    return dict(json.loads(decode(token.split(".")[1])))
