"""Tables of parameters, good, bad and strange, at every endpoint: only the RFCs' errors, never one of ours."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sso.provider.authorize import Need
from sso.provider.domain import ClientAuthentication, Registered
from sso.provider.errors import AuthorizationRefused, AuthorizationUnusable
from sso.provider.messages import FORM_MEDIA_TYPE, FormRequest, JsonAnswer
from sso.signin.domain import Session
from tests.sso.provider.journey import (
    REDIRECT,
    SCOPES,
    VERIFIER,
    answer_of,
    granted,
    parameters,
    register,
    session,
    settle,
    signed_in,
)
from tests.sso.provider.support import ISSUER, House, build

FORM_ERRORS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_dpop_proof",
    "invalid_target",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
    "unsupported_response_type",
    "unmet_authentication_requirements",
}
SILENT = {"login_required", "consent_required", "interaction_required"}
STRANGE = [
    "",
    " ",
    "\0",
    "%00",
    "一",
    "x" * 43,
    "x" * 3000,
    "true",
    "[]",
    "' OR 1=1 --",
    "\ud800"[:0],
    "a\r\nb: c",
    "٣",
]

few = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


class Table:
    """One house for all examples, with something of every kind to mix."""

    def __init__(self, folder: Path) -> None:
        self.house = build(folder)
        settle(self.house)
        self.clients = [
            register(self.house, resource="https://a.example/"),
            register(self.house, resource="https://b.example/", par_required=True),
            register(self.house, resource="https://c.example/", authentication=ClientAuthentication.NONE),
            register(self.house, resource="https://d.example/", dpop_required=True),
        ]
        own = signed_in(self.house, self.clients[0], scope=SCOPES)
        self.tokens = [*own.values(), granted(self.house, self.clients[0].client.id), *own["access_token"].split(".")]

    def values(self) -> st.SearchStrategy[str]:
        known = [
            *(str(token) for token in self.tokens),
            *(made.client.id for made in self.clients),
            *(made.secret for made in self.clients),
            REDIRECT,
            VERIFIER,
            "openid",
            SCOPES,
        ]
        return st.sampled_from([*known, *STRANGE]) | st.text(max_size=20)

    def form(self, base: dict[str, str], names: list[str]) -> st.SearchStrategy[dict[str, list[str]]]:
        """A right form with some members changed, dropped, doubled or added."""
        changes = st.dictionaries(st.sampled_from(names), st.lists(self.values(), max_size=2), max_size=4)
        return changes.map(lambda found: {**{name: [value] for name, value in base.items()}, **found})


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    with tempfile.TemporaryDirectory() as folder:
        made = Table(Path(folder))
        yield made
        made.house.database.close()


def request(form: dict[str, list[str]], **changes: object) -> FormRequest:
    values: dict[str, object] = {"media_type": FORM_MEDIA_TYPE, "authorization": "", "has_query": False}
    return FormRequest(form=form, **(values | changes))  # type: ignore[arg-type]


def judge(answer: JsonAnswer) -> None:
    assert answer.status in {200, 201, 400, 401}
    body = json.loads(answer.body)
    if answer.status >= 400:
        assert set(body) <= {"error", "error_description"}
        assert body["error"] in FORM_ERRORS
        assert (answer.status == 401) == (body["error"] == "invalid_client")
        assert all(0x20 <= ord(character) <= 0x7E for character in body.get("error_description", ""))
    assert dict(answer.headers)["Cache-Control"] == "no-store"


CREDENTIALS = ["client_id", "client_secret", "client_assertion", "client_assertion_type"]
TOKEN = [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
    "resource",
    "audience",
    *CREDENTIALS,
]
GRANTS = ["authorization_code", "refresh_token", "client_credentials", "urn:example:echo", "password", ""]


@few
@given(data=st.data())
def test_token(table: Table, data: st.DataObject) -> None:
    who = data.draw(st.sampled_from(table.clients))
    base = {
        **credentials(who),
        "grant_type": data.draw(st.sampled_from(GRANTS)),
        "code": str(table.tokens[-4]),
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        "refresh_token": "x" * 43,
    }
    form = data.draw(table.form(base, TOKEN))
    judge(table.house.endpoint.answer(request(form, dpop=data.draw(proofs()), authorization=data.draw(headers()))))


@few
@given(data=st.data())
def test_pushed_requests(table: Table, data: st.DataObject) -> None:
    who = data.draw(st.sampled_from(table.clients))
    base = {**credentials(who), **{name: values[0] for name, values in parameters(who.client.id).items()}}
    form = data.draw(table.form(base, [*AUTHORIZE, *CREDENTIALS]))
    judge(table.house.parts.par.answer(request(form, dpop=data.draw(proofs()))))


@few
@given(data=st.data())
def test_introspection_and_revocation(table: Table, data: st.DataObject) -> None:
    who = data.draw(st.sampled_from(table.clients))
    form = data.draw(table.form({**credentials(who), "token": "x"}, ["token", "token_type_hint", *CREDENTIALS]))
    asked = request(form, authorization=data.draw(headers()))
    judge(table.house.parts.introspection.answer(asked))
    judge(table.house.parts.revocation.answer(asked))


AUTHORIZE = [
    "response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
    "code_challenge_method", "prompt", "max_age", "acr_values", "ui_locales", "matter", "dpop_jkt", "request",
    "request_uri", "resource", "login_hint", "id_token_hint", "claims", "display", "registration",
]  # fmt: skip


@few
@given(data=st.data())
def test_authorization(table: Table, data: st.DataObject) -> None:
    house = table.house
    who = data.draw(st.sampled_from(table.clients))
    base = {name: values[0] for name, values in parameters(who.client.id).items()}
    asked = data.draw(table.form(base, AUTHORIZE))
    outcome = walk(house, asked, data.draw(st.sampled_from([None, session(house)])))
    if isinstance(outcome, AuthorizationUnusable):
        assert outcome.field in {"client_id", "redirect_uri", "request_uri"}
    elif isinstance(outcome, AuthorizationRefused):
        assert outcome.redirect_to.startswith(REDIRECT)
        told = answer_of(outcome.redirect_to)
        assert told["error"] in FORM_ERRORS | SILENT
        assert told["iss"] == ISSUER
    elif outcome is not None:
        assert "code" in answer_of(outcome)


def walk(
    house: House, asked: dict[str, list[str]], someone: Session | None
) -> str | AuthorizationUnusable | AuthorizationRefused | None:
    """Return where the person ends up, or None when they are asked to do something first."""
    try:
        pending = house.desk.open(asked)
        need = house.desk.need(pending, someone)
        ready = someone is not None and need in {Need.CONSENT, Need.NOTHING}
        return house.desk.approve(pending, someone) if someone is not None and ready else None
    except (AuthorizationUnusable, AuthorizationRefused) as told:
        return told


def credentials(who: Registered) -> dict[str, str]:
    return {"client_id": who.client.id, **({"client_secret": who.secret} if who.secret else {})}


def proofs() -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(STRANGE) | st.text(max_size=10), max_size=2).map(tuple)


def headers() -> st.SearchStrategy[str]:
    return st.sampled_from(["", "", "", "Basic", "Basic !", "Basic /w==", "Bearer x", "Basic Og==", "Negotiate a"])


@pytest.mark.parametrize("endpoint", ["token", "par", "introspection", "revocation"])
@pytest.mark.parametrize("wrong", [{"media_type": "application/json"}, {"media_type": ""}, {"has_query": True}])
def test_another_form_is_an_invalid_request(table: Table, endpoint: str, wrong: dict[str, object]) -> None:
    answer = getattr(table.house.parts, endpoint).answer(request({}, **wrong))
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


def test_the_parameters_of_a_form_are_bounded(table: Table) -> None:
    form = {f"p{number}": ["x"] for number in range(41)}
    for endpoint in (table.house.parts.token, table.house.parts.par, table.house.parts.introspection):
        answer = endpoint.answer(request(form))
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


def test_every_error_is_one_line_for_the_officer(table: Table) -> None:
    with capture_logs() as logs:
        table.house.endpoint.answer(request({"grant_type": ["password"]}))
        table.house.endpoint.answer(request({"grant_type": ["authorization_code"], "client_id": ["x"]}))
    assert [line["error"] for line in logs if line["event"] == "token refused"] == [
        "unsupported_grant_type",
        "invalid_client",
    ]
