import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from sso.provider.client_auth import (
    ASSERTION_SECONDS,
    ASSERTION_TYPE,
    LEEWAY_SECONDS,
    ClientAuthenticator,
)
from sso.provider.client_jwt import MAX_JTI_CHARACTERS
from sso.provider.domain import Client, ClientAuthentication
from sso.provider.messages import FORM_MEDIA_TYPE, FormRequest
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.store.replay import DatabaseReplay
from tests.fakes import MOMENT, FixedClock
from tests.sso.provider.edges import CLIENT_SECRET, MemoryClients, b64, database_of, relying_client, signed

ISSUER = "https://trust.example"
TOKEN_ENDPOINT = ISSUER + "/oauth/token"
NOW = int(MOMENT.timestamp())
EC_KEY = ECKey.generate_key("P-256", {"kid": "e1", "use": "sig"})
RSA_KEY = RSAKey.generate_key(2048, {"kid": "r1"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "e1"})


def jwks(*keys: ECKey | RSAKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=False) for key in keys]})


SECRET_CLIENT = relying_client("01SECRET")
KEY_CLIENT = relying_client("01KEY", authentication=ClientAuthentication.PRIVATE_KEY_JWT, jwks=jwks(EC_KEY, RSA_KEY))
PUBLIC_CLIENT = relying_client("01PUBLIC", authentication=ClientAuthentication.NONE)
DISABLED_CLIENT = relying_client("01GONE", disabled=True)
DISABLED_KEY_CLIENT = relying_client(
    "01GONEKEY", disabled=True, authentication=ClientAuthentication.PRIVATE_KEY_JWT, jwks=jwks(EC_KEY)
)


class Door:
    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self.database = database_of(folder, "sso_used_ids")
        self.replay = DatabaseReplay(self.database)
        clients = MemoryClients(SECRET_CLIENT, KEY_CLIENT, PUBLIC_CLIENT, DISABLED_CLIENT, DISABLED_KEY_CLIENT)
        self.authenticator = ClientAuthenticator(
            clients, self.replay, self.clock, issuer=ISSUER, token_endpoint=TOKEN_ENDPOINT
        )

    def ask(self, form: Mapping[str, str] | None = None, authorization: str = "") -> Client:
        fields: dict[str, Sequence[str]] = {name: (value,) for name, value in (form or {}).items()}
        return self.authenticator.authenticate(
            FormRequest(media_type=FORM_MEDIA_TYPE, authorization=authorization, form=fields, has_query=False)
        )

    def refused(self, form: Mapping[str, str] | None = None, authorization: str = "") -> tuple[str, int, str]:
        with pytest.raises(OAuthRefused) as refusal:
            self.ask(form, authorization)
        return refusal.value.error, refusal.value.status, refusal.value.description


@pytest.fixture
def door(tmp_path: Path) -> Any:
    opened = Door(tmp_path)
    yield opened
    opened.database.close()


def basic(identifier: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{identifier}:{secret}".encode()).decode()


def claims(**changes: object) -> dict[str, object]:
    base = {"iss": "01KEY", "sub": "01KEY", "aud": ISSUER, "exp": NOW + 60, "iat": NOW, "jti": "j1"} | changes
    return {name: value for name, value in base.items() if value is not None}


def assertion(key: ECKey | RSAKey = EC_KEY, alg: str = "ES256", **changes: object) -> dict[str, str]:
    token = signed({"alg": alg, "kid": key.kid}, claims(**changes), key)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


INVALID_CLIENT = ("invalid_client", 401, "The client could not be authenticated.")


def test_a_secret_is_taken_from_the_header_or_from_the_form(door: Door) -> None:
    assert door.ask(authorization=basic("01SECRET", CLIENT_SECRET)) is SECRET_CLIENT
    assert door.ask({"client_id": "01SECRET", "client_secret": CLIENT_SECRET}) is SECRET_CLIENT


def test_the_halves_of_basic_are_form_decoded(door: Door) -> None:
    encoded = "".join(f"%{byte:02X}" for byte in CLIENT_SECRET.encode())
    assert door.ask(authorization=basic("%301SECRET", encoded)) is SECRET_CLIENT
    assert door.refused(authorization=basic("01SECRET", CLIENT_SECRET.replace("c", "%2563"))) == INVALID_CLIENT


def test_a_colon_in_the_secret_belongs_to_the_secret(door: Door) -> None:
    assert door.refused(authorization=basic("01SECRET", CLIENT_SECRET + ":")) == INVALID_CLIENT


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic /w==", "Bearer x", "Basic " + base64.b64encode(b"nocolon").decode(), "x"]
)
def test_another_authorization_header_is_invalid_client(door: Door, header: str) -> None:
    assert door.refused(authorization=header) == INVALID_CLIENT


def test_nothing_tells_why_a_client_is_refused(door: Door) -> None:
    attempts = [
        door.refused(authorization=basic(*pair))
        for pair in (
            ("01SECRET", "wrong"),
            ("01NOBODY", CLIENT_SECRET),
            ("01GONE", CLIENT_SECRET),
            ("01KEY", CLIENT_SECRET),
            ("01PUBLIC", CLIENT_SECRET),
            ("", ""),
            ("01SECRET\x00", CLIENT_SECRET),
            ("密", CLIENT_SECRET),
        )
    ]
    attempts += [
        door.refused(form)
        for form in (
            {},
            {"client_id": "01SECRET"},
            {"client_id": "01KEY"},
            {"client_id": "01NOBODY"},
            {"client_id": "01GONE"},
            {"client_secret": CLIENT_SECRET},
            assertion(iss="01NOBODY", sub="01NOBODY"),
            assertion(iss="01SECRET", sub="01SECRET"),
            assertion(iss="01GONEKEY", sub="01GONEKEY"),
            assertion(OTHER_KEY),
        )
    ]
    assert set(attempts) == {INVALID_CLIENT}


def test_a_public_client_names_itself(door: Door) -> None:
    assert door.ask({"client_id": "01PUBLIC"}) is PUBLIC_CLIENT


@pytest.mark.parametrize("client", ["01SECRET", "01PUBLIC", "01KEY"])
def test_two_methods_in_one_request_are_refused(door: Door, client: str) -> None:
    header = basic("01SECRET", CLIENT_SECRET)
    for form in ({"client_id": client, "client_secret": CLIENT_SECRET}, {"client_secret": "x"}, assertion()):
        assert door.refused(form, header)[:2] == ("invalid_request", 400)
    both = {"client_id": client, "client_secret": CLIENT_SECRET} | assertion()
    assert door.refused(both)[:2] == ("invalid_request", 400)


def test_the_header_of_one_client_and_the_body_of_another_are_refused(door: Door) -> None:
    header = basic("01SECRET", CLIENT_SECRET)
    assert door.refused({"client_id": "01PUBLIC"}, header)[:2] == ("invalid_request", 400)
    assert door.refused({"client_id": "01PUBLIC"} | assertion())[:2] == ("invalid_request", 400)
    assert door.ask({"client_id": "01SECRET"}, header) is SECRET_CLIENT


@pytest.mark.parametrize("audience", [ISSUER, TOKEN_ENDPOINT])
@pytest.mark.parametrize(("key", "alg"), [(EC_KEY, "ES256"), (RSA_KEY, "RS256"), (RSA_KEY, "PS256")])
def test_an_assertion_authenticates(door: Door, key: ECKey | RSAKey, alg: str, audience: str) -> None:
    assert door.ask(assertion(key, alg, aud=audience)) is KEY_CLIENT
    assert door.ask({"client_id": "01KEY"} | assertion(key, alg, aud=audience, jti="j2")) is KEY_CLIENT


def test_an_assertion_is_good_once(door: Door) -> None:
    form = assertion()
    assert door.ask(form) is KEY_CLIENT
    assert door.refused(form) == INVALID_CLIENT
    assert door.refused(assertion(exp=NOW + 61)) == INVALID_CLIENT
    assert door.ask(assertion(jti="j2")) is KEY_CLIENT


def test_a_refused_assertion_uses_up_nothing(door: Door) -> None:
    assert door.refused(assertion(OTHER_KEY)) == INVALID_CLIENT
    assert door.refused(assertion(aud="https://other.example")) == INVALID_CLIENT
    assert door.ask(assertion()) is KEY_CLIENT


@pytest.mark.parametrize(
    "change",
    [
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": "https://other.example"},
        {"aud": ISSUER + "/"},
        {"aud": ISSUER + "/oauth/par"},
        {"aud": None},
        {"aud": f"{ISSUER} https://other.example"},
        {"iss": "01SECRET"},
        {"iss": None},
        {"sub": None},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "j" * (MAX_JTI_CHARACTERS + 1)},
        {"exp": None},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"exp": NOW},
        {"exp": NOW + ASSERTION_SECONDS + LEEWAY_SECONDS + 1},
        {"exp": 10**400},
        {"iat": NOW + LEEWAY_SECONDS + 1},
        {"nbf": NOW + LEEWAY_SECONDS + 1},
        {"iat": "now"},
    ],
)
def test_each_wrong_claim_is_refused(door: Door, change: dict[str, object]) -> None:
    assert door.refused(assertion(**change)) == INVALID_CLIENT


def test_the_times_of_an_assertion_hold_from_both_sides(door: Door) -> None:
    assert door.ask(assertion(exp=NOW + 1, jti="a"))
    assert door.ask(assertion(exp=NOW + ASSERTION_SECONDS + LEEWAY_SECONDS, jti="b"))
    assert door.ask(assertion(iat=NOW + LEEWAY_SECONDS, nbf=NOW + LEEWAY_SECONDS, jti="c" * MAX_JTI_CHARACTERS))


def forged(header: Mapping[str, object], key: ECKey | RSAKey = EC_KEY) -> dict[str, str]:
    token = signed({"alg": "ES256", "kid": "e1"} | header, claims(), key)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "other"},
        {"kid": "r1"},
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"crit": ["exp"]},
        {"jwk": OTHER_KEY.as_dict(private=False), "kid": "other"},
        {"x": "a" * 3000},
    ],
)
def test_each_wrong_header_is_refused(door: Door, header: dict[str, object]) -> None:
    token = signed({"alg": "ES256", "kid": "e1"}, claims(), EC_KEY).split(".")
    head = b64(json.dumps({"alg": "ES256", "kid": "e1"} | header).encode())
    forged_token = resigned(f"{head}.{token[1]}")
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": forged_token}
    assert door.refused(form) == INVALID_CLIENT


def resigned(message: str) -> str:
    value = JWSRegistry.algorithms["ES256"].sign(message.encode(), EC_KEY)
    return f"{message}.{b64(value)}"


def test_keys_inside_the_assertion_count_for_nothing(door: Door) -> None:
    header = {"jwk": OTHER_KEY.as_dict(private=False), "jku": "https://evil.example/jwks.json"}
    assert door.refused(forged(header, OTHER_KEY)) == INVALID_CLIENT


def test_algorithms_outside_the_list_are_refused(door: Door) -> None:
    none, hmac_head = (b64(json.dumps({"alg": name, "kid": "e1"}).encode()) for name in ("none", "HS256"))
    body = b64(json.dumps(claims()).encode())
    mac = hmac.digest(EC_KEY.as_pem(private=False), f"{hmac_head}.{body}".encode(), "sha256")
    for token in (f"{none}.{body}.", f"{hmac_head}.{body}.{b64(mac)}"):
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
        assert door.refused(form) == INVALID_CLIENT


def test_the_assertion_type_is_exact(door: Door) -> None:
    for kind in ("", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", ASSERTION_TYPE.upper()):
        assert door.refused(assertion() | {"client_assertion_type": kind}) == INVALID_CLIENT


def test_without_kid_there_must_be_no_choice(tmp_path: Path) -> None:
    door = Door(tmp_path)
    token = signed({"alg": "ES256"}, claims(), EC_KEY)
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}
    assert door.ask(form) is KEY_CLIENT  # one of the two keys is for RSA
    two = relying_client("01KEY", authentication=ClientAuthentication.PRIVATE_KEY_JWT, jwks=jwks(EC_KEY, OTHER_KEY))
    door.authenticator = ClientAuthenticator(
        MemoryClients(two), door.replay, door.clock, issuer=ISSUER, token_endpoint=TOKEN_ENDPOINT
    )
    assert door.refused(assertion(jti="j2")) == INVALID_CLIENT
    door.database.close()


@pytest.mark.parametrize("text", ['{"keys": 7}', '{"keys": []}', '{"keys": [7, {"kty": "oct", "k": "AA"}]}', "{}"])
def test_a_key_set_without_a_usable_key_admits_nobody(tmp_path: Path, text: str) -> None:
    door = Door(tmp_path)
    client = relying_client("01KEY", authentication=ClientAuthentication.PRIVATE_KEY_JWT, jwks=text)
    door.authenticator = ClientAuthenticator(
        MemoryClients(client), door.replay, door.clock, issuer=ISSUER, token_endpoint=TOKEN_ENDPOINT
    )
    assert door.refused(assertion()) == INVALID_CLIENT
    door.database.close()


def test_used_ids_are_forgotten_when_the_assertion_is_over_anyhow(door: Door) -> None:
    door.ask(assertion())
    door.clock.advance(seconds=60)
    assert door.replay.prune(door.clock.now()) == 0
    assert door.refused(assertion()) == INVALID_CLIENT
    door.clock.advance(seconds=2)
    assert door.replay.prune(door.clock.now()) == 1
    assert door.refused(assertion()) == INVALID_CLIENT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    form=st.dictionaries(
        st.sampled_from(["client_id", "client_secret", "client_assertion", "client_assertion_type"]),
        st.one_of(st.text(max_size=40), st.just(ASSERTION_TYPE), st.just("e30.e30.e30")),
    ),
    authorization=st.one_of(
        st.just(""), st.text(max_size=30), st.text(max_size=30).map(lambda text: basic(quote(text), "x"))
    ),
)
def test_whatever_comes_is_refused_by_name(door: Door, form: dict[str, str], authorization: str) -> None:
    error, status, _ = door.refused(form, authorization)
    assert (error, status) in {("invalid_client", 401), ("invalid_request", 400)}
