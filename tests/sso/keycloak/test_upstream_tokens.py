import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sso.keycloak.errors import UpstreamTokenInvalid
from sso.keycloak.upstream_provider import UpstreamProvider
from sso.keycloak.upstream_tokens import (
    LEEWAY_SECONDS,
    LOGOUT_EVENT,
    MAX_TOKEN_AGE_SECONDS,
    MAX_TOKEN_CHARACTERS,
    Expected,
    UpstreamTokens,
)
from tests.fakes import MOMENT, FixedClock
from tests.sso.keycloak.house import EC, ISSUER, RSA, MemoryUpstream, at_hash, signed, source
from trust.kernel.bearer_secrets import secret_digest

NOW = int(MOMENT.timestamp())
EXPECTED = Expected(nonce_digest=secret_digest("n"), access_token="an access token", oldest=MOMENT - timedelta(hours=1))


@pytest.fixture
def tokens(tmp_path: Path, clock: FixedClock) -> UpstreamTokens:
    return UpstreamTokens(UpstreamProvider(source(tmp_path), MemoryUpstream(), clock))


def claims(**changes: Any) -> dict[str, Any]:
    good = {
        "iss": ISSUER,
        "aud": "yinxin",
        "azp": "yinxin",
        "sub": "s",
        "nonce": "n",
        "iat": NOW,
        "exp": NOW + 60,
        "auth_time": NOW,
        "at_hash": at_hash("an access token"),
    } | changes
    return {name: value for name, value in good.items() if value is not None}


def logout_claims(**changes: Any) -> dict[str, Any]:
    good = {"iss": ISSUER, "aud": "yinxin", "iat": NOW, "exp": NOW + 60, "jti": "j", "sid": "s", "sub": "p"}
    good |= {"events": {LOGOUT_EVENT: {}}} | changes
    return {name: value for name, value in good.items() if value is not None}


@pytest.mark.parametrize(
    "token",
    [
        signed(claims()),
        signed(claims(), EC),
        signed(claims(), alg="PS256") if RSA.get("alg") != "RS256" else signed(claims()),
        signed(claims(), typ=None),
        signed(claims(aud=["yinxin"])),
        signed(claims(azp=None)),
        signed(claims(at_hash=None)),
        signed(claims(iat=NOW + LEEWAY_SECONDS)),
        signed(claims(iat=NOW - MAX_TOKEN_AGE_SECONDS - LEEWAY_SECONDS)),
        signed(claims(exp=NOW - LEEWAY_SECONDS + 1)),
        signed(claims(auth_time=NOW - 3600 - LEEWAY_SECONDS)),
    ],
)
def test_a_good_id_token_gives_its_claims(tokens: UpstreamTokens, token: str) -> None:
    assert tokens.id_token(token, EXPECTED, now=MOMENT)["sub"] == "s"


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"iss": f"{ISSUER}/"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": ["yinxin", "another"]}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": {}}, "aud"),
        ({"azp": "another"}, "azp"),
        ({"nonce": "m"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": 1}, "nonce"),
        ({"exp": NOW - LEEWAY_SECONDS}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": str(NOW + 60)}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": NOW + 60.5}, "exp"),
        ({"iat": NOW + LEEWAY_SECONDS + 1}, "iat"),
        ({"iat": NOW - MAX_TOKEN_AGE_SECONDS - LEEWAY_SECONDS - 1}, "iat"),
        ({"iat": None}, "iat"),
        ({"auth_time": NOW - 3600 - LEEWAY_SECONDS - 1}, "auth_time"),
        ({"auth_time": NOW + LEEWAY_SECONDS + 1}, "auth_time"),
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": "now"}, "auth_time"),
        ({"at_hash": at_hash("another")}, "at_hash"),
        ({"at_hash": 1}, "at_hash"),
        ({"at_hash": "省"}, "at_hash"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 1}, "sub"),
        ({"sub": "s" * 256}, "sub"),
        ({"sub": "s\n"}, "sub"),
    ],
)
def test_an_id_token_that_fails_a_check_is_refused_by_its_name(
    tokens: UpstreamTokens, changes: dict[str, Any], check: str
) -> None:
    with pytest.raises(UpstreamTokenInvalid) as caught:
        tokens.id_token(signed(claims(**changes)), EXPECTED, now=MOMENT)
    assert (caught.value.code, caught.value.facts["check"]) == ("upstream-token-invalid", check)


def _segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _forged(header: dict[str, Any], signature: str = "AA") -> str:
    return f"{_segment(header)}.{_segment(claims())}.{signature}"


def _hmac_with_the_public_key() -> str:
    """The old trick: the public key as a symmetric secret."""
    message = f"{_segment({'alg': 'HS256', 'kid': 'rsa'})}.{_segment(claims())}"
    mac = hmac.new(RSA.as_pem(private=False), message.encode(), "sha256").digest()
    return f"{message}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize(
    ("token", "check"),
    [
        ("", "form"),
        ("a.b", "form"),
        ("a.b.c.d.e", "form"),
        ("省.b.c", "form"),
        (signed(claims())[:-1] + "!", "form"),
        (f"{signed(claims())}=", "form"),
        ("a" * (MAX_TOKEN_CHARACTERS + 1), "form"),
        (_forged({"alg": "none", "kid": "rsa"}, ""), "alg"),
        (_forged({"alg": "HS256", "kid": "rsa"}), "alg"),
        (_hmac_with_the_public_key(), "alg"),
        (_forged({"kid": "rsa"}), "form"),
        (_forged({"alg": ["RS256"], "kid": "rsa"}), "form"),
        (_forged({"alg": "RS256", "kid": "rsa", "crit": ["b64"]}), "typ"),
        (_forged({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}), "typ"),
        (_forged({"alg": "RS256", "kid": "rsa", "typ": "logout+jwt"}), "typ"),
        (_forged({"alg": "RS256", "kid": "rsa", "typ": ["JWT"]}), "typ"),
        (_forged({"alg": "RS256", "kid": "unknown"}), "kid"),
        (_forged({"alg": "RS256", "kid": "unknown", "jwk": RSA.as_dict(private=False)}), "kid"),
        (_forged({"alg": "RS256", "kid": 1}), "kid"),
        (_forged({"alg": "RS256"}), "kid"),
        (_forged({"alg": "ES256", "kid": "rsa"}), "kid"),  # another type of key
        (_forged({"alg": "RS256", "kid": "ec"}), "kid"),
        (_forged({"alg": "PS256", "kid": "rsa"}), "kid"),  # the key says RS256
        (_forged({"alg": "RS256", "kid": "rsa"}), "signature"),
        (signed(claims()).rsplit(".", 1)[0] + "." + signed(claims(sub="t")).rsplit(".", 1)[1], "signature"),
    ],
)
def test_a_token_that_the_upstream_did_not_sign_is_refused(tokens: UpstreamTokens, token: str, check: str) -> None:
    with pytest.raises(UpstreamTokenInvalid) as caught:
        tokens.id_token(token, EXPECTED, now=MOMENT)
    assert caught.value.facts["check"] == check


def test_an_algorithm_that_the_source_does_not_name_is_refused(tmp_path: Path, clock: FixedClock) -> None:
    tokens = UpstreamTokens(UpstreamProvider(source(tmp_path, algorithms=["ES256"]), MemoryUpstream(), clock))
    with pytest.raises(UpstreamTokenInvalid):
        tokens.id_token(signed(claims()), EXPECTED, now=MOMENT)
    assert tokens.id_token(signed(claims(), EC), EXPECTED, now=MOMENT)


@pytest.mark.parametrize(
    "token",
    [
        signed(logout_claims()),
        signed(logout_claims(), typ="logout+jwt"),
        signed(logout_claims(sid=None)),
        signed(logout_claims(sub=None)),
    ],
)
def test_a_good_logout_token_says_whose_sign_in_ended(tokens: UpstreamTokens, token: str) -> None:
    told = tokens.logout_token(token, now=MOMENT)
    assert told.jti == "j"
    assert told.useless_from > MOMENT + timedelta(seconds=MAX_TOKEN_AGE_SECONDS)


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"events": None}, "events"),
        ({"events": {}}, "events"),
        ({"events": [LOGOUT_EVENT]}, "events"),
        ({"events": {LOGOUT_EVENT: True}}, "events"),
        ({"nonce": "n"}, "nonce"),
        ({"jti": None}, "jti"),
        ({"jti": 1}, "jti"),
        ({"sub": None, "sid": None}, "sub"),
        ({"sid": 1}, "sid"),
        ({"aud": "another"}, "aud"),
        ({"iss": "https://evil.example"}, "iss"),
        ({"exp": None}, "exp"),
        ({"iat": NOW - MAX_TOKEN_AGE_SECONDS - LEEWAY_SECONDS - 1}, "iat"),
    ],
)
def test_a_logout_token_that_fails_a_check_is_refused(
    tokens: UpstreamTokens, changes: dict[str, Any], check: str
) -> None:
    with pytest.raises(UpstreamTokenInvalid) as caught:
        tokens.logout_token(signed(logout_claims(**changes)), now=MOMENT)
    assert caught.value.facts["check"] == check


@pytest.mark.parametrize(
    "judge",
    [
        lambda tokens: tokens.logout_token(signed(claims()), now=MOMENT),
        lambda tokens: tokens.id_token(
            signed(logout_claims(nonce="n", auth_time=NOW), typ="logout+jwt"), EXPECTED, now=MOMENT
        ),
    ],
)
def test_one_kind_of_token_is_never_the_other(
    tokens: UpstreamTokens, judge: Callable[[UpstreamTokens], object]
) -> None:
    with pytest.raises(UpstreamTokenInvalid):
        judge(tokens)
