import re

import pytest

from portal.pages.texts_signin import SIGN_IN_TEXTS
from sso.signin.domain import Method, Strength
from tests.fakes import MOMENT
from tests.portal.offices import CALLBACK, FIRM, hidden_fields, open_office
from tests.sso.signin.authenticator import Authenticator
from tests.sso.signin.world import OTHER_PASSWORD, PASSWORD, ZHANG

ZH = SIGN_IN_TEXTS["zh"]
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def office(tmp_path):
    opened = open_office(tmp_path)
    yield opened
    opened.signing.database.close()


def passkey(office, origin="https://trust.example", host="trust.example"):
    authenticator = Authenticator(origin=origin, host=host)
    session = office.signing.signed_in().session
    office.desk.confirm_passkey(session, authenticator.create(office.desk.enrol_passkey(session)), "Phone")
    return authenticator


def enrolled_app(office):
    office.signing.signed_in()
    return office.signing.with_app()


def test_number_and_password_open_a_session_and_303_to_the_own_page(office):
    answer = office.sign_in()
    assert (answer.status_code, answer.location) == (303, "/my")
    assert "张*" in office.page("/security")
    assert len(office.signing.sessions.of(ZHANG.id)) == 1
    assert office.client.get_cookie("__Host-yinxin-device", domain="trust.example") is not None


def test_the_number_is_taken_as_people_write_it(office):
    answer = office.send("/sign-in", kind="111", number=" 110105 19491231 002x ", password=PASSWORD)
    assert answer.location == "/my"


def test_the_sign_in_leads_back_to_where_one_was_sent_from(office):
    answer = office.send("/sign-in?next=/security/password", "/sign-in", **typed())
    assert answer.location == "/security/password"


@pytest.mark.parametrize("next_page", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_sign_in_leads_nowhere_else(office, next_page):
    form = hidden(office, "/sign-in")
    answer = office.client.post("/sign-in", data=form | typed() | {"next": next_page})
    assert answer.location == "/my"


def hidden(office, page, action=None):
    return hidden_fields(office.page(page), action or page)


def typed(password=PASSWORD, number=ZHANG.code.number):
    return {"kind": "111", "number": number, "password": password}


@pytest.mark.parametrize(
    "fields",
    [
        typed(password="wrong"),
        typed(number="440524188001010014", password=PASSWORD),
        {"kind": "414", "number": "G12345678", "password": PASSWORD},
        {"kind": "001", "number": FIRM.code.number, "password": PASSWORD},
    ],
    ids=["wrong password", "no password set", "no account", "organisation"],
)
def test_whatever_does_not_fit_gets_the_same_sentence(office, fields):
    answer = office.send("/sign-in", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "证件号码与密码不匹配。" in page
    assert 'role="alert"' in page
    assert fields["number"] not in page
    assert fields["password"] not in page
    assert office.signing.sessions.of(ZHANG.id) == ()


def test_a_mistyped_number_is_named_at_its_field(office):
    page = office.send("/sign-in", **typed(number="110105194912310021")).get_data(as_text=True)
    assert 'id="number-fault"' in page
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="number-fault"' in page


def test_an_empty_form_names_every_field(office):
    answer = office.send("/sign-in", kind="111", number=" ", password="")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert page.count(ZH.missing) == 4


def test_an_unknown_kind_of_number_is_refused(office):
    assert "kind-fault" in office.send("/sign-in", **typed() | {"kind": "777"}).get_data(as_text=True)


def test_guessing_is_slowed_and_the_page_says_for_how_long(office):
    for _ in range(6):
        office.send("/sign-in", **typed(password="wrong"))
    answer = office.send("/sign-in", **typed(password="wrong"))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "登录尝试过于频繁。" in answer.get_data(as_text=True)


def test_the_number_is_never_in_an_address(office):
    assert ZHANG.code.number not in (office.sign_in().location or "")
    assert 'method="post"' in office.page("/sign-in")


def test_signing_in_again_ends_the_session_before(office):
    office.sign_in()
    office.sign_in()
    assert len(office.signing.sessions.of(ZHANG.id)) == 1


def test_a_planted_session_cookie_is_replaced(office):
    office.client.set_cookie("__Host-yinxin", "planted", domain="trust.example")
    office.sign_in()
    assert office.client.get_cookie("__Host-yinxin", domain="trust.example").value != "planted"


def test_the_code_is_asked_for_where_an_app_is_set_up(office):
    app = enrolled_app(office)
    answer = office.send("/sign-in?next=/security/password", "/sign-in", **typed())
    assert answer.location == "/sign-in/code?next=%2Fsecurity%2Fpassword"
    assert office.client.get("/security").status_code == 303
    answer = office.send(answer.location, "/sign-in/code", code=app.at(office.signing.clock.now()))
    assert answer.location == "/security/password"
    assert "密码和动态验证码" in office.page("/security")


def test_a_wrong_code_may_be_typed_again(office):
    app = enrolled_app(office)
    office.sign_in()
    answer = office.send("/sign-in/code", code="000000")
    assert answer.status_code == 422
    assert "动态验证码不正确或已使用。" in answer.get_data(as_text=True)
    assert office.send("/sign-in/code", code=app.at(office.signing.clock.now())).status_code == 303


def test_without_a_first_step_there_is_no_second(office):
    assert office.client.get("/sign-in/code").location == "/sign-in"
    assert ZH.notes["attempt-ended"] in office.page("/sign-in")


def test_a_second_step_that_took_too_long_begins_again(office):
    app = enrolled_app(office)
    office.sign_in()
    form = hidden(office, "/sign-in/code")
    office.signing.clock.advance(minutes=6)
    answer = office.client.post("/sign-in/code", data=form | {"code": app.at(office.signing.clock.now())})
    assert answer.location == "/sign-in"
    assert office.client.get_cookie("__Host-yinxin-attempt", domain="trust.example") is None


def test_a_passkey_signs_in_without_a_number(office):
    authenticator = passkey(office)
    form = hidden(office, "/sign-in", "/sign-in/passkey")
    options = office.client.post("/sign-in/passkey/options", headers={"X-CSRF-Token": form["csrf"]})
    assert options.content_type == "application/json"
    credential = authenticator.get(options.get_data(as_text=True))
    answer = office.client.post("/sign-in/passkey", data=form | {"credential": credential})
    assert answer.location == "/my"
    assert max(found.strength for found in office.signing.sessions.of(ZHANG.id)) is Strength.PASSKEY


@pytest.mark.parametrize("credential", ["", "{}", "[]", "x" * 20_000])
def test_what_is_no_passkey_is_refused_on_the_page(office, credential):
    answer = office.send("/sign-in", "/sign-in/passkey", credential=credential)
    assert answer.status_code == 422
    assert "通行密钥的应答无法读取。" in answer.get_data(as_text=True)


def test_passkey_options_need_the_token(office):
    assert office.client.post("/sign-in/passkey/options").json["code"] == "csrf-refused"


def test_only_pages_with_a_passkey_run_the_script(office):
    answer = office.client.get("/sign-in")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    text = answer.get_data(as_text=True)
    assert re.search(r'<script src="/static/passkey\.js\?v=[0-9a-f]{12}" defer></script>', text)
    assert "script-src" not in office.client.get("/register").headers["Content-Security-Policy"]


def test_another_platform_is_a_link_that_keeps_where_to_go(office):
    page = office.page("/sign-in", next="/security/codes")
    assert "省政务服务平台" in page
    link = re.search(r'href="(/sign-in/upstream/province[^"]*)"', page)[1]
    answer = office.client.get(link)
    assert answer.location.startswith("https://province.example/auth")
    answer = office.client.get("/sso/upstream/province/callback?code=c&state=s")
    assert answer.location == "/security/codes"
    session = office.signing.sessions.of(ZHANG.id)[0]
    assert session.methods == (Method.UPSTREAM,)
    assert office.tables.opened_sessions == [session.id]


def test_who_was_let_in_by_another_platform_has_proved_nothing_now(office):
    """The platform may have known the browser for an hour: that is no fresh proof for changing credentials."""
    office.signing.clock.advance(minutes=40)
    office.client.get("/sign-in/upstream/province")
    office.client.get("/sso/upstream/province/callback?code=c&state=s")
    session = office.signing.sessions.of(ZHANG.id)[0]
    assert (session.auth_time, session.created_at) == (MOMENT, office.signing.clock.now())
    assert office.client.get("/security/password").location.startswith("/step-up")
    again = office.client.get("/sign-in/upstream/province")  # who comes again comes to prove it
    assert again.location.endswith("prompt=login")


def test_coming_from_another_platform_ends_the_session_of_before(office):
    office.sign_in()
    before = office.signing.sessions.of(ZHANG.id)[0]
    office.client.get("/sign-in/upstream/province")
    office.client.get("/sso/upstream/province/callback?code=c&state=s")
    (after,) = office.signing.sessions.of(ZHANG.id)
    assert after.id != before.id


def test_declining_on_the_other_platform_leads_back_to_the_form(office):
    office.client.get("/sign-in/upstream/province")
    answer = office.client.get("/sso/upstream/province/callback?error=access_denied&state=s")
    assert answer.location.startswith("/sign-in")
    assert ZH.notes["upstream-declined"] in office.page("/sign-in")


def test_an_unknown_platform_has_a_page(office):
    answer = office.client.get("/sign-in/upstream/nowhere", headers=BROWSER)
    assert answer.status_code == 404


def test_a_system_that_wants_a_new_proof_gets_one_from_the_platform_too(office):
    address = office.authorize(prompt="login")
    answer = office.client.get("/sign-in/upstream/province", query_string={"next": address})
    assert answer.location.endswith("prompt=login")


def test_signing_out_ends_the_session_for_good(office):
    office.sign_in()
    cookie = office.client.get_cookie("__Host-yinxin", domain="trust.example").value
    answer = office.send("/security", "/sign-out")
    assert (answer.status_code, answer.location) == (303, "/signed-out")
    assert ZH.out_done_title in office.page("/signed-out")
    assert office.client.get_cookie("__Host-yinxin", domain="trust.example") is None
    assert office.signing.sessions.find(cookie) is None


def test_a_link_does_not_sign_out_but_asks(office):
    office.sign_in()
    assert ZH.out_title in office.page("/sign-out")
    assert len(office.signing.sessions.of(ZHANG.id)) == 1
    assert office.client.get("/sign-out").status_code == 200


def test_signing_out_twice_is_no_fault(office):
    office.sign_in()
    form = hidden(office, "/sign-out")
    office.client.post("/sign-out", data=form)
    assert office.client.get("/sign-out").location == "/signed-out"


def test_the_page_says_which_system_one_goes_on_to_and_its_forms_may_lead_there(office):
    answer = office.client.get("/sign-in", query_string={"next": office.authorize()})
    assert "示范区政务服务窗口系统" in answer.get_data(as_text=True)
    assert f"form-action 'self' {CALLBACK.removesuffix('/callback')};" in answer.headers["Content-Security-Policy"]
    assert "form-action 'self';" in office.client.get("/sign-in").headers["Content-Security-Policy"]


def test_every_page_speaks_both_languages(office):
    for path in ("/sign-in", "/register", "/recover", "/signed-out"):
        text = office.client.get(path, query_string={"lang": "en"}).get_data(as_text=True)
        body = re.sub(r'<a [^>]*hreflang="zh-CN">中文</a>|省政务服务平台', "", text)
        assert not re.search("[一-鿿]", body), path


def step_up(office, way, **fields):
    return office.send("/step-up?next=/security/password", f"/step-up/{way}", **fields)


def test_the_password_renews_a_session_and_its_secret(office):
    office.sign_in()
    before = office.client.get_cookie("__Host-yinxin", domain="trust.example").value
    office.signing.clock.advance(minutes=20)
    assert office.client.get("/security/password").location == "/step-up?next=%2Fsecurity%2Fpassword"
    assert step_up(office, "password", password=PASSWORD).location == "/security/password"
    assert office.client.get("/security/password").status_code == 200
    assert office.client.get_cookie("__Host-yinxin", domain="trust.example").value != before
    assert len(office.signing.sessions.of(ZHANG.id)) == 1


def test_a_wrong_password_does_not_renew(office):
    office.sign_in()
    answer = step_up(office, "password", password=OTHER_PASSWORD)
    assert answer.status_code == 422
    assert "password-fault" in answer.get_data(as_text=True)


def test_a_code_makes_a_session_stronger(office):
    office.sign_in()
    app = office.signing.with_app()
    answer = step_up(office, "code", code=app.at(office.signing.clock.now()))
    assert answer.location == "/security/password"
    assert "密码和动态验证码" in office.page("/security")


def test_a_passkey_makes_a_session_stronger(office):
    authenticator = passkey(office)
    office.sign_in()
    form = hidden(office, "/step-up", "/step-up/passkey")
    options = office.client.post("/step-up/passkey/options", headers={"X-CSRF-Token": form["csrf"]})
    credential = authenticator.get(options.get_data(as_text=True))
    answer = office.client.post("/step-up/passkey", data=form | {"credential": credential})
    assert answer.location == "/my"
    assert "通行密钥" in office.page("/security")


def test_only_means_that_reach_what_the_system_wants_are_offered(office):
    office.sign_in()
    office.signing.with_app()
    address = office.authorize(acr_values="urn:yinxin:aal:3")
    page = office.page("/step-up", next=address)
    assert ZH.no_means in page
    assert ZH.not_now in page
    assert 'action="/step-up/code"' not in page
    address = office.authorize(acr_values="urn:yinxin:aal:2")
    assert 'action="/step-up/code"' in office.page("/step-up", next=address)


def test_changing_credentials_wants_the_strongest_means(office):
    passkey(office)
    office.sign_in()
    page = office.page("/step-up", next="/security/codes")
    assert 'action="/step-up/passkey"' in page
    assert 'action="/step-up/password"' not in page
    assert 'action="/step-up/password"' in office.page("/step-up", next=office.authorize())


def test_who_has_no_means_here_signs_in_again(office):
    office.client.get("/sign-in/upstream/province")
    office.client.get("/sso/upstream/province/callback?code=c&state=s")
    address = office.authorize(acr_values="urn:yinxin:aal:3")
    assert 'href="/sign-in?next=' in office.page("/step-up", next=address)


def test_stepping_up_needs_a_session(office):
    assert office.client.get("/step-up").location == "/sign-in?next=%2Fstep-up"
    assert office.client.post("/step-up/password").status_code == 303
