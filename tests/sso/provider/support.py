"""A signer in memory and a client register on SQLite, assembled as the wiring does."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sso.provider.endpoint import TokenEndpoint
from sso.provider.keyring import Keyring
from sso.provider.service import ClientRegistry
from sso.provider.signing import TokenSigner
from sso.provider.store.clients import ClientRow, DatabaseClientStore
from sso.provider.tokens import AccessTokenChecker, TokenIssuer, TokenTerms
from tests.fakes import MOMENT, CountingRandomness, FixedClock
from trust.db import Database
from trust.kernel.algorithms import Algorithm
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState, Signature, SigningRequest

USCC = "91350100M000100Y43"
ISSUER = "http://127.0.0.1:8080"
TERMS = TokenTerms(issuer=ISSUER, audience=ISSUER + "/api/v1", seconds=600)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    clock: FixedClock
    signer: MemorySigner
    database: Database
    store: DatabaseClientStore
    registry: ClientRegistry
    keyring: Keyring
    issuer: TokenIssuer
    checker: AccessTokenChecker
    endpoint: TokenEndpoint


def build(folder: Path) -> House:
    clock, signer, randomness = FixedClock(), MemorySigner(), CountingRandomness()
    database = Database(f"sqlite:///{folder / 'sso.sqlite3'}")
    ClientRow.metadata.create_all(database.engine, tables=[ClientRow.__table__])
    store = DatabaseClientStore(database)
    registry = ClientRegistry(store, clock, randomness)
    keyring = Keyring([signer.info])
    tokens = TokenSigner(signer, keyring)
    issuer = TokenIssuer(TERMS, tokens, clock=clock, randomness=randomness)
    return House(
        clock=clock,
        signer=signer,
        database=database,
        store=store,
        registry=registry,
        keyring=keyring,
        issuer=issuer,
        checker=AccessTokenChecker(TERMS, tokens, store, clock),
        endpoint=TokenEndpoint(registry, issuer, address=ISSUER + "/oauth/token"),
    )


def encode(value: Mapping[str, object] | bytes) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
