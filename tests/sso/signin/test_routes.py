"""Recovery codes handed out over HTTP: whose token, which document, what comes back."""

from dataclasses import dataclass, replace

import pytest
from apiflask import APIFlask
from structlog.testing import capture_logs

from sso.accounts.clerk_access import ClerkAccess
from sso.accounts.clerk_days import ClerkDays
from sso.accounts.domain import ProofingLevel
from sso.accounts.store.clerk_days import SqlClerkDays
from sso.counters.domain import Clerk
from sso.passing.errors import ClerkElsewhere, ClerkStrengthTooLow
from sso.provider.claims import Assurance, ReadToken, TokenContents
from sso.provider.errors import TokenMalformed
from sso.signin.domain import Strength
from sso.signin.handing_out import HandOutDesk
from sso.signin.recovery_codes import COUNTER_CODE_LIFE
from sso.signin.routes import blueprint
from tests.fakes import MOMENT
from tests.sso.signin.world import (
    CLERK,
    FIRM_NUMBER,
    HOME,
    LI,
    LI_NUMBER,
    NOBODY_NUMBER,
    OTHER_PASSWORD,
    WAIT,
    ZHANG,
    ZHANG_NUMBER,
    World,
)
from trust.http import parsing, problems

AUDIENCE = "http://127.0.0.1:8080"
MOST = 5
BODY = {
    "holder": {"kind": ZHANG_NUMBER.kind, "number": ZHANG_NUMBER.number, "name": ZHANG.name},
    "document": {"kind": ZHANG_NUMBER.kind, "expires": "2036-11-20"},
    "counter": "counter-1",
}
RELEASE = "/release"
SECOND = replace(CLERK, id="01JCLERK000000000000000002", person="01JPERSON00000000000SECOND", staff_number="A018")
CONTENTS = TokenContents(
    client="counter-system",
    audience=AUDIENCE,
    person=LI.id,
    grant="G",
    session="S",
    scopes=frozenset({"counter:assist"}),
    assurance=Assurance(
        level=ProofingLevel.IN_PERSON, strength=Strength.ONE_TIME_CODE, methods=("pwd", "otp"), auth_time=MOMENT
    ),
    ties=frozenset(),
)
TOKENS = {
    "clerk": CONTENTS,
    "weak": replace(CONTENTS, assurance=replace(CONTENTS.assurance, strength=Strength.PASSWORD)),
    "elsewhere": replace(CONTENTS, audience=AUDIENCE + "/api"),
    "scopeless": replace(CONTENTS, scopes=frozenset({"openid"})),
    "second": replace(CONTENTS, person=SECOND.person),
    "bound": replace(CONTENTS, confirmation="thumbprint"),
}


@dataclass(frozen=True)
class AtCounter:
    clerk: Clerk


class Provider:
    """Tokens and duty in memory, as the wiring plugs them in."""

    def read(self, token: str) -> ReadToken:
        if token not in TOKENS:
            raise TokenMalformed
        return ReadToken(jti="J", subject="sub", issued_at=MOMENT, expires_at=MOMENT, contents=TOKENS[token], claims={})

    def stand(self, token: ReadToken, counter_id: str) -> AtCounter:
        if token.contents.assurance.strength < Strength.ONE_TIME_CODE:
            raise ClerkStrengthTooLow
        if counter_id not in CLERK.counters:
            raise ClerkElsewhere(field="counter")
        return AtCounter(SECOND if token.contents.person == SECOND.person else CLERK)


@pytest.fixture
def post(world: World):
    provider = Provider()
    app = APIFlask(__name__)
    problems.install(app)
    parsing.install(app, max_json_bytes=4096, max_upload_bytes=1024)
    days = ClerkDays(SqlClerkDays(world.database), most=MOST, clock=world.clock)
    desk = HandOutDesk(world.persons, world.desk, days, world.clock)
    app.register_blueprint(blueprint(desk, ClerkAccess(tokens=provider, duty=provider, audience=AUDIENCE)))
    client = app.test_client()

    def send(bearer: str = "clerk", body=BODY, *, path: str = ""):
        address = f"/api/v1/persons/recovery-code{path}"
        return client.post(address, json=body, headers={"Authorization": f"Bearer {bearer}"})

    return send


def changed(**members):
    return {**BODY, **members}


def test_the_code_leads_to_new_credentials(world, post):
    with capture_logs() as lines:
        answer = post()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    code = answer.get_json()["code"]
    assert code not in str(lines)
    assert ZHANG_NUMBER.number not in answer.text + str(lines)
    assert any(line.get("clerk") == CLERK.id and line.get("counter") == "counter-1" for line in lines)
    world.clock.moment += WAIT
    recovering = world.desk.recover(ZHANG_NUMBER, code, HOME)
    assert world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME).signed_in.session.person == ZHANG.id


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("weak", 403, "clerk-strength-too-low"),
        ("elsewhere", 401, "token-foreign"),
        ("scopeless", 403, "scope-missing"),
        ("bound", 401, "proof-refused"),
        ("nonsense", 401, "token-malformed"),
    ],
)
def test_whose_token_it_must_be(world, post, token, status, code):
    answer = post(token)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def holder(number, name):
    return {
        "holder": {"kind": number.kind, "number": number.number, "name": name},
        "document": {"kind": number.kind, "expires": None},
    }


@pytest.mark.parametrize(
    ("members", "status", "code", "field"),
    [
        ({"counter": "counter-2"}, 403, "clerk-elsewhere", "counter"),
        ({"document": {"kind": "111", "expires": "2026-11-20"}}, 422, "document-expired", "document_expires"),
        ({"document": {"kind": "414", "expires": None}}, 422, "document-kind-mismatch", "document_kind"),
        (holder(NOBODY_NUMBER, "李示例"), 404, "person-unknown", "holder.number"),
        (holder(ZHANG_NUMBER, "张三丰"), 409, "name-mismatch", "holder.name"),
        (holder(LI_NUMBER, LI.name), 403, "code-hand-out-refused", None),
        (holder(FIRM_NUMBER, "示例公司"), 403, "code-hand-out-refused", None),
        ({"purpose": "x"}, 422, "field-unknown", "purpose"),
    ],
    ids=[
        "other counter",
        "expired",
        "other document",
        "unknown",
        "other name",
        "the clerk",
        "organisation",
        "unknown field",
    ],
)
def test_bad_input_has_its_code_and_no_code_is_made(world, post, members, status, code, field):
    answer = post(body=changed(**members))
    found = answer.get_json()
    assert (answer.status_code, found["code"], found.get("field")) == (status, code, field)


def test_a_code_for_an_account_in_use_says_from_when_it_is_good(world, post):
    answer = post().get_json()
    assert answer["good_from"] == (MOMENT + WAIT).isoformat()
    assert answer["expires_at"] == (MOMENT + WAIT + COUNTER_CODE_LIFE).isoformat()


def test_a_second_clerk_releases_it_over_http_and_the_first_does_not(world, post):
    code = post().get_json()["code"]
    refused = post("clerk", path=RELEASE)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "code-release-refused")
    answer = post("second", path=RELEASE)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.get_json() == {"expires_at": (MOMENT + COUNTER_CODE_LIFE).isoformat()}
    assert world.desk.recover(ZHANG_NUMBER, code, HOME)


def test_a_second_clerk_checks_the_document_too(world, post):
    post()
    answer = post("second", changed(**holder(ZHANG_NUMBER, "张三丰")), path=RELEASE)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "name-mismatch")


def test_handing_out_and_releasing_count_towards_the_day_of_the_clerk(post):
    for _ in range(MOST):
        assert post().status_code == 201
    for path in ("", RELEASE):
        answer = post(path=path)
        assert (answer.status_code, answer.get_json()["code"]) == (429, "clerk-day-full")
    assert post("second", path=RELEASE).status_code == 200


def test_a_document_is_good_on_its_last_day(post):
    assert post(body=changed(document={"kind": "111", "expires": "2026-11-21"})).status_code == 201


def test_a_closed_account_gets_no_code(world, post):
    world.persons.disable(ZHANG.id)
    answer = post()
    assert (answer.status_code, answer.get_json()["code"]) == (403, "code-hand-out-refused")
