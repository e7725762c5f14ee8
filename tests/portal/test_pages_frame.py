import pytest
from flask import Response

from portal.pages.addresses import RETURN_MAX, local_path
from tests.portal.people import BROWSER, PUBLIC_URL, SESSION_COOKIE, VISITOR, frame_app, token_in
from trust.http import headers

PAGE = {"Accept": "text/html"}


@pytest.fixture
def world():
    return frame_app()


def test_a_stranger_is_sent_to_sign_in_and_comes_back(world):
    answer = world.client.get("/inside?t=1")
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=%2Finside%3Ft%3D1"


def test_a_stranger_s_form_leads_back_to_the_page_it_stood_on_and_does_nothing(world):
    answer = world.client.post("/inside", headers={"Referer": f"{PUBLIC_URL}/inside?t=1"})
    assert answer.location == "/sign-in?next=%2Finside%3Ft%3D1"
    assert world.done == []


def test_who_is_signed_in_stands_on_top_masked_with_a_way_out(world):
    page = world.sign_in().get("/inside").get_data(as_text=True)
    assert "张*" in page
    assert "张三" not in page
    assert 'action="/sign-out"' in page


def test_a_form_with_its_token_is_taken_and_answered_with_303_and_a_note_shown_once(world):
    browser = world.sign_in()
    token = token_in(browser.get("/inside"))
    answer = browser.post("/inside", data={"csrf": token})
    assert (answer.status_code, answer.location) == (303, "/inside")
    assert world.done == [VISITOR.person.id]
    assert 'role="status">已完成。' in browser.get("/inside").get_data(as_text=True)
    assert 'role="status"' not in browser.get("/inside").get_data(as_text=True)


def test_a_note_of_unknown_code_says_nothing(world):
    browser = world.sign_in()
    browser.set_cookie("__Host-yinxin-note", "<b>", domain="trust.example")
    assert 'role="status"' not in browser.get("/inside").get_data(as_text=True)


@pytest.mark.parametrize("token", ["", "x", ".", "a.b", "." * 5000])
def test_a_form_without_its_token_is_refused(world, token):
    browser = world.sign_in()
    answer = browser.post("/inside", data={"csrf": token}, headers=BROWSER)
    assert answer.status_code == 403
    assert "csrf-refused" in answer.get_data(as_text=True)
    assert world.done == []


def test_a_token_of_another_session_is_refused(world):
    token = token_in(world.sign_in().get("/inside"))
    other = world.sign_in("other-secret")
    answer = other.post("/inside", data={"csrf": token})
    assert answer.json["code"] == "csrf-refused"


def test_a_token_from_before_sign_in_is_refused_afterwards(world):
    token = token_in(world.client.get("/open"))
    answer = world.sign_in().post("/inside", data={"csrf": token})
    assert answer.json["code"] == "csrf-refused"


def test_before_sign_in_the_token_is_bound_to_a_signed_visit_cookie(world):
    token = token_in(world.client.get("/open"))
    assert world.client.post("/open", data={"csrf": token}).status_code == 303
    world.client.delete_cookie("__Host-yinxin-visit", domain="trust.example")
    assert world.client.post("/open", data={"csrf": token}).json["code"] == "csrf-refused"
    world.client.set_cookie("__Host-yinxin-visit", "planted.cookie", domain="trust.example")
    assert world.client.post("/open", data={"csrf": token}).json["code"] == "csrf-refused"


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://trust.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_form_from_another_site_is_refused_even_with_its_token(world, sent):
    browser = world.sign_in()
    token = token_in(browser.get("/inside"))
    assert browser.post("/inside", data={"csrf": token}, headers=sent).json["code"] == "csrf-refused"
    assert world.done == []


def test_the_browser_s_own_word_for_our_pages_is_taken(world):
    browser = world.sign_in()
    token = token_in(browser.get("/inside"))
    own = {"Origin": PUBLIC_URL, "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/inside", data={"csrf": token}, headers=own).status_code == 303


def test_tokens_differ_at_each_page(world):
    browser = world.sign_in()
    assert token_in(browser.get("/inside")) != token_in(browser.get("/inside"))


def test_cookies_are_locked_to_the_host_and_hidden_from_scripts(world):
    world.client.get("/open?lang=en")
    for name in ("__Host-yinxin-visit", "__Host-yinxin-lang"):
        cookie = world.client.get_cookie(name, domain="trust.example")
        assert cookie.secure
        assert cookie.http_only
        assert cookie.same_site == "Lax"
        assert cookie.path == "/"
        assert cookie.origin_only


def test_without_https_the_prefix_is_left_out():
    world = frame_app(public_url="http://127.0.0.1:8080")
    set_cookie = world.client.get("/open").headers["Set-Cookie"]
    assert set_cookie.startswith("yinxin-visit=")
    assert "Secure" not in set_cookie


def test_the_language_chosen_is_kept_and_an_address_wins(world):
    assert '<html lang="zh-CN">' in world.client.get("/open").get_data(as_text=True)
    assert '<html lang="en">' in world.client.get("/open?lang=en").get_data(as_text=True)
    assert '<html lang="en">' in world.client.get("/open").get_data(as_text=True)
    assert '<html lang="zh-CN">' in world.client.get("/open?lang=zh").get_data(as_text=True)
    assert '<html lang="zh-CN">' in world.client.get("/open?lang=klingon").get_data(as_text=True)


def test_a_disabled_person_s_session_opens_nothing(world):
    world.people.disabled = True
    assert world.sign_in().get("/inside").status_code == 303


def test_a_failure_below_still_gets_its_page(world):
    world.people.broken = True
    answer = world.sign_in().get("/inside", headers=PAGE)
    assert answer.status_code == 503
    assert "unavailable" in answer.get_data(as_text=True)


def test_an_overlong_cookie_is_no_cookie(world):
    world.client.set_cookie(SESSION_COOKIE, "x" * 513, domain="trust.example")
    assert world.client.get("/inside").status_code == 303
    assert world.people.asked == []


@pytest.mark.parametrize("path", ["/", "/my?x=1", "/oauth/continue?request=01J", "/" + "a" * (RETURN_MAX - 1)])
def test_a_path_of_ours_is_returned_to(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "my",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " /my",
        "/über",
        "/" + "a" * RETURN_MAX,
        "//[",
    ],
)
def test_no_other_place_is_returned_to(path):
    assert local_path(path, otherwise="/home") == "/home"


def policy(allow) -> str:
    def view():
        allow()
        return Response("", content_type="text/html")

    world = frame_app()
    world.app.add_url_rule("/policy", view_func=view)
    return world.client.get("/policy").headers["Content-Security-Policy"]


def test_a_page_runs_no_script_unless_it_asked(world):
    closed = world.client.get("/open").headers["Content-Security-Policy"]
    assert "script-src" not in closed
    assert "form-action 'self';" in closed
    open_ = policy(headers.allow_own_script)
    assert "script-src 'self'; connect-src 'self';" in open_
    assert "script-src" not in world.client.get("/open").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://rp.example/cb?x=1", "https://rp.example"),
        ("http://127.0.0.1:4711/cb", "http://127.0.0.1:4711"),
        ("http://[::1]:4711/cb", "http:"),
        ("cn.gov.app:/cb", "cn.gov.app:"),
    ],
)
def test_a_form_may_end_at_the_registered_origin(uri, source):
    found = policy(lambda: headers.allow_form_target(uri))
    assert f"form-action 'self' {source};" in found


@pytest.mark.parametrize(
    "uri", ["", "/path", "https://", "https://a b/", "https://rp.example; script-src *", "https://*/"]
)
def test_no_other_text_gets_into_the_policy(uri):
    world = frame_app()
    with world.app.test_request_context("/open"), pytest.raises(ValueError, match="no "):
        headers.allow_form_target(uri)
