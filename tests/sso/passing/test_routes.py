"""The counter's HTTP interface, and the certificate API with a person's token."""

from dataclasses import replace

import pytest
from apiflask import APIFlask

from sso.accounts.domain import ProofingLevel
from sso.passing.api_access import ApiTokens, is_persons
from sso.passing.errors import ProofingTooLow
from sso.passing.offline import OfflineDesk, OfflineParts
from sso.passing.routes import Desks, blueprint
from sso.passing.store.offline import SqlAssertions
from sso.provider.claims import Representation
from sso.signin.domain import Strength
from tests.sso.passing.support import (
    API_AUDIENCE,
    CITIZEN_NUMBER,
    COMPANY_NUMBER,
    ISSUER,
    LICENCE,
    RENEWAL,
)
from trust.formats.holders import HolderNumber
from trust.http import parsing, problems
from trust.http.access import Principal
from trust.http.errors import ProofRefused
from trust.kernel.errors import NotAuthenticated, TrustError

HOLDER = {"kind": "111", "number": CITIZEN_NUMBER.number}


class Systems:
    def __init__(self, world) -> None:
        self._known = {
            "hall": Principal(client=world.hall.id, authority="a", scopes=frozenset({"counter:assist"}), label="hall"),
            "next": Principal(client=world.next.id, authority="a", scopes=frozenset({"counter:assist"}), label="next"),
            "mute": Principal(client=world.hall.id, authority="a", scopes=frozenset(), label="hall"),
        }

    def check(self, token):
        if token not in self._known:
            raise NotAuthenticated
        return self._known[token]


class Proofs:
    def at_resource(self, proof, *, method, path, access_token):
        if proof != f"proof for {method} {path}":
            raise ProofRefused
        return "key-a"


@pytest.fixture
def client(world):
    parts = OfflineParts(
        signer=world.token_signer,
        store=SqlAssertions(world.database),
        cases=world.cases_store,
        targets=world.targets,
        narrowing=world.grant._parts.narrowing,
        subjects=world.subjects,
    )
    desks = Desks(
        cases=world.cases,
        presence=world.presence,
        offline=OfflineDesk(parts, issuer=ISSUER, clock=world.clock, randomness=world.randomness),
        reader=world.reader,
        clients=world.clients,
        proofs=Proofs(),
        audience=ISSUER,
    )
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=64 * 1024, max_upload_bytes=1024)
    app.register_blueprint(blueprint(desks, Systems(world)))
    return app.test_client()


def post(client, path, body, token, scheme="Bearer", **headers):
    return client.post(f"/api/v1{path}", json=body, headers={"Authorization": f"{scheme} {token}", **headers})


def opened(world, client, **options):
    body = {"counter": world.counter.id, "matter": RENEWAL.code}
    return post(client, "/cases", body, options.pop("token", None) or world.clerk_token(), **options)


def test_the_assisted_flow_over_http(world, client):
    clerk = world.clerk_token()
    answer = opened(world, client, token=clerk)
    assert answer.status_code == 201
    case = answer.get_json()
    assert (case["purpose_zh"], case["counter"]["name"]) == (RENEWAL.purpose_zh, "3号窗口")
    body = {"counter": world.counter.id, "holder": HOLDER, "code": "123456"}
    shown = post(client, "/presence/otp", body, clerk)
    assert (shown.status_code, shown.headers["Cache-Control"]) == (201, "no-store")
    assert CITIZEN_NUMBER.number not in shown.text
    form = {"presence": "yes", "subject_token": shown.get_json()["presence"], "actor_token": clerk}
    token = world.exchange(world.hall, case=case["case"], audience=world.hall.id, **form)["access_token"]
    asked = {"token": token, "audience": world.next.id}
    offline = post(client, "/offline/assertions", asked, "hall").get_json()["assertion"]
    use = {"assertion": offline, "used_at": world.clock.now().isoformat()}
    answered = post(client, "/offline/reconcile", {"uses": [use, use]}, "hall").get_json()["uses"]
    assert [each["status"] for each in answered] == ["recorded", "replayed"]
    assert post(client, f"/cases/{case['case']}/close", {}, clerk).get_json() == {"case": case["case"], "closed": True}
    with pytest.raises(TrustError):
        world.read(token)


def test_a_checked_card_over_http(world, client):
    body = {
        "counter": world.counter.id,
        "holder": HOLDER,
        "name": "张示例",
        "document_kind": "111",
        "document_expires": "2036-11-20",
        "read_by": "reader",
        "portrait_matches": True,
    }
    answer = post(client, "/presence/card", body, world.clerk_token())
    assert (answer.status_code, answer.get_json()["method"], answer.get_json()["expires_in"]) == (201, "card", 120)
    refused = post(client, "/presence/card", body | {"name": "别人"}, world.clerk_token())
    assert (refused.status_code, refused.get_json()["code"]) == (403, "presence-refused")
    assert CITIZEN_NUMBER.number not in refused.text


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/cases", {}, "field-missing"),
        ("/cases", {"counter": "x", "matter": "y", "purpose": "z"}, "field-unknown"),
        ("/cases", {"counter": "x" * 65, "matter": "y"}, "field-invalid"),
        ("/cases", {"counter": "x", "matter": RENEWAL.code}, "clerk-elsewhere"),
        ("/cases/none/close", {}, "case-unknown"),
        (
            "/presence/otp",
            {"counter": "x", "holder": {"kind": "111", "number": "1"}, "code": "1"},
            "resident-id-length",
        ),
        ("/presence/otp", {"counter": "x", "holder": HOLDER, "code": "1" * 17}, "field-invalid"),
    ],
)
def test_bad_input_has_its_code(world, client, path, body, code):
    found = post(client, path, body, world.clerk_token()).get_json()["code"]
    assert found == code or (code == "resident-id-length" and found.startswith("resident-id"))


def test_who_is_no_clerk_gets_nowhere(world, client):
    citizen = world.token(world.citizen, world.hall, audience=ISSUER)
    assert opened(world, client, token=citizen).get_json()["code"] == "scope-missing"
    weak = world.clerk_token(strength=Strength.PASSWORD)
    assert opened(world, client, token=weak).get_json()["code"] == "clerk-strength-too-low"
    assert opened(world, client, token="nonsense").status_code == 401
    assert client.post("/api/v1/cases", json={}).get_json()["code"] == "token-missing"


@pytest.mark.parametrize("path", ["/cases", "/cases/none/close", "/presence/otp", "/presence/card"])
def test_a_clerks_token_that_is_for_another_system_is_no_use_here(world, client, path):
    """Its resource server has seen it, and could act in the clerk's name."""
    for audience in (world.hall.relying.resource, API_AUDIENCE, ISSUER + "/"):
        answer = post(client, path, {}, world.clerk_token(audience=audience))
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token-foreign")


def test_a_bound_token_comes_with_its_proof(world, client):
    token = world.clerk_token(confirmation="key-a")
    assert opened(world, client, token=token).status_code == 401
    proved = opened(world, client, token=token, scheme="DPoP", DPoP="proof for POST /api/v1/cases")
    assert proved.status_code == 201
    other = world.clerk_token(confirmation="key-b")
    assert opened(world, client, token=other, scheme="DPoP", DPoP="proof for POST /api/v1/cases").status_code == 401


def test_an_assertion_is_made_for_the_system_of_the_case_alone(world, client):
    """The system to which the token was passed holds it too, and would pass it where it may not."""
    token = world.exchange(world.hall, subject_token=world.assisted(), audience=world.next.id)["access_token"]
    asked = {"token": token, "audience": world.last.id}
    answer = post(client, "/offline/assertions", asked, "next")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "offline-refused")
    assert post(client, "/offline/assertions", {**asked, "audience": world.next.id}, "hall").status_code == 200
    assert post(client, "/offline/assertions", {"audience": world.next.id}, token).status_code == 401
    assert post(client, "/offline/assertions", asked, "mute").get_json()["code"] == "scope-missing"
    for dead in ("", "x.y.z", world.clerk_token()):
        answer = post(client, "/offline/assertions", {"token": dead, "audience": world.next.id}, "hall")
        assert answer.get_json()["code"] == "offline-refused"


def test_uses_are_reported_by_systems_with_the_right(world, client):
    body = {"uses": [{"assertion": "x", "used_at": "2026-11-21T08:00:00Z"}]}
    assert post(client, "/offline/reconcile", body, "mute").get_json()["code"] == "scope-missing"
    assert post(client, "/offline/reconcile", {"uses": []}, "hall").get_json()["code"] == "field-invalid"
    many = {"uses": body["uses"] * 101}
    assert post(client, "/offline/reconcile", many, "hall").get_json()["code"] == "field-invalid"
    naive = {"uses": [{"assertion": "x", "used_at": "2026-11-21T08:00:00"}]}
    assert post(client, "/offline/reconcile", naive, "hall").get_json()["code"] == "field-invalid"
    answer = post(client, "/offline/reconcile", body, "hall").get_json()
    assert answer == {"uses": [{"id": None, "status": "forged", "hop": None}]}


class TestApi:
    @pytest.fixture
    def tokens(self, world):
        return ApiTokens(
            systems=Systems(world),
            people=world.reader,
            clients=world.clients,
            persons=world.persons,
            registers=world.registers,
            audience=API_AUDIENCE,
        )

    def test_a_departments_token_is_what_it_was(self, tokens):
        principal = tokens.check("hall")
        assert (principal.bound, principal.scopes) == (None, {"counter:assist"})

    def test_a_persons_token_is_bound_to_people_types_purpose_and_hop(self, world, tokens):
        token = world.exchange(world.hall, subject_token=world.assisted(), audience="api")["access_token"]
        principal = tokens.check(token)
        bound = principal.bound
        assert (principal.client, principal.scopes) == (world.hall.id, {"certs:read"})
        assert bound.holders == (CITIZEN_NUMBER,)
        assert (bound.types, bound.purpose, bound.purpose_zh) == (RENEWAL.types, RENEWAL.purpose, RENEWAL.purpose_zh)
        assert (bound.clerk, bound.counter) == ("王** (****34)", "3号窗口")
        assert bound.hop == world.read(token).contents.hop
        assert CITIZEN_NUMBER.number not in repr(principal)

    def test_the_purpose_is_that_of_the_chain_however_long(self, world, tokens):
        first = world.exchange(world.hall, subject_token=world.assisted(), audience=world.next.id)["access_token"]
        token = world.exchange(world.next, subject_token=first, audience="api")["access_token"]
        assert tokens.check(token).bound.purpose_zh == RENEWAL.purpose_zh

    def test_the_represented_are_holders_too(self, world, tokens):
        _, facts = world.represented()
        token = world.matter_token(world.citizen, world.portal, **facts)
        passed = world.exchange(world.portal, subject_token=token, audience="api")["access_token"]
        bound = tokens.check(passed).bound
        assert (bound.holders, bound.types) == ((CITIZEN_NUMBER, COMPANY_NUMBER), {LICENCE})

    @pytest.mark.parametrize("level", list(ProofingLevel))
    def test_certificates_are_read_of_people_known_by_a_document(self, world, tokens, level):
        """Whoever knows a name and a number may have registered with them."""
        stranger = replace(world.citizen, level=level)
        token = world.exchange(world.portal, subject_token=world.matter_token(stranger, world.portal), audience="api")
        if level >= ProofingLevel.DOCUMENT_CHECKED:
            assert tokens.check(token["access_token"]).bound is not None
            return
        with pytest.raises(ProofingTooLow) as caught:
            tokens.check(token["access_token"])
        assert caught.value.code == "proofing-too-low"

    def test_a_represented_natural_person_is_known_too(self, world, tokens):
        other = world.person(HolderNumber(kind="111", number="119999199501010086"), "李他人")
        _, facts = world.represented(principal=other.id)
        facts["represents"] = Representation(
            person=other.id, mandate=facts["represents"].mandate, kind="one-off", name=other.name, uscc=None
        )
        token = world.matter_token(world.citizen, world.portal, **facts)
        passed = world.exchange(world.portal, subject_token=token, audience="api")["access_token"]
        assert other.code in tokens.check(passed).bound.holders
        world.persons.all[other.id] = replace(other, level=ProofingLevel.TWO_ELEMENT_MATCH)
        with pytest.raises(ProofingTooLow):
            tokens.check(passed)

    def test_a_token_for_somebody_else_opens_nothing(self, world, tokens):
        with pytest.raises(NotAuthenticated) as caught:
            tokens.check(world.matter_token(world.citizen, world.portal))
        assert caught.value.code == "token-foreign"

    def test_a_sign_in_for_a_matter_opens_by_the_registers_own_words(self, world, tokens):
        token = world.matter_token(world.citizen, world.portal, audience=API_AUDIENCE)
        assert tokens.check(token).bound.purpose_zh == RENEWAL.purpose_zh
        del world.registers.matters[RENEWAL.code]
        with pytest.raises(NotAuthenticated):
            tokens.check(token)

    def test_without_a_purpose_nothing_opens(self, world, tokens):
        with pytest.raises(NotAuthenticated) as caught:
            tokens.check(world.token(world.citizen, world.portal, audience=API_AUDIENCE))
        assert caught.value.code == "token-foreign"

    def test_a_disabled_system_opens_nothing(self, world, tokens):
        token = world.exchange(world.hall, subject_token=world.assisted(), audience="api")["access_token"]
        world.clients.disable(world.hall.id, world.clock.now())
        with pytest.raises(NotAuthenticated):
            tokens.check(token)

    @pytest.mark.parametrize(
        "text", ["", "a.b.c", "a", "..", "a.W10.c", "a.eyJyZWYiOjF9", "a." + "W" * 5000 + ".c", "é.é"]
    )
    def test_what_is_no_token_is_judged_by_somebody(self, tokens, text):
        is_persons(text)
        with pytest.raises(NotAuthenticated):
            tokens.check(text)
