import json
from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from sso.provider.client_jwt import MAX_JTI_CHARACTERS
from sso.provider.dpop import PROOF_SECONDS, DpopChecker
from sso.provider.oauth_errors import OAuthRefused
from tests.fakes import MOMENT, FixedClock
from tests.sso.provider.edges import MemoryReplay, signed, token_hash
from trust.http import problems
from trust.http.access import BoundTokens, Principal, protected

ISSUER = "https://trust.example"
URL = ISSUER + "/oauth/token"
NOW = int(MOMENT.timestamp())
KEY = ECKey.generate_key("P-256")
OTHER = ECKey.generate_key("P-256")
RSA = RSAKey.generate_key(2048)


class Desk:
    def __init__(self) -> None:
        self.clock = FixedClock()
        self.replay = MemoryReplay()
        self.checker = DpopChecker(self.replay, self.clock, issuer=ISSUER)

    def check(self, proof: str, method: str = "POST", url: str = URL, token: str | None = None) -> str:
        return self.checker.check(proof, method=method, url=url, access_token=token)

    def refused(self, proof: str, **terms: Any) -> str:
        with pytest.raises(OAuthRefused) as refusal:
            self.check(proof, **terms)
        assert refusal.value.description == "The DPoP proof is not acceptable."
        return refusal.value.error


@pytest.fixture
def desk() -> Desk:
    return Desk()


def proof(
    key: ECKey | RSAKey = KEY, header: Mapping[str, object] | None = None, alg: str = "ES256", **changes: object
) -> str:
    head = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)} | (header or {})
    claims = {"jti": "p1", "htm": "POST", "htu": URL, "iat": NOW} | changes
    return signed(
        {name: value for name, value in head.items() if value is not None},
        {name: value for name, value in claims.items() if value is not None},
        key,
    )


def test_a_proof_names_its_key_by_thumbprint(desk: Desk) -> None:
    assert desk.check(proof()) == KEY.thumbprint()
    assert desk.check(proof(RSA, alg="RS256")) == RSA.thumbprint()
    assert desk.check(proof(RSA, alg="PS256", jti="p2")) == RSA.thumbprint()


def test_a_proof_is_good_once(desk: Desk) -> None:
    assert desk.check(proof())
    assert desk.refused(proof()) == "invalid_dpop_proof"
    assert desk.check(proof(OTHER))
    (until, _) = desk.replay.used.values()
    assert (until - MOMENT).total_seconds() > PROOF_SECONDS


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "application/dpop+jwt"},
        {"jwk": None},
        {"jwk": KEY.as_dict(private=True)},
        {"jwk": OTHER.as_dict(private=False)},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"jwk": {"kty": "EC", "crv": "SM2", "x": "AA", "y": "AA"}},
        {"jwk": {"kty": "EC"}},
        {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
        {"b64": True},
        {"x": "a" * 3000},
    ],
)
def test_each_wrong_header_is_refused(desk: Desk, header: dict[str, object]) -> None:
    assert desk.refused(proof(header=header)) == "invalid_dpop_proof"
    assert not desk.replay.used


def test_a_weak_rsa_key_is_refused(desk: Desk) -> None:
    modulus = RSA.as_dict(private=False)["n"][:170]
    assert desk.refused(proof(RSA, {"jwk": {"kty": "RSA", "n": modulus, "e": "AQAB"}}, "RS256")) == "invalid_dpop_proof"


@pytest.mark.parametrize(
    "change",
    [
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "j" * (MAX_JTI_CHARACTERS + 1)},
        {"htm": None},
        {"htm": "GET"},
        {"htm": "post"},
        {"htm": ["POST"]},
        {"htu": None},
        {"htu": 7},
        {"htu": ISSUER + "/oauth/par"},
        {"htu": "https://evil.example/oauth/token"},
        {"htu": "http://trust.example/oauth/token"},
        {"htu": "https://trust.example:8443/oauth/token"},
        {"htu": "https://user@trust.example/oauth/token"},
        {"htu": URL + "/"},
        {"htu": URL.upper()},
        {"htu": "/oauth/token"},
        {"htu": "https://[::1/oauth/token"},
        {"htu": "https://trust.example:99999/oauth/token"},
        {"iat": None},
        {"iat": str(NOW)},
        {"iat": True},
        {"iat": NOW - PROOF_SECONDS - 1},
        {"iat": NOW + PROOF_SECONDS + 1},
        {"iat": 10**400},
        {"iat": 10**17},
        {"iat": -1.5e300},
    ],
)
def test_each_wrong_claim_is_refused(desk: Desk, change: dict[str, object]) -> None:
    assert desk.refused(proof(**change)) == "invalid_dpop_proof"
    assert not desk.replay.used


def test_the_limits_hold_from_both_sides(desk: Desk) -> None:
    assert desk.check(proof(iat=NOW - PROOF_SECONDS, jti="a"))
    assert desk.check(proof(iat=NOW + PROOF_SECONDS, jti="b" * MAX_JTI_CHARACTERS))


@pytest.mark.parametrize(
    "htu",
    [
        URL + "?a=b",
        URL + "#f",
        "HTTPS://Trust.Example/oauth/token",
        "https://trust.example:443/oauth/token",
        "https://trust.example/%6Fauth/token",
    ],
)
def test_other_spellings_of_the_address_count(desk: Desk, htu: str) -> None:
    assert desk.check(proof(htu=htu))


def test_one_header_carries_one_proof(desk: Desk) -> None:
    terms: dict[str, Any] = {"method": "POST", "url": URL}
    assert desk.checker.of_headers((), **terms) is None
    assert desk.checker.of_headers((proof(),), **terms) == KEY.thumbprint()
    with pytest.raises(OAuthRefused) as refusal:
        desk.checker.of_headers((proof(jti="x"), proof(jti="y")), **terms)
    assert refusal.value.error == "invalid_dpop_proof"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=200), st.binary(max_size=60).map(lambda data: json.dumps({"alg": data.hex()}))))
def test_any_text_is_refused_by_name(desk: Desk, text: str) -> None:
    assert desk.refused(text) == "invalid_dpop_proof"


class Tokens:
    """Knows three tokens: one bound to KEY, one free, one bound and seen without a proof checker."""

    def check(self, token: str) -> Principal:
        bound = KEY.thumbprint() if token.startswith("bound") else None
        return Principal(client="c", authority="a", scopes=frozenset({"s"}), label="C", confirmation=bound)


def ask(headers: list[tuple[str, str]], *, proofs: bool = True) -> tuple[int, str, str]:
    app = Flask(__name__)
    problems.install(app)
    tokens = BoundTokens(Tokens(), Desk().checker) if proofs else Tokens()

    @app.get("/thing")
    @protected(tokens, "s")
    def thing(*, principal: Principal) -> dict[str, str]:
        return {"client": principal.client}

    answer = app.test_client().get("/thing?query=1", headers=headers)
    return answer.status_code, (answer.get_json() or {}).get("code", ""), answer.headers.get("WWW-Authenticate", "")


def at_resource(token: str, **changes: object) -> str:
    return proof(**({"htm": "GET", "htu": ISSUER + "/thing", "ath": token_hash(token)} | changes))


def test_a_bound_token_with_its_proof_opens_the_resource() -> None:
    assert ask([("Authorization", "DPoP bound"), ("DPoP", at_resource("bound"))])[0] == 200
    assert ask([("Authorization", "dpop bound"), ("DPoP", at_resource("bound"))])[0] == 200
    assert ask([("Authorization", "Bearer free")])[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer bound")],
        [("Authorization", "Bearer bound"), ("DPoP", at_resource("bound"))],
        [("Authorization", "DPoP bound")],
        [("Authorization", "DPoP free"), ("DPoP", at_resource("free"))],
        [("Authorization", "DPoP bound"), ("DPoP", at_resource("bound")), ("DPoP", at_resource("bound", jti="p2"))],
        [("Authorization", "DPoP bound"), ("DPoP", at_resource("bound2"))],
        [("Authorization", "DPoP bound"), ("DPoP", at_resource("bound", ath=None))],
        [("Authorization", "DPoP bound"), ("DPoP", at_resource("bound", ath="密"))],
        [("Authorization", "DPoP bound"), ("DPoP", at_resource("bound", htm="POST"))],
        [("Authorization", "DPoP bound"), ("DPoP", at_resource("bound", htu=ISSUER + "/other"))],
        [("Authorization", "DPoP bound"), ("DPoP", "x")],
    ],
)
def test_possession_must_be_proved_for_this_request(headers: list[tuple[str, str]]) -> None:
    status, code, challenge = ask(headers)
    assert (status, code) == (401, "proof-refused")
    assert challenge == 'DPoP realm="yinxin", algs="ES256 RS256 PS256", error="invalid_dpop_proof"'


def test_the_proof_of_another_key_is_refused() -> None:
    stolen = proof(OTHER, htm="GET", htu=ISSUER + "/thing", ath=token_hash("bound"))
    assert ask([("Authorization", "DPoP bound"), ("DPoP", stolen)])[:2] == (401, "proof-refused")


def test_where_no_proof_can_be_judged_bound_tokens_are_refused() -> None:
    assert ask([("Authorization", "DPoP bound"), ("DPoP", at_resource("bound"))], proofs=False)[0] == 401
    assert ask([("Authorization", "Bearer bound")], proofs=False)[0] == 401
    assert ask([("Authorization", "Bearer free")], proofs=False)[0] == 200
