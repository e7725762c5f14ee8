import pytest

from portal.pages.texts_signin import SIGN_IN_TEXTS
from tests.portal.offices import AFTERWARDS, CLIENT, hidden_fields, open_office
from tests.sso.signin.world import ZHANG

ZH = SIGN_IN_TEXTS["zh"]
ASKED = {"post_logout_redirect_uri": AFTERWARDS, "client_id": CLIENT.id}


@pytest.fixture
def office(tmp_path):
    opened = open_office(tmp_path)
    opened.sign_in()
    yield opened
    opened.signing.database.close()


def living(office):
    return len(office.signing.sessions.of(ZHANG.id))


def test_a_system_that_means_this_session_signs_it_out_at_once(office):
    answer = office.client.get("/oauth/logout", query_string=ASKED | {"id_token_hint": "ours"})
    assert (answer.status_code, answer.location) == (303, AFTERWARDS)
    assert living(office) == 0
    assert office.client.get_cookie("__Host-yinxin", domain="trust.example") is None


def test_otherwise_the_person_is_asked_and_told_who_asks(office):
    answer = office.client.get("/oauth/logout", query_string=ASKED)
    page = answer.get_data(as_text=True)
    assert ZH.out_title in page
    assert CLIENT.label in page
    assert living(office) == 1
    assert "form-action 'self' https://counter.example;" in answer.headers["Content-Security-Policy"]
    done = office.client.post("/oauth/logout/confirm", data=hidden_fields(page, "/oauth/logout/confirm"))
    assert (done.status_code, done.location) == (303, AFTERWARDS)
    assert living(office) == 0


def test_without_an_address_the_last_page_is_ours(office):
    page = office.page("/oauth/logout")
    done = office.client.post("/oauth/logout/confirm", data=hidden_fields(page, "/oauth/logout/confirm"))
    assert done.location == "/signed-out"


def test_the_answer_to_the_question_cannot_be_forged(office):
    answer = office.client.post("/oauth/logout/confirm", data=ASKED)
    assert answer.json["code"] == "csrf-refused"
    assert living(office) == 1


def test_a_request_that_cannot_be_used_is_shown_and_ends_nothing(office):
    answer = office.client.get("/oauth/logout", query_string=ASKED | {"id_token_hint": "bad"})
    page = answer.get_data(as_text=True)
    assert (answer.status_code, answer.location) == (400, None)
    assert ZH.out_refused_title in page
    assert 'href="/sign-out"' in page
    assert living(office) == 1


def test_a_form_of_another_site_comes_without_the_cookie_and_is_taken_up_by_get(office):
    foreign = office.app.test_client().post("/oauth/logout", data=ASKED, headers={"Origin": "https://counter.example"})
    assert foreign.status_code == 303
    assert foreign.location.startswith("/oauth/logout?post_logout_redirect_uri=https%3A%2F%2Fcounter.example%2Fbye")
    assert ZH.out_title in office.client.get(foreign.location).get_data(as_text=True)


def test_who_is_not_signed_in_goes_straight_on(office):
    answer = office.app.test_client().get("/oauth/logout", query_string=ASKED)
    assert answer.location == AFTERWARDS
