import base64
import json
from collections.abc import Mapping

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sso.provider.endpoint import check_address
from sso.provider.errors import TokenAddressInsecure, TokenKeyUnusable
from tests.sso.provider.support import ISSUER, RATE, USCC, House, application
from trust.http.access import Principal, protected
from trust.keys import KeyPurpose, KeyRef, Signature, SigningRequest


def served(house: House) -> FlaskClient:
    app = application(house)

    @app.get("/thing")
    @protected(house.checker, "certs:read")
    def thing(*, principal: Principal) -> dict[str, str]:
        return {"client": principal.client, "authority": principal.authority}

    return app.test_client()


@pytest.fixture
def credentials(house: House) -> tuple[str, str]:
    registered = house.registry.register(label="A", authority=USCC, scopes="certs:issue certs:read")
    return registered.client.id, registered.secret


def basic(identifier: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{identifier}:{secret}".encode()).decode()}


def ask(
    house: House, form: Mapping[str, object], headers: Mapping[str, str] | None = None, query: str = ""
) -> TestResponse:
    return served(house).post(
        "/oauth/token" + query, data={"grant_type": "client_credentials", **form}, headers=headers
    )


def test_basic_authentication_gets_a_token_that_opens_the_api(house: House, credentials: tuple[str, str]) -> None:
    answer = ask(house, {}, basic(*credentials))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "application/json"
    body = answer.get_json()
    assert {name: body[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "certs:issue certs:read",
    }
    assert "refresh_token" not in body
    opened = served(house).get("/thing", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert opened.get_json() == {"client": credentials[0], "authority": USCC}


def test_authentication_in_the_form_works_as_well(house: House, credentials: tuple[str, str]) -> None:
    identifier, secret = credentials
    assert ask(house, {"client_id": identifier, "client_secret": secret}).status_code == 200


def test_a_token_can_be_narrower_than_its_client(house: House, credentials: tuple[str, str]) -> None:
    body = ask(house, {"scope": "certs:issue"}, basic(*credentials)).get_json()
    assert body["scope"] == "certs:issue"
    refusal = served(house).get("/thing", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert (refusal.status_code, refusal.get_json()["code"]) == (403, "scope-missing")


@pytest.mark.parametrize("scope", ["ledger:read", "certs:all", "certs:read ledger:read", "certs:read\tcerts:issue"])
def test_more_than_the_client_has_is_an_invalid_scope(house: House, credentials: tuple[str, str], scope: str) -> None:
    answer = ask(house, {"scope": scope}, basic(*credentials))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_scope")
    assert not house.signer.requests


def test_nothing_tells_whether_a_client_exists(house: House, credentials: tuple[str, str]) -> None:
    identifier, secret = credentials
    disabled = house.registry.register(label="B", authority=USCC, scopes="certs:read")
    house.registry.disable(disabled.client.id)
    attempts = [(identifier, "wrong"), ("01NOBODY", secret), (disabled.client.id, disabled.secret), (identifier, "")]
    answers = [ask(house, {}, basic(*attempt)) for attempt in attempts]
    answers += [ask(house, {"client_id": name, "client_secret": word}) for name, word in attempts]
    answers += [ask(house, {}), ask(house, {"client_id": identifier}), ask(house, {}, {"Authorization": "Basic !"})]
    answers += [ask(house, {}, {"Authorization": "Bearer x"}), ask(house, {}, {"Authorization": "Basic /w=="})]
    seen = {
        (answer.status_code, answer.get_data(), answer.headers["WWW-Authenticate"], answer.headers["Cache-Control"])
        for answer in answers
    }
    assert len(seen) == 1
    status, body, challenge, _ = seen.pop()
    assert (status, json.loads(body)["error"]) == (401, "invalid_client")
    assert challenge == 'Basic realm="yinxin", charset="UTF-8"'


def test_two_methods_in_one_request_are_refused(house: House, credentials: tuple[str, str]) -> None:
    identifier, secret = credentials
    other = house.registry.register(label="B", authority=USCC, scopes="certs:read")
    for form in (
        {"client_id": identifier, "client_secret": secret},
        {"client_id": other.client.id, "client_secret": other.secret},
        {"client_secret": secret},
        {"client_id": other.client.id},
    ):
        answer = ask(house, form, basic(*credentials))
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("grant", ["password", "implicit", "CLIENT_CREDENTIALS", "密"])
def test_other_grants_are_unsupported_and_not_repeated(house: House, credentials: tuple[str, str], grant: str) -> None:
    answer = ask(house, {"grant_type": grant}, basic(*credentials))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unsupported_grant_type")
    assert "client_credentials" in answer.get_json()["error_description"]
    assert grant not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ({"grant_type": ""}, ""),
        ({"scope": ["certs:read", "certs:issue"]}, ""),
        ({"grant_type": ["client_credentials", "client_credentials"]}, ""),
        ({}, "?scope=certs:read"),
        ({}, "?client_id=x&client_secret=y"),
    ],
)
def test_a_misshapen_request_is_invalid(
    house: House, credentials: tuple[str, str], form: dict[str, object], query: str
) -> None:
    answer = ask(house, form, basic(*credentials), query)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_json_is_not_the_form(house: House, credentials: tuple[str, str]) -> None:
    answer = served(house).post("/oauth/token", json={"grant_type": "client_credentials"}, headers=basic(*credentials))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_the_endpoint_takes_only_post(house: House) -> None:
    assert served(house).get("/oauth/token").status_code == 405


def test_too_many_attempts_are_refused_before_anything_is_looked_up(house: House) -> None:
    client = served(house)
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    assert {client.post("/oauth/token", data=form).status_code for _ in range(RATE)} == {401}
    answer = client.post("/oauth/token", data=form)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_a_signer_that_refuses_is_our_fault_not_the_clients(
    house: House, credentials: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> Signature:
        raise TokenKeyUnusable

    monkeypatch.setattr(house.signer, "sign", refuse)
    answer = ask(house, {}, basic(*credentials))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "token-key-unusable")


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("https://trust.example/oauth/token", True),
        ("http://127.0.0.1:8080/oauth/token", True),
        ("http://[::1]:8080/oauth/token", True),
        ("http://localhost/oauth/token", True),
        ("http://trust.example/oauth/token", False),
        ("http://10.0.0.5:8080/oauth/token", False),
        ("http://127.0.0.1.evil.example/oauth/token", False),
        ("ftp://127.0.0.1/oauth/token", False),
        ("", False),
    ],
)
def test_secrets_travel_by_https_or_not_at_all(
    house: House, monkeypatch: pytest.MonkeyPatch, address: str, accepted: bool
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")  # must not open what we close
    if accepted:
        check_address(address)
        return
    with pytest.raises(TokenAddressInsecure):
        check_address(address)


def test_the_key_set_is_published(house: House) -> None:
    answer = served(house).get("/oauth/jwks.json")
    assert answer.get_json() == house.keyring.document()
    assert answer.headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"])
def test_the_metadata_pass_the_validation_of_an_independent_reading_of_the_rfcs(house: House, path: str) -> None:
    metadata = served(house).get(path).get_json()
    assert metadata["token_endpoint"] == ISSUER + "/oauth/token"
    OpenIDProviderMetadata({**metadata, "id_token_signing_alg_values_supported": ["RS256", "ES256"]}).validate()
