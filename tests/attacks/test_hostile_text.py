"""Text that one database takes and the other fails on, or that would break a header, ends in an answer all the same."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import event

from portal.demo import people
from tests.attacks.house import ACCESS_TOKEN, Attacked, Browser

OAUTH = {"/oauth/token", "/oauth/par", "/oauth/introspect", "/oauth/revoke"}
FIELDS = (
    *("code", "redirect_uri", "code_verifier", "refresh_token", "scope", "subject_token", "actor_token", "case"),
    *("audience", "resource", "token", "state", "nonce", "matter", "client_id", "acr_values", "prompt", "max_age"),
)
HOSTILE = ["a\x00b", "\r\nX-Evil: y", "\u202e"]


@pytest.fixture
def strict(house: Attacked) -> Attacked:
    """The house over a database that refuses NUL in a text as PostgreSQL does."""

    def refuse(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        # A tuple of one statement or a list of them; LargeBinary goes as bytes and may hold any.
        rows = values if isinstance(values, list) else [values]
        if any(isinstance(value, str) and "\x00" in value for row in rows for value in row):
            raise RuntimeError(f"NUL in a text: {statement}")

    event.listen(house.database.engine, "before_cursor_execute", refuse)
    return house


@pytest.mark.parametrize("text", HOSTILE, ids=["nul", "line", "bidi"])
def test_no_address_fails_on_it(strict: Attacked, citizen: Browser, clerk: Browser, text: str) -> None:
    bearers = [
        clerk.tokens(strict.first, scope="openid counter:assist", matter=None)["access_token"],
        strict.post("/oauth/token", {"grant_type": "client_credentials"}, strict.first).get_json()["access_token"],
        citizen.tokens(strict.first)["access_token"],
    ]
    failed = []
    for rule in strict.app.url_map.iter_rules():
        if not rule.arguments or "filename" in rule.arguments:
            continue
        path = re.sub(r"<[^>]*>", quote(text, safe=""), rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answers = [strict.api(method, path, bearer, {} if method == "POST" else None) for bearer in bearers]
            answers.append(citizen.client.open(path, method=method, headers={"Accept": "text/html"}))
            failed += [(method, rule.rule) for answer in answers if answer.status_code >= 500]
            assert not any("X-Evil" in answer.headers for answer in answers)
    assert not failed


@pytest.mark.parametrize("text", HOSTILE, ids=["nul", "line", "bidi"])
def test_no_parameter_fails_on_it(strict: Attacked, citizen: Browser, clerk: Browser, text: str) -> None:
    actor = clerk.tokens(strict.first, scope="openid counter:assist", matter=None)["access_token"]
    subject = citizen.tokens(strict.first)["access_token"]
    base = {"subject_token": subject, "subject_token_type": ACCESS_TOKEN, "audience": strict.second.client.id}
    base |= {"actor_token": actor, "actor_token_type": ACCESS_TOKEN, "case": strict.case(actor)}
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    grants.append("urn:ietf:params:oauth:grant-type:token-exchange")
    for path in OAUTH:
        for grant in grants if path == "/oauth/token" else grants[:1]:
            for field in FIELDS:
                form = {"grant_type": grant, **base, field: text}
                if field == "resource":
                    del form["audience"]
                answer = strict.post(path, form, strict.first)
                assert answer.status_code < 500, (path, grant, field)
    for rule in strict.app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and not rule.arguments:
            names = ("next", "request", "lang", "as", "hop", "turn", "mandate", "client_id", "redirect_uri", "state")
            query = "&".join(f"{name}={quote(text, safe='')}" for name in names)
            answer = citizen.get(f"{rule.rule}?{query}")
            assert answer.status_code < 500, rule.rule
            assert "X-Evil" not in answer.headers


def test_no_field_of_a_body_fails_on_it(strict: Attacked, clerk: Browser) -> None:
    actor = clerk.tokens(strict.first, scope="openid counter:assist", matter=None)["access_token"]
    own = strict.post("/oauth/token", {"grant_type": "client_credentials"}, strict.first).get_json()["access_token"]
    counter = strict.people.counters[0].id
    holder = {"kind": "111", "number": people.REPRESENTATIVE_NUMBER}
    named = {**holder, "name": people.REPRESENTATIVE_NAME}
    document = {"document": {"kind": "111", "expires": None}, "counter": counter, "holder": named}
    card = {"name": "n", "document_kind": "111", "document_expires": None, "read_by": "eye", "portrait_matches": True}
    bodies: dict[str, dict[str, Any]] = {
        "/api/v1/cases": {"counter": counter, "matter": "m"},
        "/api/v1/presence/otp": {"counter": counter, "holder": holder, "code": "123456"},
        "/api/v1/presence/card": {"counter": counter, "holder": holder, **card},
        "/api/v1/offline/assertions": {"token": "t", "audience": "a"},
        "/api/v1/persons/proofing": {**document, "presence": "x"},
        "/api/v1/persons/recovery-code": document,
        "/api/v1/persons/recovery-code/release": document,
    }
    for path, body in bodies.items():
        for name, value in body.items():
            for text in HOSTILE:
                changed = {**value, next(iter(value)): text} if isinstance(value, dict) else text
                for bearer in (actor, own):
                    answer = strict.api("POST", path, bearer, {**body, name: changed})
                    assert answer.status_code < 500, (path, name, text)
