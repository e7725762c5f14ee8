import base64
import html
import re

import pyotp
import pytest
from sqlalchemy import text

from portal.pages.texts_security import SECURITY_TEXTS
from sso.accounts.domain import ProofingLevel
from sso.signin.domain import SIGN_INS
from tests.portal.offices import hidden_fields, open_office
from tests.sso.signin.authenticator import Authenticator
from tests.sso.signin.world import OTHER_PASSWORD, PASSWORD, ZHANG
from trust.formats.qr import qr_svg

ZH = SECURITY_TEXTS["zh"]


@pytest.fixture
def office(tmp_path):
    opened = open_office(tmp_path)
    opened.sign_in()
    yield opened
    opened.signing.database.close()


def test_there_is_a_word_for_every_level_and_strength():
    for texts in SECURITY_TEXTS.values():
        assert len(texts.levels) == len(ProofingLevel)
        assert len(texts.strengths) == len(SIGN_INS)
        assert all(getattr(texts, name) for name in texts.__slots__)


@pytest.mark.parametrize(
    "path", ["/security", "/security/password", "/security/codes", "/security/passkeys/add", "/step-up"]
)
def test_the_pages_are_for_people_who_are_signed_in(office, path):
    office.send("/security", "/sign-out")
    assert office.client.get(path).location.startswith("/sign-in?next=")


@pytest.mark.parametrize(
    "path",
    [
        "/security/password",
        "/security/codes",
        "/security/codes/confirm",
        "/security/codes/remove",
        "/security/passkeys/options",
        "/security/passkeys/add",
        "/security/passkeys/remove",
        "/security/recovery-codes",
        "/step-up/password",
        "/oauth/consent",
        "/sign-out",
    ],
)
def test_every_form_needs_its_token(office, path):
    answer = office.client.post(path)
    assert answer.status_code == 403
    assert answer.json["code"] == "csrf-refused"


@pytest.mark.parametrize("path", ["/security/password", "/security/codes", "/security/passkeys/add"])
def test_an_old_proof_is_renewed_before_anything_is_typed(office, path):
    office.signing.clock.advance(minutes=15)
    assert office.client.get(path).location == f"/step-up?next={path.replace('/', '%2F')}"


@pytest.mark.parametrize("path", ["/security/recovery-codes"])
def test_an_old_proof_is_renewed_before_anything_is_done(office, path):
    form = hidden_fields(office.page("/security"), path)
    office.signing.clock.advance(minutes=15)
    assert office.client.post(path, data=form).location == "/step-up?next=%2Fsecurity"


def test_the_password_is_changed_and_the_session_gets_a_new_secret(office):
    before = office.client.get_cookie("__Host-yinxin", domain="trust.example").value
    form = {"old": PASSWORD, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    assert office.send("/security/password", **form).location == "/security"
    assert ZH.notes["password-changed"] in office.page("/security")
    assert office.client.get_cookie("__Host-yinxin", domain="trust.example").value != before
    assert office.signing.sessions.find(before) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"old": "wrong"}, "old"),
        ({"old": ""}, "old"),
        ({"password": "short", "again": "short"}, "password"),
        ({"again": "something else entirely"}, "again"),
    ],
)
def test_a_change_that_does_not_fit_is_named_at_its_field(office, changed, field):
    form = {"old": PASSWORD, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD} | changed
    answer = office.send("/security/password", **form)
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.get_data(as_text=True)


def test_who_came_from_another_platform_chooses_a_first_password(tmp_path):
    office = open_office(tmp_path)
    with office.signing.database.write() as session:
        session.execute(text("DELETE FROM sso_passwords"))
    office.client.get("/sign-in/upstream/province")
    office.client.get("/sso/upstream/province/callback?code=c&state=s")
    page = office.page("/security/password")
    assert 'name="old"' not in page
    assert office.send("/security/password", password=PASSWORD, again=PASSWORD).location == "/security"
    assert office.desk.enrolled(ZHANG.id).password
    office.signing.database.close()


def test_one_time_codes_are_set_up_by_picture_or_by_hand(office):
    answer = office.send("/security/codes")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    secret = re.search(r'class="secret"><code>([^<]+)</code>', page)[1].replace(" ", "")
    assert f"secret={secret}" in page
    code = pyotp.TOTP(secret).at(office.signing.clock.now())
    form = hidden_fields(page, "/security/codes/confirm")
    answer = office.client.post("/security/codes/confirm", data=form | {"code": code})
    assert answer.location == "/security"
    assert ZH.notes["codes-on"] in office.page("/security")


def test_a_wrong_code_may_be_typed_again_without_a_new_secret(office):
    page = office.send("/security/codes").get_data(as_text=True)
    secret = re.search(r'class="secret"><code>([^<]+)</code>', page)[1].replace(" ", "")
    form = hidden_fields(page, "/security/codes/confirm")
    answer = office.client.post("/security/codes/confirm", data=form | {"code": "000000"})
    assert answer.status_code == 422
    again = answer.get_data(as_text=True)
    assert "code-fault" in again
    assert secret not in again
    code = pyotp.TOTP(secret).at(office.signing.clock.now())
    form = hidden_fields(again, "/security/codes/confirm")
    assert office.client.post("/security/codes/confirm", data=form | {"code": code}).status_code == 303


def test_the_secret_of_an_app_is_shown_once(office):
    page = office.send("/security/codes").get_data(as_text=True)
    secret = re.search(r'class="secret"><code>([^<]+)</code>', page)[1]
    for path in ("/security", "/security/codes"):
        assert secret not in office.page(path)
    assert office.client.get("/security/codes/confirm").location == "/security"


def test_one_time_codes_are_removed_with_a_strong_session(office):
    app = office.signing.with_app()
    assert office.send("/security", "/security/codes/remove").location == "/step-up?next=%2Fsecurity"
    office.send("/step-up", "/step-up/code", code=app.at(office.signing.clock.now()))
    assert office.send("/security", "/security/codes/remove").location == "/security"
    assert not office.desk.enrolled(ZHANG.id).codes


def add_passkey(office, label="我的手机"):
    authenticator = Authenticator(origin="https://trust.example", host="trust.example")
    form = hidden_fields(office.page("/security/passkeys/add"), "/security/passkeys/add")
    options = office.client.post("/security/passkeys/options", headers={"X-CSRF-Token": form["csrf"]})
    credential = authenticator.create(options.get_data(as_text=True))
    return office.client.post("/security/passkeys/add", data=form | {"credential": credential, "label": label})


def test_a_passkey_is_added_named_and_listed(office):
    assert add_passkey(office).location == "/security"
    page = office.page("/security")
    assert ZH.notes["passkey-added"] in page
    assert "我的手机" in page
    assert ZH.passkey_never in page


@pytest.mark.parametrize("label", ["", "x" * 41, "11010519491231002X", "<script>"])
def test_a_name_that_cannot_be_kept_is_refused_at_its_field_and_markup_is_text(office, label):
    answer = add_passkey(office, label)
    if label == "<script>":
        assert answer.status_code == 303
        assert "<script>" not in office.page("/security")
    else:
        assert answer.status_code == 422
        assert 'id="label-fault"' in answer.get_data(as_text=True)


def test_a_passkey_is_removed_with_a_session_of_a_passkey(office):
    add_passkey(office)
    passkey = office.desk.enrolled(ZHANG.id).passkeys[0]
    form = hidden_fields(office.page("/security"), "/security/passkeys/remove")
    assert form["passkey"] == passkey.id
    answer = office.client.post("/security/passkeys/remove", data=form)
    assert answer.location == "/step-up?next=%2Fsecurity"
    assert len(office.desk.enrolled(ZHANG.id).passkeys) == 1


def test_recovery_codes_are_shown_once(office):
    answer = office.send("/security", "/security/recovery-codes")
    page = answer.get_data(as_text=True)
    codes = re.findall(r"<li><code>([^<]+)</code></li>", page)
    assert len(set(codes)) == 10
    assert answer.headers["Cache-Control"] == "no-store"
    assert not any(code in office.page("/security") for code in codes)
    assert office.client.get("/security/recovery-codes").location == "/security"
    assert "10" in office.page("/security")


def test_a_session_that_ends_elsewhere_is_noticed_at_once(office):
    form = hidden_fields(office.page("/security"), "/security/recovery-codes")
    office.signing.sessions.end_all(ZHANG.id)
    answer = office.client.post("/security/recovery-codes", data=form)
    assert answer.location.startswith("/sign-in")
    assert office.desk.enrolled(ZHANG.id).recovery_codes == 0


def test_every_page_speaks_both_languages(office):
    for path in ("/security", "/security/password", "/security/codes", "/security/passkeys/add", "/step-up"):
        page = office.client.get(path, query_string={"lang": "en"}).get_data(as_text=True)
        body = re.sub(r'<a [^>]*hreflang="zh-CN">中文</a>|张\*', "", page)
        assert not re.search("[一-鿿]", body), path


def test_the_picture_holds_the_address_for_the_app(office):
    page = office.send("/security/codes").get_data(as_text=True)
    uri = html.unescape(re.search(r'href="(otpauth:[^"]+)"', page)[1])
    assert uri.startswith("otpauth://totp/trust.example:")
    assert base64.b64encode(qr_svg(uri).encode()).decode() in page
