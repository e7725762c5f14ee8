"""The auditor's routes: who is answered, what is answered, and that each look is logged."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from sso.provider.domain import Scope
from tests.fakes import CountingRandomness, FixedClock
from tests.trust.ledger.building import ORIGIN, Setting
from tests.trust.ledger.searching import finding, made
from tests.trust.ledger.watch.watching import Watched, rule
from trust.http import problems
from trust.http.access import BoundTo, Principal
from trust.http.errors import TokenMissing
from trust.ledger.export.checking import check_export
from trust.ledger.export.service import Exporter
from trust.ledger.note_keys import own_key
from trust.ledger.officer import SCOPE
from trust.ledger.routes import blueprint as ledger_routes
from trust.ledger.search.routes import OfficersDesk, blueprint

PATHS = ("search", "statistics", "export", "alerts", "checkpoint", "entries?start=0&count=1")
SCOPES = {scope.value: 200 if scope is Scope.LEDGER_READ else 403 for scope in Scope}


class Tokens:
    """A token is the scopes it stands for; `person` is one from a sign-in that somehow has the scope."""

    def check(self, token: str) -> Principal:
        if token == "unknown":
            raise TokenMissing
        bound = BoundTo(holders=(), types=frozenset(), purpose="p", purpose_zh="用") if token == "person" else None
        scopes = frozenset({SCOPE} if bound else token.split("+"))
        return Principal(client="wu", authority="91350100M000100Y43", scopes=scopes, label="wu", bound=bound)


@pytest.fixture
def app(grown: Setting) -> APIFlask:
    found = finding(grown.database, grown.ledger, grown.store)
    watched = Watched(found)
    found.ledger.record([made(by="client:b", act=("operator:zhou",)), made(), made()])
    watched.watch(rule("burst", uses=2, seconds=1)).turn()
    exporter = Exporter(
        ledger=grown.ledger, store=grown.store, search=found.search, signer=grown.signer, clock=FixedClock()
    )
    made_app = APIFlask(__name__)
    problems.install(made_app, randomness=CountingRandomness())
    desk = OfficersDesk(search=found.search, exporter=exporter, alerts=watched.desk)
    made_app.register_blueprint(blueprint(desk, Tokens()))
    made_app.register_blueprint(ledger_routes(grown.ledger, grown.checkpointer, grown.signer.describe, Tokens()))
    return made_app


@pytest.fixture
def client(app: APIFlask) -> Iterator[FlaskClient]:
    with app.test_client() as opened:
        yield opened


def get(client: FlaskClient, path: str, *, token: str | None = SCOPE, status: int = 200) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    answer = client.get(f"/api/v1/ledger/{path}", headers=headers)
    assert answer.status_code == status, answer.text
    return answer


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("token", "status"),
    [
        *SCOPES.items(),
        ("+".join(sorted(set(SCOPES) - {SCOPE})), 403),
        ("system-admin", 403),
        ("person", 403),
        ("unknown", 401),
        (None, 401),
    ],
)
def test_the_auditor_reads_and_nobody_else(client: FlaskClient, path: str, token: str | None, status: int) -> None:
    with capture_logs() as logs:
        get(client, path, token=token, status=status)
    what = path.partition("?")[0]
    looks = [(each["event"], each["what"]) for each in logs if each["event"].startswith("ledger-look")]
    assert looks == [("ledger-look" if status == 200 else "ledger-look-refused", what)]


def test_no_route_changes_anything(app: APIFlask) -> None:
    rules = [each for each in app.url_map.iter_rules() if each.rule.startswith("/api/v1/ledger")]
    assert len(rules) == 8
    assert {method for each in rules for method in each.methods or ()} == {"GET", "HEAD", "OPTIONS"}


def test_a_search_answers_page_by_page_and_says_who_asked_what(client: FlaskClient) -> None:
    with capture_logs() as logs:
        first = get(client, "search?purpose=sealing&limit=2").json
    assert [json.loads(each["data"])["principal"] for each in first["entries"]] == ["client:food-office"] * 2
    assert (first["next"], first["behind"], first["size"]) == (22, 0, 24)
    assert get(client, f"search?purpose=sealing&limit=2&before={first['next']}").json["entries"][0]["index"] == 21
    assert [each["index"] for each in get(client, "search?person=operator:zhou").json["entries"]] == [21]
    assert [(each["by"], each["asked"]) for each in logs if each["event"] == "ledger-look"] == [
        ("client:wu", {"purpose": "sealing"})
    ]


def test_statistics_count_what_was_signed(client: FlaskClient) -> None:
    answer = get(client, "statistics?by=key,outcome").json
    assert answer["uses"] == [
        {"key": "01KCHECKPOINTKEY", "outcome": "signed", "uses": 2},
        {"key": "01KSEALINGKEY", "outcome": "signed", "uses": 22},
    ]
    assert answer["keys"][1] == {"key": "01KSEALINGKEY", "signed": 22, "refused": 0, "first": 0, "last": 23}


def test_an_export_can_be_checked_without_the_service(grown: Setting, client: FlaskClient) -> None:
    answer = get(client, "export?purpose=sealing")
    assert answer.headers["Cache-Control"] == "private, no-store"
    report = check_export(io.BytesIO(answer.data), [own_key(ORIGIN, grown.signer.info.public_key)])
    assert (report.exit_code, report.statement.count, report.statement.by) == (0, 19, "client:wu")


def test_alerts_are_listed(client: FlaskClient) -> None:
    (alert,) = [each for each in get(client, "alerts?all=true").json["alerts"] if each["place"] == "leaf 1"]
    assert (alert["rule"], alert["title_zh"], alert["acknowledged_by"]) == ("r", "题", None)
    assert get(client, f"alerts?after={10**6}").json == {"alerts": []}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("search?limit=0", 422, "field-invalid"),
        ("search?limit=257", 422, "field-invalid"),
        ("search?purpose=x", 422, "field-invalid"),
        ("search?colour=red", 422, "field-unknown"),
        ("search?since=2026-11-21T08:00:00", 422, "ledger-question-invalid"),
        ("search?since=yesterday", 422, "field-invalid"),
        ("search?person=11010519491231002X", 422, "personal-number-in-text"),
        ("statistics?by=colour", 422, "ledger-question-invalid"),
        ("statistics?since=2026", 422, "ledger-question-invalid"),
        ("alerts?limit=501", 422, "field-invalid"),
        ("export?limit=3", 422, "field-unknown"),
    ],
)
def test_a_wrong_question_gets_its_code(client: FlaskClient, path: str, status: int, code: str) -> None:
    assert get(client, path, status=status).json["code"] == code


def test_the_api_description_names_the_parameters(app: APIFlask) -> None:
    described = app.spec["paths"]["/api/v1/ledger/search"]["get"]["parameters"]
    assert {"key", "person", "since", "before", "limit"} <= {parameter["name"] for parameter in described}
