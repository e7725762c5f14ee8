from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from sso.keycloak.routes import blueprint
from sso.keycloak.upstream_tokens import LOGOUT_EVENT
from tests.fakes import FixedClock
from tests.sso.keycloak.house import ISSUER, House, signed
from trust.http import problems
from trust.http.rate import RateLimiter
from trust.kernel.randomness import SystemRandomness

LOGOUT = "/sso/upstream/province/logout"


@pytest.fixture
def client(house: House, clock: FixedClock) -> Iterator[FlaskClient]:
    app = APIFlask(__name__)
    problems.install(app, randomness=SystemRandomness(), page=lambda problem: problem.code)
    app.register_blueprint(blueprint(house.desk, RateLimiter(5, clock)))
    with app.test_client() as opened:
        yield opened


def _token(house: House) -> str:
    claims = {"iss": ISSUER, "aud": "yinxin", "iat": house.moment, "exp": house.moment + 60, "jti": "j", "sub": "p"}
    return signed(claims | {"events": {LOGOUT_EVENT: {}}}, typ="logout+jwt")


def test_a_good_logout_token_is_answered_with_nothing_and_not_kept(house: House, client: FlaskClient) -> None:
    answer = client.post(LOGOUT, data={"logout_token": _token(house)})
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("data", [{}, {"logout_token": ""}, {"logout_token": "a.b.c"}, {"logout_token": ["a", "b"]}])
def test_anything_else_is_an_invalid_request(client: FlaskClient, data: dict[str, object]) -> None:
    answer = client.post(LOGOUT, data=data)
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "invalid_request"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_json_body_is_an_invalid_request(house: House, client: FlaskClient) -> None:
    assert client.post(LOGOUT, json={"logout_token": _token(house)}).status_code == 400


def test_a_used_token_is_an_invalid_request(house: House, client: FlaskClient) -> None:
    token = _token(house)
    assert client.post(LOGOUT, data={"logout_token": token}).status_code == 200
    assert client.post(LOGOUT, data={"logout_token": token}).status_code == 400


def test_an_unknown_upstream_is_not_found(client: FlaskClient) -> None:
    assert client.post("/sso/upstream/nowhere/logout", data={"logout_token": "x"}).status_code == 404


def test_guessing_is_slowed_down(client: FlaskClient) -> None:
    answers = [client.post(LOGOUT, data={"logout_token": "x"}).status_code for _ in range(6)]
    assert answers == [400] * 5 + [429]
