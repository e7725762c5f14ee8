"""Proofing in person over HTTP: whose token, which document, what comes back."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from apiflask import APIFlask
from structlog.testing import capture_logs

from sso.accounts.clerk_access import ClerkAccess
from sso.accounts.clerk_days import ClerkDays
from sso.accounts.counter_desk import CounterDesk
from sso.accounts.domain import ProofingLevel
from sso.accounts.routes import blueprint
from sso.accounts.store.clerk_days import SqlClerkDays
from sso.counters.domain import Clerk
from sso.passing.errors import ClerkElsewhere, NotAClerk
from sso.provider.claims import Assurance, ReadToken, TokenContents
from sso.provider.errors import TokenMalformed
from sso.signin.domain import Strength
from tests.sso.accounts.world import COMPANY, COUNTER, NAME, OTHER, PASSPORT, RESIDENT, World
from trust.http import parsing, problems

CLERK = "clerk"
MOST = 5
AUDIENCE = "http://127.0.0.1:8080/api"
BODY = {
    "holder": {"kind": "111", "number": RESIDENT.number, "name": NAME},
    "document": {"kind": "111", "expires": "2036-11-20"},
    "counter": COUNTER,
}


@dataclass(frozen=True)
class AtCounter:
    clerk: Clerk


class Parts:
    """Tokens, duty and control in memory, as the wiring plugs them in."""

    def __init__(self, world: World) -> None:
        self.world = world
        moment = datetime(2026, 11, 21, tzinfo=UTC)
        contents = TokenContents(
            client="counter-system",
            audience=AUDIENCE,
            person=world.clerk().person,
            grant="G",
            session="S",
            scopes=frozenset({"counter:assist"}),
            assurance=Assurance(
                level=ProofingLevel.IN_PERSON, strength=Strength.PASSKEY, methods=("hwk",), auth_time=moment
            ),
            ties=frozenset(),
        )
        self.contents = contents
        self.shown: dict[str, str] = {}
        self.open: set[str] = set()

    def read(self, token: str) -> ReadToken:
        changed = {
            "clerk": {},
            "citizen": {"person": "someone"},
            "bound": {"confirmation": "thumbprint"},
            "elsewhere": {"audience": "https://other.example/api"},
            "scopeless": {"scopes": frozenset({"openid"})},
        }
        if token not in changed:
            raise TokenMalformed
        return ReadToken(
            jti="J",
            subject="sub",
            issued_at=self.world.clock.now(),
            expires_at=self.world.clock.now(),
            contents=replace(self.contents, **changed[token]),
            claims={},
        )

    def stand(self, token: ReadToken, counter_id: str) -> AtCounter:
        clerk = self.world.clerk()
        if token.contents.person != clerk.person:
            raise NotAClerk
        if counter_id not in clerk.counters:
            raise ClerkElsewhere(field="counter")
        return AtCounter(clerk)

    def has_way_in(self, person_id: str) -> bool:
        return person_id in self.open

    def is_shown(self, code: str, *, person: str) -> bool:
        return self.shown.pop(code, None) == person


class Served:
    def __init__(self, world: World) -> None:
        self.parts = Parts(world)
        desk = CounterDesk(
            register=world.register,
            applications=world.applications,
            ways_in=self.parts,
            days=ClerkDays(SqlClerkDays(world.database), most=MOST, clock=world.clock),
            control=self.parts,
        )
        app = APIFlask(__name__)
        problems.install(app)
        parsing.install(app, max_json_bytes=4096, max_upload_bytes=1024)
        app.register_blueprint(blueprint(desk, ClerkAccess(tokens=self.parts, duty=self.parts, audience=AUDIENCE)))
        self.client = app.test_client()

    def post(self, body=BODY, *, token=CLERK, scheme="Bearer"):
        return self.client.post("/api/v1/persons/proofing", json=body, headers={"Authorization": f"{scheme} {token}"})


@pytest.fixture
def served(world: World) -> Served:
    return Served(world)


def test_a_person_without_an_account_is_registered_with_a_ticket_to_choose_a_password(
    world: World, served: Served
) -> None:
    answer = served.post()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    ticket = body.pop("enrolment")["ticket"]
    assert body == {
        "level": 3,
        "ial": "urn:yinxin:ial:3",
        "holder": {"kind": "111", "number": RESIDENT.masked, "name": "孙**"},
        "document_expires": "2036-11-20",
        "registered": True,
    }
    person = world.applications.redeem(ticket)
    assert person is not None
    assert person.code == RESIDENT
    [piece] = world.register.evidence(person.id)
    assert (piece.counter, piece.clerk) == (COUNTER, "clerk-1")


def test_an_account_of_a_stranger_loses_its_credentials_and_the_person_gets_a_ticket(
    world: World, served: Served
) -> None:
    before = world.person()
    answer = served.post()
    assert answer.status_code == 200
    assert answer.get_json()["registered"] is False
    assert world.is_cut(before)
    person = world.applications.redeem(answer.get_json()["enrolment"]["ticket"])
    assert person == world.register.get(before.id)


def test_an_account_that_somebody_can_sign_in_to_is_neither_raised_nor_taken_by_one_clerk(
    world: World, served: Served
) -> None:
    before = world.person()
    served.parts.open.add(before.id)
    with capture_logs() as lines:
        answer = served.post()
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account-control-needed")
    assert world.register.get(before.id) == before  # whoever holds the password stays below what certificates need
    assert list(world.register.evidence(before.id)) == []
    assert not world.is_cut(before)
    [line] = [line for line in lines if line["event"] == "account-control-needed"]
    assert (line["log_level"], line["clerk"], line["counter"]) == ("warning", "clerk-1", COUNTER)
    served.parts.shown["code"] = before.id
    assert served.post({**BODY, "presence": "code"}).get_json()["level"] == 3


def test_an_account_whose_holder_was_seen_before_is_proofed_again_without_its_phone(
    world: World, served: Served
) -> None:
    before = world.in_person(world.person().id)
    served.parts.open.add(before.id)
    answer = served.post()
    assert (answer.status_code, answer.get_json()["enrolment"]) == (200, None)
    assert world.register.get(before.id).credentials_from == before.credentials_from


def test_a_clerk_acts_on_accounts_so_often_a_day_and_no_more(world: World, served: Served) -> None:
    for _ in range(MOST):
        assert served.post().status_code in {200, 201}
    with capture_logs() as lines:
        answer = served.post()
    assert (answer.status_code, answer.get_json()["code"]) == (429, "clerk-day-full")
    [line] = [line for line in lines if line["event"] == "clerk-day-full"]
    assert (line["clerk"], line["counter"], line["act"]) == ("clerk-1", COUNTER, "proofing")
    world.clock.advance(hours=8)  # 16:00 UTC is the next day in China
    assert served.post().status_code == 200


def test_guesses_at_names_count_as_acts(served: Served) -> None:
    served.post()
    for _ in range(MOST - 1):
        answer = served.post({**BODY, "holder": {**BODY["holder"], "name": "赵示例"}})
        assert answer.get_json()["code"] == "name-mismatch"
    assert served.post().get_json()["code"] == "clerk-day-full"


def test_a_person_who_shows_the_account_keeps_it(world: World, served: Served) -> None:
    before = world.person()
    served.parts.shown["code"] = before.id
    answer = served.post({**BODY, "presence": "code"})
    assert (answer.status_code, answer.get_json()["level"], answer.get_json()["enrolment"]) == (200, 3, None)
    assert not world.is_cut(before)


def test_a_code_of_someone_else_changes_nothing(world: World, served: Served) -> None:
    before, other = world.person(), world.person(OTHER)
    served.parts.shown["code"] = other.id
    answer = served.post({**BODY, "presence": "code"})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account-control-not-shown")
    assert world.register.get(before.id) == before


def test_a_document_without_an_end_is_said_so(served: Served) -> None:
    answer = served.post({**BODY, "document": {"kind": "111", "expires": None}})
    assert (answer.status_code, answer.get_json()["document_expires"]) == (201, None)


def test_an_organisation_gets_no_ticket(served: Served) -> None:
    holder = {"kind": "001", "number": COMPANY.number, "name": "演示市朝晖区㛃䶮小馆"}
    answer = served.post({**BODY, "holder": holder, "document": {"kind": "001", "expires": None}})
    assert (answer.status_code, answer.get_json()["enrolment"]) == (201, None)


@pytest.mark.parametrize(
    ("token", "scheme", "status", "code"),
    [
        ("forged", "Bearer", 401, "token-malformed"),
        ("", "Bearer", 401, "token-missing"),
        ("clerk", "Basic", 401, "token-missing"),
        ("elsewhere", "Bearer", 401, "token-foreign"),
        ("scopeless", "Bearer", 403, "scope-missing"),
        ("citizen", "Bearer", 403, "not-a-clerk"),
        ("bound", "Bearer", 401, "proof-refused"),
    ],
)
def test_only_a_clerks_own_living_token_is_admitted(
    served: Served, world: World, token: str, scheme: str, status: int, code: str
) -> None:
    answer = served.post(token=token, scheme=scheme)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert world.register.find(RESIDENT) is None


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"),
    [
        ({"counter": "counter-2"}, 403, "clerk-elsewhere", "counter"),
        ({"counter": 1}, 422, "field-invalid", "counter"),
        ({"clerk": "clerk-2"}, 422, "field-unknown", "clerk"),
        ({"holder": {**BODY["holder"], "number": "110105194912310021"}}, 422, "resident-id-check", "holder.number"),
        ({"holder": {**BODY["holder"], "kind": "112"}}, 422, "holder-kind-unknown", "holder.kind"),
        ({"holder": {**BODY["holder"], "name": ""}}, 422, "text-length", "name"),
        ({"holder": {"kind": "111", "name": NAME}}, 422, "field-missing", "holder.number"),
        ({"document": {"kind": "414", "expires": None}}, 422, "document-kind-mismatch", "document_kind"),
        ({"document": {"kind": "111"}}, 422, "field-missing", "document.expires"),
        ({"document": {"kind": "111", "expires": "2026-11-20"}}, 422, "document-expired", "document_expires"),
        ({"document": {"kind": "111", "expires": "2026-13-01"}}, 422, "field-invalid", "document.expires"),
        ({"document": {"kind": "111", "expires": 20361120}}, 422, "field-invalid", "document.expires"),
    ],
)
def test_bad_input_has_its_code_and_registers_nobody(
    served: Served, world: World, changed: dict[str, object], status: int, code: str, field: str
) -> None:
    answer = served.post({**BODY, **changed})
    problem = answer.get_json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert RESIDENT.number not in answer.text
    assert world.register.find(RESIDENT) is None


def test_a_number_under_another_name_is_a_matter_of_a_rename(served: Served, world: World) -> None:
    before = world.register.register(RESIDENT, "别名")
    answer = served.post()
    assert (answer.status_code, answer.get_json()["code"]) == (409, "name-mismatch")
    assert world.register.get(before.id) == before


def test_a_clerk_does_not_check_their_own_document(served: Served, world: World) -> None:
    own = world.register.get(world.clerk().person)
    holder = {"kind": "111", "number": own.code.number, "name": own.name}
    answer = served.post({**BODY, "holder": holder})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "clerk-proofs-themselves")


def test_an_account_that_is_not_active_is_not_proofed(served: Served, world: World) -> None:
    world.register.disable(world.person().id, by="王经办", reason="调查期间")
    answer = served.post()
    assert (answer.status_code, answer.get_json()["code"]) == (409, "person-not-active")


def test_a_merged_number_is_proofed_as_the_survivor(served: Served, world: World) -> None:
    survivor, duplicate = world.person(), world.register.register(PASSPORT, NAME)
    world.register.merge(duplicate.id, survivor.id, requested_by="王经办", approved_by="李审批")
    holder = {"kind": "414", "number": PASSPORT.number, "name": NAME}
    answer = served.post({**BODY, "holder": holder, "document": {"kind": "414", "expires": None}})
    assert answer.status_code == 200
    assert world.register.find(RESIDENT).level is ProofingLevel.IN_PERSON
