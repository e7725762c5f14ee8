"""Whatever arrives at an OAuth endpoint: never a fault, only errors that the RFCs name, and a line for the officer.

Requests are good ones with some parameters taken away, changed or repeated; bytes of any kind stand for values.
"""

import json
import re
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import event as happened
from hypothesis import strategies as st
from sqlalchemy import event
from structlog.testing import capture_logs

from portal.foundation import open_foundation
from portal.wiring import open_installation
from tests.integration.oauth_house import FORM, House, How, Purse, asked, changed, encoded
from tests.integration.sign_in_house import ACCESS_TOKEN, EXCHANGE, FOOD, PRESENCE
from trust.config import load_settings

pytestmark = pytest.mark.integration

FUZZ = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

OF_CLIENTS = {"invalid_request", "invalid_client", "unauthorized_client"}  # RFC 6749 section 5.2
OF_PROOFS = {"invalid_dpop_proof", "use_dpop_nonce"}  # RFC 9449
OF_TOKENS = OF_CLIENTS | OF_PROOFS | {"invalid_grant", "unsupported_grant_type", "invalid_scope"}
OF_TARGETS = {"invalid_target"}  # RFC 8693 section 2.2.2, RFC 8707 section 2
OF_REQUESTS = {  # RFC 6749 section 4.1.2.1, OIDC core section 3.1.2.6, and unmet authentication requirements
    "invalid_request",
    "unauthorized_client",
    "access_denied",
    "unsupported_response_type",
    "invalid_scope",
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
    "unmet_authentication_requirements",
}
VISIBLE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 appendix A.7 and A.8


@pytest.fixture(scope="module")
def house(template, tmp_path_factory):
    loaded = load_settings(
        **template.copy(tmp_path_factory.mktemp("fuzz") / "home") | {"sign_in_rate_per_minute": 1_000_000}
    )
    base = open_foundation(loaded)
    # Nothing here pulls the plug of the machine: without it the tests would mostly wait for the disk.
    event.listen(base.database.engine, "connect", lambda opened, _record: opened.execute("PRAGMA synchronous=OFF"))
    with closing(open_installation(loaded, base)) as installation:
        yield House(installation)


NAMES = re.findall(
    r"[a-z_]+",
    """
    grant_type code redirect_uri code_verifier refresh_token scope subject_token subject_token_type
    actor_token actor_token_type audience resource requested_token_type case token token_type_hint
    client_id client_secret client_assertion client_assertion_type response_type response_mode state
    nonce prompt max_age acr_values ui_locales matter code_challenge code_challenge_method dpop_jkt
    request request_uri registration id_token_hint post_logout_redirect_uri claims login_hint
    display
    """,
)
TELLING = [
    b"",
    b" ",
    b"\x00",
    b"a\x00b",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "０".encode(),
    "²".encode(),
    b"a" * 9000,
    b"x" * 43,
    b"-" * 43,
    b"client_credentials",
    b"authorization_code",
    b"refresh_token",
    b"password",
    EXCHANGE.encode(),
    ACCESS_TOKEN.encode(),
    PRESENCE.encode(),
    ASSERTION_TYPE.encode(),
    b"urn:ietf:params:oauth:token-type:refresh_token",
    b"urn:ietf:params:oauth:request_uri:" + b"x" * 43,
    b"openid",
    b"openid  profile",
    b"openid profile identity certs:read counter:assist mandates offline_access",
    b"certs:issue",
    b"tokens:introspect",
    b"everything",
    b"api",
    b"https://counter.example",
    b"http://127.0.0.1:9/first/callback/",
    b"javascript:alert(1)",
    b"//evil.example",
    b"S256",
    b"plain",
    b"none",
    b"none login",
    b"login",
    b"-1",
    b"0",
    b"99999999999999999999",
    b"1e3",
    b"urn:yinxin:aal:3",
    b"urn:yinxin:aal:9",
    b"zh-CN en",
    FOOD.encode(),
    b"eyJhbGciOiJub25lIn0.e30.",
    b"eyJhbGciOiJFUzI1NiIsImtpZCI6IngiLCJ0eXAiOiJhdCtqd3QifQ.e30.AAAA",
    b"." * 9,
    b"{}",
    b'"\\',
    b"%00%ff",
    "证照".encode(),
]
VALUES = st.one_of(
    st.sampled_from(TELLING),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
)
PURSE = st.sampled_from(
    ["$access", "$refresh", "$code", "$id", "$clerk", "$own", "$presence", "$case", "$first", "$second"]
)
ACTS = st.sampled_from(["drop", "set", "add"])


def changes_to(good):
    """Return what may be done to a form: mostly to what stands in it, sometimes something foreign is added."""
    own = st.tuples(
        st.sampled_from(["drop", "set", "set", "set", "add"]), st.sampled_from(sorted(good)), VALUES | PURSE
    )
    other = st.tuples(ACTS, st.sampled_from(NAMES) | st.text(max_size=8), VALUES | PURSE)
    return st.lists(st.one_of(own, own, own, other), max_size=3)


CLIENTS = ("second", "nobody", "wrong", "body", "both", "header", "bearer", "unicode")
MEDIA = (FORM + "; charset=utf-8", "application/json", "multipart/form-data", "", "text/plain")
PROOFS = ("x", "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.AA", "")
HOWS = st.sampled_from(
    [How()] * 30
    + [How(client=client) for client in CLIENTS]
    + [How(media=media) for media in MEDIA]
    + [How(headers={"DPoP": proof}) for proof in PROOFS]
    + [How(query="?client_id=x")]
)


def check_refusal(answer, lines, errors):
    """The form of RFC 6749 section 5.2, for the caller; and a line of the log, which repeats no secret."""
    assert answer.status_code in {400, 401}, answer.text
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.get_json()
    assert set(found) <= {"error", "error_description", "error_uri"}
    assert found["error"] in errors
    assert VISIBLE.fullmatch(found.get("error_description", "absent"))
    if answer.status_code == 401:
        assert found["error"] == "invalid_client"
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    check_logged(lines)


def check_logged(lines):
    told = [line for line in lines if line["log_level"] in {"info", "warning"} and "refused" in line["event"]]
    assert told, lines


def check_silent(house, lines):
    """No secret stands in the log."""
    text = json.dumps(lines, default=str)
    for secret in (house.house.first.secret, house.house.second.secret):
        assert secret not in text


FORMS = {
    "/oauth/token": (("code", "refresh", "own", "exchange", "assisted"), OF_TOKENS | OF_TARGETS, {200}),
    "/oauth/par": (("request",), OF_CLIENTS | OF_PROOFS | OF_REQUESTS | OF_TARGETS, {201}),
    "/oauth/introspect": (("access", "renewal", "systems"), OF_CLIENTS, {200}),
    "/oauth/revoke": (
        ("access", "renewal", "systems"),
        OF_CLIENTS | {"unsupported_token_type", "invalid_grant"},
        {200},
    ),
}


def check_answer(path, answer):
    """What stands in an answer that is no refusal."""
    found = answer.get_json(silent=True)
    if path == "/oauth/token":
        assert found["token_type"] in {"Bearer", "DPoP"}
        assert isinstance(found["expires_in"], int)
        assert answer.headers["Cache-Control"] == "no-store"
    elif path == "/oauth/par":
        assert found["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
        assert isinstance(found["expires_in"], int)
    elif path == "/oauth/introspect":
        assert found["active"] in {True, False}
        assert found["active"] or found == {"active": False}


@pytest.mark.parametrize("path", FORMS)
@FUZZ
@given(data=st.data())
def test_forms(house, path, data):
    kinds, errors, good = FORMS[path]
    sent = house.good(data.draw(st.sampled_from(kinds)))
    answer, lines = asked(house, path, changed(house, sent, data.draw(changes_to(sent))), data.draw(HOWS))
    assert answer.status_code < 500, answer.text
    happened(f"{answer.status_code} {(answer.get_json(silent=True) or {}).get('error', '')}")
    if answer.status_code in good:
        check_answer(path, answer)
    else:
        check_refusal(answer, lines, errors)
    check_silent(house, lines)


@pytest.mark.parametrize("path", FORMS)
def test_the_good_requests_are_good(house, path):
    """Else the tables above would only ever show that everything is refused."""
    kinds, _, good = FORMS[path]
    for kind in kinds:
        pairs = changed(house, house.good(kind), [])
        answer, _ = asked(house, path, pairs, How())
        assert answer.status_code in good, (kind, answer.text)


def check_page(answer):
    assert answer.mimetype == "text/html"
    assert "Content-Security-Policy" in answer.headers


@FUZZ
@given(data=st.data(), posted=st.booleans())
def test_authorization_requests(house, data, posted):
    """The browser is sent to pages of ours or to the registered address, and nowhere else."""
    good = house.request() | {"prompt": "none"} | data.draw(st.sampled_from([{}, {"max_age": "60", "acr_values": ""}]))
    sent = encoded(changed(house, good, data.draw(changes_to(good))))
    client = house.app.test_client()
    with capture_logs() as lines:
        answer = (
            client.post("/oauth/authorize", data=sent.encode(), headers={"Content-Type": FORM})
            if posted
            else client.get(f"/oauth/authorize?{sent}")
        )
    assert answer.status_code in {303, 400}, answer.text
    happened(f"{answer.status_code} {urlsplit(answer.headers.get('Location', '')).query[:24]}")
    if answer.status_code == 400:
        check_page(answer)
        check_logged(lines)
        return
    target = urlsplit(answer.headers["Location"])
    if not target.netloc:
        assert target.path in {"/oauth/continue", "/sign-in"}
        return
    callback = house.house.first.callback
    assert answer.headers["Location"].startswith(f"{callback}?")
    told = parse_qs(target.query)
    assert told["error"][0] in OF_REQUESTS | OF_TARGETS
    assert told["iss"] == [house.house.issuer]
    assert all(len(values) == 1 for values in told.values())
    assert all(VISIBLE.fullmatch(text) for text in told.get("error_description", []))
    check_logged(lines)
    check_silent(house, lines)


@FUZZ
@given(data=st.data(), posted=st.booleans())
def test_requests_to_sign_out(house, data, posted):
    good = {"id_token_hint": house.tokens()["id_token"], "post_logout_redirect_uri": house.house.first.goodbye}
    sent = encoded(changed(house, good, data.draw(changes_to(good))))
    client = house.app.test_client()
    with capture_logs() as lines:
        answer = (
            client.post("/oauth/logout", data=sent.encode(), headers={"Content-Type": FORM})
            if posted
            else client.get(f"/oauth/logout?{sent}")
        )
    assert answer.status_code in {200, 303, 400}, answer.text
    if answer.status_code == 303:
        target = answer.headers["Location"]
        assert target.split("?")[0] in {"/signed-out", "/oauth/logout", house.house.first.goodbye}
    else:
        check_page(answer)
    if answer.status_code == 400:
        check_logged(lines)
    check_silent(house, lines)


@FUZZ
@given(
    scheme=st.sampled_from(["Bearer", "bearer", "DPoP", "Basic", ""]),
    value=VALUES | PURSE,
    headers=st.sampled_from([{}, {"DPoP": "x"}]),
    method=st.sampled_from(["GET", "POST"]),
)
def test_userinfo(house, scheme, value, headers, method):
    token = Purse(house).open(value) if isinstance(value, str) else value.decode("latin-1")
    sent = headers | {"Authorization": f"{scheme} {token}".replace("\n", " ").replace("\r", " ")}
    with capture_logs() as lines:
        answer = house.client.open("/oauth/userinfo", method=method, headers=sent)
    check_silent(house, lines)
    if answer.status_code == 200:
        assert answer.get_json()["sub"]
        return
    assert answer.status_code in {401, 403}, answer.text
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith(("Bearer ", "DPoP ")), challenge
    errors = re.findall(r'error="([a-z_]+)"', challenge)
    # RFC 6750 section 3.1: without any authentication there is no error name.
    assert set(errors) <= {"invalid_token", "insufficient_scope", "invalid_request", *OF_PROOFS}
    check_logged(lines)
