"""Mandates over the API: for persons with a token of their own, and with nobody between."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from sso.accounts.domain import Person, ProofingLevel
from sso.mandates.caller import OwnTokens
from sso.mandates.naming import Naming
from sso.mandates.routes import blueprint
from sso.provider.claims import Assurance, ReadToken, Representation, TokenContents
from sso.provider.errors import TokenRevoked
from sso.signin.domain import Strength
from tests.fakes import MOMENT, FixedClock
from tests.sso.counters.support import resident_number, uscc
from tests.sso.mandates.support import LICENCE, Office
from trust.http import parsing, problems
from trust.http.rate import RateLimiter

ISSUER = "http://127.0.0.1:8080"
RATE = 6


class Reader:
    def __init__(self) -> None:
        self.known: dict[str, ReadToken] = {}

    def read(self, token: str) -> ReadToken:
        if token not in self.known:
            raise TokenRevoked
        return self.known[token]

    def token(self, name: str, person: Person, **values: object) -> str:
        contents = TokenContents(
            client="c1",
            audience=ISSUER,
            person=person.id,
            grant="g1",
            session="s1",
            scopes=frozenset({"mandates"}),
            assurance=Assurance(
                level=ProofingLevel.IN_PERSON, strength=Strength.ONE_TIME_CODE, methods=("otp",), auth_time=MOMENT
            ),
            ties=frozenset(),
        )
        self.known[name] = ReadToken(
            jti=name,
            subject="x",
            issued_at=MOMENT,
            expires_at=MOMENT + timedelta(minutes=5),
            contents=replace(contents, **values),  # type: ignore[arg-type]
            claims={},
        )
        return name


@pytest.fixture
def reader(office: Office) -> Reader:
    made = Reader()
    for name in ("boss", "agent", "other"):
        made.token(name, getattr(office, name))
    return made


@pytest.fixture
def client(office: Office, reader: Reader) -> FlaskClient:
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=4096, max_upload_bytes=4096)
    tokens = OwnTokens(reader=reader, audience=ISSUER)
    naming, limiter = Naming(office.town.persons), RateLimiter(RATE, FixedClock())
    app.register_blueprint(blueprint(office.desk, office.representatives, naming, tokens, limiter))
    return app.test_client()


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def body(office: Office, **values: Any) -> dict[str, Any]:
    agent = office.agent
    return {
        "kind": "standing-agent",
        "organisation": {"kind": "001", "number": office.firm.code.number},
        "agent": {"kind": "111", "number": agent.code.number, "name": agent.name},
        "matters": [LICENCE],
        "valid_until": "2027-11-21T00:00:00+08:00",
    } | values


def post(client: FlaskClient, name: str, path: str = "", json: object = None) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/api/v1/mandates{path}", headers=bearer(name), json=json)
    return answer.status_code, answer.get_json()


def test_a_mandate_is_granted_accepted_shown_and_withdrawn(office: Office, client: FlaskClient) -> None:
    answer = client.post("/api/v1/mandates", headers=bearer("boss"), json=body(office))
    made = answer.get_json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert (made["principal"], made["agent"], made["accepted"]) == ("演示小馆", "钱**", False)
    assert made["valid_until"] == "2027-11-20T16:00:00+00:00"
    path = f"/{made['id']}"
    assert answer.headers["Location"].endswith(path)
    assert post(client, "agent", f"{path}/accept")[1]["accepted"] is True
    mine = client.get("/api/v1/mandates", headers=bearer("agent")).get_json()
    assert [each["id"] for each in mine["as_agent"]] == [made["id"]]
    granted = client.get("/api/v1/mandates", headers=bearer("boss")).get_json()["granted"]
    assert [each["id"] for each in granted] == [office.own.id, made["id"]]
    assert post(client, "boss", f"{path}/withdraw")[1]["withdrawn_at"] == MOMENT.isoformat()
    assert office.is_cut(office.desk.get(made["id"]))


def test_nothing_personal_is_answered(office: Office, client: FlaskClient) -> None:
    office.granted()
    for name in ("boss", "agent"):
        text = client.get("/api/v1/mandates", headers=bearer(name)).get_data(as_text=True)
        for person in (office.boss, office.agent):
            assert person.code.number not in text
            assert person.id not in text
            assert person.name not in text


def test_a_natural_person_grants_for_themselves(office: Office, client: FlaskClient) -> None:
    asked = body(office, kind="one-off", organisation=None, valid_until="2026-12-01T00:00:00+08:00")
    status, made = post(client, "other", json=asked)
    assert (status, made["principal"], made["kind"]) == (201, "孙**", "one-off")


def test_a_mandate_is_shown_to_those_who_have_a_part(office: Office, client: FlaskClient) -> None:
    path = f"/api/v1/mandates/{office.granted().id}"
    for name in ("boss", "agent"):
        assert client.get(path, headers=bearer(name)).status_code == 200
    for unseen in (path, "/api/v1/mandates/none"):
        answer = client.get(unseen, headers=bearer("other"))
        assert (answer.status_code, answer.get_json()["code"]) == (404, "mandate-unknown")


def test_number_and_name_of_the_agent_have_to_fit(office: Office, client: FlaskClient) -> None:
    right = body(office)["agent"]
    for agent in (
        right | {"name": "钱别人"},
        right | {"number": resident_number(99)},
        {"kind": "001", "number": office.firm.code.number, "name": office.firm.name},
    ):
        status, refused = post(client, "boss", json=body(office, agent=agent))
        assert (status, refused["code"], refused["field"]) == (404, "mandate-agent-not-found", "agent")
    assert post(client, "boss", json=body(office, agent=right | {"name": " 钱 经办"}))[0] == 201


def test_a_stranger_learns_nothing_about_organisations_and_agents(office: Office, client: FlaskClient) -> None:
    wrong = {"kind": "111", "number": resident_number(99), "name": "某"}
    unknown = {"kind": "001", "number": uscc(5)}
    natural = {"kind": "111", "number": office.boss.code.number}
    for values in ({}, {"agent": wrong}, {"organisation": unknown}, {"organisation": natural}):
        status, refused = post(client, "other", json=body(office, **values))
        assert (status, refused["code"]) == (403, "mandate-not-entitled")


def test_naming_people_is_limited(office: Office, client: FlaskClient) -> None:
    wrong = body(office, agent={"kind": "111", "number": resident_number(99), "name": "某"})
    answers = [post(client, "boss", json=wrong)[0] for _ in range(RATE + 1)]
    assert answers == [404] * RATE + [429]
    assert post(client, "agent", "/representations", {"organisation": {"kind": "001", "number": uscc(5)}})[0] == 403


def test_whom_the_register_confirms_claims_an_organisation(office: Office, client: FlaskClient) -> None:
    second = office.town.persons.legal("演示二馆", number=uscc(7))
    claim = {"organisation": {"kind": "001", "number": second.code.number}}
    assert post(client, "agent", "/representations", claim)[1]["code"] == "mandate-representative-not-confirmed"
    office.register.entries[second.code.text] = (office.agent.code.text, office.agent.name)
    status, made = post(client, "agent", "/representations", claim)
    assert (status, made["kind"], made["principal"]) == (201, "legal-representative", "演示二馆")


def test_a_weak_sign_in_grants_nothing(office: Office, reader: Reader, client: FlaskClient) -> None:
    weak = Assurance(level=ProofingLevel.IN_PERSON, strength=Strength.PASSWORD, methods=("pwd",), auth_time=MOMENT)
    reader.token("weak", office.boss, assurance=weak)
    assert post(client, "weak", json=body(office))[1]["code"] == "mandate-step-up"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"scopes": frozenset({"openid"})}, "scope-missing"),
        ({"audience": "https://other.example"}, "token-foreign"),
        ({"audience": f"{ISSUER}/api"}, "token-foreign"),
        ({"confirmation": "thumb"}, "proof-refused"),
        ({"act": {"sub": "c2"}}, "mandate-own-session"),
        ({"depth": 1}, "mandate-own-session"),
        ({"clerk": "k1"}, "mandate-own-session"),
        ({"case": "a1"}, "mandate-own-session"),
        ({"session": None}, "mandate-own-session"),
        (
            {"represents": Representation(person="p", mandate="m", kind="one-off", name="x", uscc=None)},
            "mandate-own-session",
        ),
    ],
)
def test_only_a_token_of_the_persons_own_is_taken(
    office: Office, reader: Reader, client: FlaskClient, values: dict[str, object], code: str
) -> None:
    reader.token("strange", office.boss, **values)
    mandate = office.offer().id
    for path, json in (("", body(office)), (f"/{mandate}/accept", None), (f"/{mandate}/withdraw", None)):
        assert post(client, "strange", path, json)[1]["code"] == code
    assert client.get("/api/v1/mandates", headers=bearer("strange")).get_json()["code"] == code
    assert office.desk.get(mandate).withdrawn_at is None


def test_without_a_living_token_nothing_is_answered(client: FlaskClient) -> None:
    assert client.get("/api/v1/mandates").get_json()["code"] == "token-missing"
    assert client.get("/api/v1/mandates", headers=bearer("gone")).get_json()["code"] == "token-revoked"


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"kind": "everything"}, "field-invalid", "kind"),
        ({"kind": "legal-representative"}, "mandate-kind", "kind"),
        ({"matters": []}, "mandate-matters", "matters"),
        ({"matters": ["none"]}, "matter-unknown", "matter"),
        ({"matters": ["a\x00"]}, "matter-unknown", "matter"),
        ({"matters": ["x"] * 51}, "field-invalid", "matters"),
        ({"types": ["none"]}, "mandate-types", "types"),
        ({"valid_until": "2027-01-01T00:00:00"}, "mandate-time", "valid_until"),
        ({"valid_until": "9999-12-31T23:59:59-23:00"}, "mandate-time", "valid_until"),
        (
            {"valid_from": "0001-01-01T00:00:00+23:00", "valid_until": "0001-01-02T00:00:00Z"},
            "mandate-time",
            "valid_until",
        ),
        ({"valid_until": 7}, "field-invalid", "valid_until"),
        ({"surprise": 1}, "field-unknown", "surprise"),
        ({"organisation": {"kind": "001", "number": "91"}}, "uscc-length", "holder.number"),
    ],
)
def test_a_bad_grant_names_the_field(
    office: Office, client: FlaskClient, values: dict[str, object], code: str, field: str
) -> None:
    _status, refused = post(client, "boss", json=body(office, **values))
    assert (refused["code"], refused["field"]) == (code, field)
