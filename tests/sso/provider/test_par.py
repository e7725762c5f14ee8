"""Pushed authorization requests (RFC 9126)."""

import base64

import pytest

from sso.provider.domain import ClientAuthentication, Registered
from sso.provider.errors import AuthorizationRefused, AuthorizationUnusable
from sso.provider.par import PUSHED_SECONDS
from tests.sso.provider.dpop_proof import new_key, proof
from tests.sso.provider.journey import (
    MATTER,
    answer_of,
    error_of,
    parameters,
    post,
    redeem,
    register,
    session,
    settle,
)
from tests.sso.provider.support import USCC, House


@pytest.fixture
def who(house: House) -> Registered:
    settle(house)
    return register(house, par_required=True)


def push(house: House, who: Registered, headers: dict[str, str] | None = None, **changes: str | None) -> str:
    form = {name: values[0] for name, values in parameters(who.client.id, **changes).items()}
    answer = post(house, "/oauth/par", form, who, **(headers or {}))
    assert (answer.status_code, answer.get_json().get("expires_in")) == (201, PUSHED_SECONDS), answer.get_json()
    return str(answer.get_json()["request_uri"])


def test_a_pushed_request_is_used_once(house: House, who: Registered) -> None:
    reference = push(house, who)
    assert reference.startswith("urn:ietf:params:oauth:request_uri:")
    pending = house.desk.open({"client_id": [who.client.id], "request_uri": [reference]})
    assert (pending.matter, pending.state) == (MATTER, "af0ifjsldkj")
    with pytest.raises(AuthorizationUnusable) as refusal:
        house.desk.open({"client_id": [who.client.id], "request_uri": [reference]})
    assert refusal.value.field == "request_uri"


def test_parameters_beside_it_do_not_count(house: House, who: Registered) -> None:
    reference = push(house, who)
    pending = house.desk.open({**parameters(who.client.id, state="other", scope="openid"), "request_uri": [reference]})
    assert (pending.state, len(pending.scopes)) == ("af0ifjsldkj", 3)


def test_it_lives_a_minute(house: House, who: Registered) -> None:
    young, old = push(house, who), push(house, who)
    house.clock.advance(seconds=PUSHED_SECONDS - 1)
    house.desk.open({"client_id": [who.client.id], "request_uri": [young]})
    house.clock.advance(seconds=1)
    with pytest.raises(AuthorizationUnusable):
        house.desk.open({"client_id": [who.client.id], "request_uri": [old]})


def test_another_client_can_neither_use_it_nor_use_it_up(house: House, who: Registered) -> None:
    other = register(house, resource="https://other.example/")
    reference = push(house, who)
    with pytest.raises(AuthorizationUnusable):
        house.desk.open({"client_id": [other.client.id], "request_uri": [reference]})
    house.desk.open({"client_id": [who.client.id], "request_uri": [reference]})


def test_a_pending_requests_id_is_no_request_uri(house: House, who: Registered) -> None:
    pending = house.desk.open({"client_id": [who.client.id], "request_uri": [push(house, who)]})
    forged = f"urn:ietf:params:oauth:request_uri:{pending.id}"
    with pytest.raises(AuthorizationUnusable):
        house.desk.open({"client_id": [who.client.id], "request_uri": [forged]})


def test_a_client_that_must_push_cannot_do_otherwise(house: House, who: Registered) -> None:
    with pytest.raises(AuthorizationRefused) as refusal:
        house.desk.open(parameters(who.client.id))
    assert refusal.value.error == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/cb"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"client_id": "another"}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_said_before_the_browser_comes(
    house: House, who: Registered, changes: dict[str, str | None], error: str
) -> None:
    form = {name: values[0] for name, values in parameters(who.client.id, **changes).items()}
    answer = post(house, "/oauth/par", form, None, Authorization=_basic(who))
    assert error_of(answer) == (400, error)
    with house.database.connect() as connection:
        assert connection.exec_driver_sql("select count(*) from sso_requests").scalar() == 0


def test_only_the_client_itself_pushes(house: House, who: Registered) -> None:
    form = {name: values[0] for name, values in parameters(who.client.id).items()}
    assert error_of(post(house, "/oauth/par", form, None)) == (401, "invalid_client")
    assert error_of(post(house, "/oauth/par", {**form, "client_secret": "x"}, None)) == (401, "invalid_client")


def test_a_public_client_pushes_too(house: House) -> None:
    settle(house)
    public = register(house, authentication=ClientAuthentication.NONE)
    push(house, public)


def test_nobody_signs_in_to_a_departments_system(house: House, who: Registered) -> None:
    plain = house.registry.register(label="A", authority=USCC, scopes="openid")
    form = {name: values[0] for name, values in parameters(plain.client.id).items()}
    assert error_of(post(house, "/oauth/par", form, plain)) == (400, "unauthorized_client")


def test_a_proof_binds_the_code_to_come(house: House, who: Registered) -> None:
    key = new_key()
    reference = push(house, who, {"DPoP": proof(key, "/oauth/par")})
    pending = house.desk.open({"client_id": [who.client.id], "request_uri": [reference]})
    house.desk.need(pending, session(house))
    code = answer_of(house.desk.approve(pending, session(house)))["code"]
    assert error_of(redeem(house, who, code, {"DPoP": proof(new_key())})) == (400, "invalid_grant")
    form = {name: values[0] for name, values in parameters(who.client.id, dpop_jkt=new_key().thumbprint()).items()}
    answer = post(house, "/oauth/par", form, who, DPoP=proof(key, "/oauth/par"))
    assert error_of(answer) == (400, "invalid_dpop_proof")


def test_two_methods_at_the_door_are_refused(house: House, who: Registered) -> None:
    form = {name: values[0] for name, values in parameters(who.client.id).items()}
    answer = post(house, "/oauth/par", form, who, Authorization=_basic(who))
    assert error_of(answer) == (400, "invalid_request")


def _basic(who: Registered) -> str:
    return "Basic " + base64.b64encode(f"{who.client.id}:{who.secret}".encode()).decode()
