"""What the tests of the provider's edges share: keys of both algorithms, JWTs of clients, a database of tables."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from sso.provider.domain import Client, RelyingSystem, Scope, SecretDigest
from tests.fakes import MOMENT
from trust.db import Base, Database
from trust.gm import sm2
from trust.kernel.algorithms import Algorithm
from trust.kernel.identifiers import Uscc
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState, Signature, SigningRequest

USCC = "91350100M000100Y43"
CLIENT_SECRET = "s3cret"
LONG_AGO = MOMENT - timedelta(days=1)


class TwoAlgorithmSigner:
    """Signs with P-256 and SM2 keys in memory; `requests` are what the guard would have put into the ledger."""

    def __init__(self) -> None:
        self.requests: list[SigningRequest] = []
        self.calls = 0
        self._private: dict[KeyRef, ec.EllipticCurvePrivateKey | sm2.PrivateKey] = {}
        self.infos: list[KeyInfo] = []

    def make(self, algorithm: Algorithm, created_at: datetime = LONG_AGO, **changes: Any) -> KeyInfo:
        private: ec.EllipticCurvePrivateKey | sm2.PrivateKey
        if algorithm is Algorithm.SM2_SM3:
            private = sm2.PrivateKey.generate()
            public = private.public_key.spki
        else:
            private = ec.generate_private_key(ec.SECP256R1())
            public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ref = KeyRef(f"k{len(self.infos)}")
        self._private[ref] = private
        facts = {"purpose": KeyPurpose.TOKEN_SIGNING, "state": KeyState.ACTIVE, "label": "tokens"} | changes
        info = KeyInfo(ref=ref, algorithm=algorithm, public_key=public, created_at=created_at, **facts)
        self.infos.append(info)
        return info

    def raw(self, ref: KeyRef, message: bytes) -> bytes:
        private = self._private[ref]
        if isinstance(private, sm2.PrivateKey):
            return private.sign(message)
        return private.sign(message, ec.ECDSA(hashes.SHA256()))

    def describe(self, key: KeyRef) -> KeyInfo:
        return next(info for info in self.infos if info.ref == key)

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
        return self.sign_many(key, (request,), purpose=purpose)[0]

    def sign_many(
        self, key: KeyRef, requests: Sequence[SigningRequest], *, purpose: KeyPurpose
    ) -> tuple[Signature, ...]:
        assert purpose is KeyPurpose.TOKEN_SIGNING
        self.calls += 1
        self.requests.extend(requests)
        algorithm = self.describe(key).algorithm
        return tuple(
            Signature(key=key, algorithm=algorithm, value=self.raw(key, request.message), ledger_index=0)
            for request in requests
        )

    def check(self) -> None:
        pass


class MemoryReplay:
    """Ids that may be used once, in memory."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, ...], datetime] = {}

    def first_use(self, domain: str, *parts: str, until: datetime) -> bool:
        if (domain, *parts) in self.used:
            return False
        self.used[domain, *parts] = until
        return True


class MemoryClients:
    """The register of clients, in memory."""

    def __init__(self, *clients: Client) -> None:
        self._clients = {client.id: client for client in clients}
        self._secret = SecretDigest.of(CLIENT_SECRET)

    def find(self, client_id: str) -> Client | None:
        return self._clients.get(client_id)

    def find_with_secret(self, client_id: str) -> tuple[Client, SecretDigest] | None:
        client = self._clients.get(client_id)
        return client and (client, self._secret)


def relying_client(identifier: str = "01RP", *, disabled: bool = False, **relying: Any) -> Client:
    return Client(
        id=identifier,
        label="Counter system",
        authority=Uscc.parse(USCC),
        scopes=frozenset({Scope.OPENID, Scope.PROFILE, Scope.IDENTITY}),
        created_at=MOMENT,
        disabled_at=MOMENT if disabled else None,
        relying=RelyingSystem(sector="rp.example", **relying),
    )


def signed(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, key: ECKey | RSAKey) -> str:
    """Sign anything as a client would."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims)
    registry = jws.JWSRegistry(algorithms=["ES256", "RS256", "PS256", "ES384", "HS256"], strict_check_header=False)
    registry.max_header_length = 8192
    return jws.serialize_compact(dict(header), payload, key, registry=registry)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token_hash(token: str) -> str:
    return b64(hashlib.sha256(token.encode()).digest())


def database_of(folder: Path, *tables: str) -> Database:
    database = Database(f"sqlite:///{folder / 'edges.sqlite3'}")
    Base.metadata.create_all(database.engine, tables=[Base.metadata.tables[name] for name in tables])
    return database
