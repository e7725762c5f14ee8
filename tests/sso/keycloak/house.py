"""The desk for upstream sign-in over the real register of persons on SQLite, with upstreams in memory or real ones."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from sso.accounts.service import PersonRegister
from sso.accounts.store.persons import SqlPersonStore
from sso.accounts.vault import Vault
from sso.keycloak.acceptance import Acceptance
from sso.keycloak.domain import UpstreamSignIn
from sso.keycloak.errors import UpstreamCodeRefused
from sso.keycloak.sources import UpstreamSource, read_sources
from sso.keycloak.store import DatabaseUpstreamStore
from sso.keycloak.upstream import UpstreamDesk
from sso.keycloak.upstream_provider import UpstreamProvider
from sso.revocation.store import DatabaseRevocations
from tests.fakes import FixedClock
from trust.db import Base, Database
from trust.kernel.clock import Clock
from trust.kernel.randomness import SystemRandomness
from trust.sealing import BlindIndex, FieldCipher

NUMBER = "11010519491231002X"  # the specimen of GB 11643
OTHER_NUMBER = "440524188001010014"  # the second specimen there
NAME = "张三"
ISSUER = "https://sso.province.example.gov.cn/realms/province"
PUBLIC_URL = "https://zz.example.gov.cn"
BROWSER = "the secret of one browser"
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
KEYS = {"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]}

Toml = str | int | bool | Mapping[str, Any]


def source_file(folder: Path, **changes: Toml) -> Path:
    """A file with one source named province; a table in `changes` replaces one."""
    secret = folder / "province.secret"
    secret.write_text(str(changes.pop("secret", "the secret\n")))
    secret.chmod(0o600)
    entry: dict[str, Any] = {
        "title": "Provincial platform",
        "title_zh": "省统一身份认证平台",
        "issuer": ISSUER,
        "client_id": "yinxin",
        "secret_file": "province.secret",
        "level_ceiling": 2,
        "strength_ceiling": 2,
    }
    path = folder / "upstream.toml"
    path.write_text(_toml("sources.province", entry | changes), "utf-8")
    return path


def source(folder: Path, **changes: Toml) -> UpstreamSource:
    (read,) = read_sources(source_file(folder, **changes))
    return read


def _toml(name: str, table: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{name}]", *(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in plain.items())]
    below = [_toml(f"{name}.{key}", value) for key, value in table.items() if isinstance(value, Mapping)]
    return "\n".join(lines + below) + "\n"


class MemoryUpstream:
    """An upstream platform: answers discovery, keys and the token endpoint, and signs what it is told to sign."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self.metadata: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/auth",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/certs",
            "authorization_response_iss_parameter_supported": True,
        }
        self.keys: dict[str, Any] = KEYS
        self.gets: list[str] = []
        self.forms: list[Mapping[str, str]] = []
        self.answer: Callable[[], Mapping[str, Any]] = dict

    def get(self, address: str) -> Mapping[str, Any]:
        self.gets.append(address)
        return self.keys if address.endswith("/certs") else self.metadata

    def post(self, address: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        assert address == f"{self.issuer}/token"
        self.forms.append(form)
        if form["code"] != "a good code":
            raise UpstreamCodeRefused(error="invalid_grant")
        return self.answer()


def signed(claims: Mapping[str, Any], key: RSAKey | ECKey = RSA, **header: Any) -> str:
    """A compact JWS; a header member of None is left out."""
    members = {"alg": "RS256" if key is RSA else "ES256", "typ": "JWT", "kid": key.kid} | header
    members = {name: value for name, value in members.items() if value is not None}
    return str(jws.serialize_compact(members, json.dumps(claims), key, algorithms=["RS256", "PS256", "ES256"]))


def at_hash(access_token: str) -> str:
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


@dataclass(kw_only=True)
class House:
    clock: Clock
    database: Database
    persons: PersonRegister
    store: DatabaseUpstreamStore
    desk: UpstreamDesk
    revocations: DatabaseRevocations
    upstreams: dict[str, MemoryUpstream] = field(default_factory=dict)

    @property
    def moment(self) -> int:
        return int(self.clock.now().timestamp())

    @property
    def upstream(self) -> MemoryUpstream:
        return self.upstreams["province"]

    def begun(self, name: str = "province", **options: bool) -> dict[str, str]:
        """Begin, and return the parameters that the upstream was sent."""
        address = urlsplit(self.desk.begin(name, BROWSER, **options))
        return {key: values[0] for key, values in parse_qs(address.query, strict_parsing=True).items()}

    def claims(self, asked: Mapping[str, str], **changes: Any) -> dict[str, Any]:
        """The claims of a good id_token; a change of None takes the claim away."""
        claims = {
            "iss": self.upstream.issuer,
            "aud": "yinxin",
            "azp": "yinxin",
            "sub": "7c0a4d34-0000-4000-8000-000000000001",
            "sid": "s1",
            "nonce": asked["nonce"],
            "iat": self.moment,
            "exp": self.moment + 300,
            "auth_time": self.moment - 5,
            "acr": "1",
            "amr": ["pwd", "face"],
            "at_hash": at_hash("an access token"),
            "holder_kind": "111",
            "holder_number": NUMBER,
            "name": NAME,
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def returned(self, asked: Mapping[str, str], **changes: str) -> dict[str, list[str]]:
        """What the browser brings back."""
        answer = {"code": "a good code", "state": asked["state"], "iss": self.upstream.issuer} | changes
        return {name: [value] for name, value in answer.items()}

    def sign_in(self, **changes: Any) -> UpstreamSignIn:
        """A whole sign-in in which the upstream gives these claims."""
        asked = self.begun()
        token = signed(self.claims(asked, **changes))
        self.upstream.answer = lambda: {"id_token": token, "access_token": "an access token"}
        return self.desk.finish("province", self.returned(asked), BROWSER)


def _own(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'upstream.sqlite3'}")
    Base.metadata.create_all(
        database.engine, tables=[t for n, t in Base.metadata.tables.items() if n.startswith("sso_")]
    )
    return database


def build(
    folder: Path,
    providers: Sequence[UpstreamProvider],
    *,
    public_url: str = PUBLIC_URL,
    clock: Clock | None = None,
    elsewhere: Database | None = None,
) -> House:
    """Assemble the desk before these upstreams."""
    clock, randomness = clock or FixedClock(), SystemRandomness()
    database = elsewhere or _own(folder)
    cipher, index = FieldCipher(b"c" * 32), BlindIndex(b"i" * 32)
    persons = PersonRegister(
        store=SqlPersonStore(database),
        vault=Vault(cipher=cipher, index=index),
        sources={},
        clock=clock,
        randomness=randomness,
    )
    store = DatabaseUpstreamStore(database)
    known = {each.source.name: each.transport for each in providers}
    return House(
        clock=clock,
        database=database,
        persons=persons,
        store=store,
        desk=UpstreamDesk(
            providers,
            store,
            Acceptance(persons, store, clock),
            vault=(cipher, index),
            clock=clock,
            randomness=randomness,
            public_url=public_url,
        ),
        revocations=DatabaseRevocations(database),
        upstreams={name: each for name, each in known.items() if isinstance(each, MemoryUpstream)},
    )
