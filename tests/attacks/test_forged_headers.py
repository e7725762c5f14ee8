"""Whoever reaches the service past its proxy, or through a careless one, writes what headers they like."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from werkzeug.test import TestResponse

from portal.demo import data, people
from tests.attacks.house import PASSWORD, VERIFIER, Attacked, give_password, parameters, populated, redirect_of
from tests.integration import installation

EVIL = "evil.example"
FORGED = {
    "Forwarded": f"for=203.0.113.9;host={EVIL};proto=http",
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": f"//{EVIL}",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Scheme": "http",
    "X-Original-Url": f"//{EVIL}/",
    "X-Rewrite-Url": f"//{EVIL}/",
}
PATHS = (
    *("/", "/verify", "/sign-in", "/register", "/my", "/step-up", "/enrol", "/oauth/logout", "/docs", "/problems"),
    *("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/openapi.json"),
    *("/oauth/jwks.json", "/pki/root.cer", "/nowhere", "/api/v1/certs/x", "/oauth/authorize?client_id=x"),
)
ISSUER = "https://trust.example"
OWN = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=name="csrf" value=")[^"]+|(?<=yinxin)[^=;]*=[^;]+')
"""What differs from answer to answer: correlation ids, form tokens, the values of cookies."""


@pytest.fixture(params=[0, 1], ids=["no proxy", "one proxy"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Iterator[Attacked]:
    template = installation.template(tmp_path_factory)
    settings = template.copy(tmp_path / "home") | {"public_url": ISSUER, "trusted_proxies": request.param}
    with populated(settings, template.full) as opened:
        yield opened


def told(answer: TestResponse) -> tuple[object, ...]:
    """Return everything that an answer says, without what differs from answer to answer."""
    headers = [(name, OWN.sub("", value)) for name, value in answer.headers if name not in {"Date", "Content-Length"}]
    return answer.status_code, headers, OWN.sub("", answer.get_data().decode("latin-1"))


def test_forwarded_host_and_scheme_change_no_link_no_issuer_and_no_cookie(house: Attacked) -> None:
    for path in PATHS:
        plain, forged = (house.browser().get(path, **headers) for headers in ({}, FORGED))
        assert told(forged) == told(plain), path
        assert EVIL not in str(told(forged)), path


def test_a_sign_in_with_forged_headers_gets_our_cookies_and_leads_to_our_addresses(house: Attacked) -> None:
    give_password(house, house.people.representative.id)
    browser = house.browser()
    form = {"kind": "111", "number": people.REPRESENTATIVE_NUMBER, "password": PASSWORD}
    entered = browser.submit(browser.get("/sign-in", **FORGED), "/sign-in", form, **FORGED)
    assert urlsplit(entered.headers["Location"]).netloc in {"", urlsplit(ISSUER).netloc}
    cookies = entered.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert "; Secure" in cookie
        assert "Domain" not in cookie
    pushed = house.post("/oauth/par", parameters(house.first), house.first, FORGED).get_json()
    query = urlencode({"client_id": house.first.client.id, "request_uri": pushed["request_uri"]})
    asked = browser.get(f"/oauth/authorize?{query}", **FORGED)
    page = browser.get(asked.headers["Location"], **FORGED)
    allowed = browser.submit(page, "/oauth/consent", {"decision": "allow", "represents": ""}, **FORGED)
    found = dict(parse_qsl(urlsplit(allowed.headers["Location"]).query))
    assert found["iss"] == ISSUER
    own = {"code": found["code"], "redirect_uri": redirect_of(house.first), "code_verifier": VERIFIER}
    form = {"grant_type": "authorization_code", **own}
    tokens = house.post("/oauth/token", form, house.first, FORGED).get_json()
    for token in (tokens["id_token"], tokens["access_token"]):
        assert json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))["iss"] == ISSUER


def test_the_links_in_an_answer_stay_ours(house: Attacked) -> None:
    identifier = house.issue(data.RESIDENT_NUMBER, people.CITIZEN_NAME)
    form = {"client_id": house.department.id, "client_secret": house.department.secret, "scope": "certs:read"}
    token = house.post("/oauth/token", {**form, "grant_type": "client_credentials"}).get_json()["access_token"]
    path = f"/api/v1/certs/{identifier}?purpose=核对住址"
    plain, forged = (house.api("GET", path, token, None, **headers).get_json() for headers in ({}, FORGED))
    assert plain["links"]["self"].startswith("/api/v1/certs/")
    assert forged == plain
