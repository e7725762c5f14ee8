"""The catalogue is open; counters and clerks are shown to their own authority only."""

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from sso.counters.routes import blueprint
from tests.sso.counters.support import AUTHORITY, FOOD, OTHER_AUTHORITY, Town, matter
from trust.http import parsing, problems
from trust.http.access import Principal
from trust.kernel.errors import NotAuthenticated

PRINCIPALS = {
    "own": Principal(client="c1", authority=AUTHORITY, scopes=frozenset({"counters:read"}), label="Own"),
    "other": Principal(client="c2", authority=OTHER_AUTHORITY, scopes=frozenset({"counters:read"}), label="Other"),
    "none": Principal(client="c3", authority=AUTHORITY, scopes=frozenset({"certs:read"}), label="None"),
}


class Tokens:
    def check(self, token: str) -> Principal:
        if token not in PRINCIPALS:
            raise NotAuthenticated
        return PRINCIPALS[token]


@pytest.fixture
def client(town: Town) -> FlaskClient:
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=4096, max_upload_bytes=4096)
    app.register_blueprint(blueprint(town.register, Tokens()))
    return app.test_client()


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def test_anyone_reads_the_matters_in_force(town: Town, client: FlaskClient) -> None:
    town.register.add_matter(matter())
    town.register.add_matter(matter("old", types=()))
    town.register.retire_matter("old")
    answer = client.get("/api/v1/matters")
    assert "max-age" in answer.headers["Cache-Control"]
    listed = answer.get_json()["matters"]
    assert [(each["code"], each["types"], each["in_force"]) for each in listed] == [("food-licence", [FOOD], True)]
    assert client.get("/api/v1/matters/old").get_json()["in_force"] is False
    missing = client.get("/api/v1/matters/none")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "matter-unknown")


def test_an_authority_reads_its_own_counters_and_clerks(town: Town, client: FlaskClient) -> None:
    counter = town.counter()
    clerk = town.clerk(town.persons.natural("郑窗口"), counter)
    shown = client.get("/api/v1/counters", headers=bearer("own"))
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.get_json()["counters"] == [
        {"id": counter.id, "name": counter.name, "authority": AUTHORITY, "systems": ["system-a"], "open": True}
    ]
    assert client.get(f"/api/v1/counters/{counter.id}", headers=bearer("own")).get_json()["id"] == counter.id
    listed = client.get("/api/v1/clerks", headers=bearer("own")).get_json()["clerks"]
    assert listed == [client.get(f"/api/v1/clerks/{clerk.id}", headers=bearer("own")).get_json()]
    assert (listed[0]["name"], listed[0]["staff_number"], listed[0]["enabled"]) == ("郑**", "YS-0427", True)
    assert "person" not in listed[0]


def test_another_authority_learns_nothing(town: Town, client: FlaskClient) -> None:
    counter = town.counter()
    clerk = town.clerk(town.persons.natural("郑窗口"), counter)
    assert client.get("/api/v1/counters", headers=bearer("other")).get_json() == {"counters": []}
    assert client.get("/api/v1/clerks", headers=bearer("other")).get_json() == {"clerks": []}
    for path, code in (
        (f"/api/v1/counters/{counter.id}", "counter-unknown"),
        ("/api/v1/counters/none", "counter-unknown"),
        (f"/api/v1/clerks/{clerk.id}", "clerk-unknown"),
        ("/api/v1/clerks/none", "clerk-unknown"),
    ):
        answer = client.get(path, headers=bearer("other"))
        assert (answer.status_code, answer.get_json()["code"]) == (404, code)


@pytest.mark.parametrize("path", ["/counters", "/counters/x", "/clerks", "/clerks/x"])
def test_the_scope_is_needed(client: FlaskClient, path: str) -> None:
    assert client.get(f"/api/v1{path}").status_code == 401
    assert client.get(f"/api/v1{path}", headers=bearer("wrong")).status_code == 401
    refused = client.get(f"/api/v1{path}", headers=bearer("none"))
    assert (refused.status_code, refused.get_json()["code"]) == (403, "scope-missing")
