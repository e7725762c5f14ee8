import re
from dataclasses import replace

import pytest

from portal.pages.texts_consent import CONSENT_TEXTS
from sso.mandates.domain import MandateKind
from sso.provider.domain import PERSON_SCOPES
from tests.portal import offices
from tests.portal.offices import CALLBACK, CLIENT, FIRM, MANDATE, MATTER, open_office
from tests.portal.offices import hidden_fields as hidden
from tests.sso.signin.world import PASSWORD

ZH, EN = CONSENT_TEXTS["zh"], CONSENT_TEXTS["en"]
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def office(tmp_path):
    opened = open_office(tmp_path)
    yield opened
    opened.signing.database.close()


@pytest.fixture
def inside(office):
    office.sign_in()
    return office


def answer(office, address, **fields):
    form = hidden(office.page(address), "/oauth/consent")
    return office.client.post("/oauth/consent", data=form | fields)


def test_every_scope_and_kind_of_mandate_has_its_words():
    for texts in (ZH, EN):
        assert set(texts.scopes) >= PERSON_SCOPES
        assert set(texts.as_kinds) == set(MandateKind)
        assert all(getattr(texts, name) for name in texts.__slots__)


def test_the_request_s_id_stays_in_a_cookie_and_the_address_has_a_handle(office):
    address = office.authorize()
    assert re.fullmatch("/oauth/continue\\?request=[0-9a-f]{16}", address)
    pending = next(iter(office.asked.pending))
    assert pending not in address
    assert office.client.get_cookie("__Host-yinxin-asking", domain="trust.example").value == pending


def test_another_browser_cannot_take_up_the_request(office):
    address = office.authorize()
    other = office.app.test_client().get(address)
    assert other.status_code == 400
    assert "authorization-expired" in other.get_data(as_text=True)


def test_requests_of_several_tabs_are_kept_apart_up_to_four(inside):
    addresses = [inside.authorize() for _ in range(5)]
    assert inside.client.get(addresses[0]).status_code == 400
    assert answer(inside, addresses[1], decision="allow").status_code == 303
    assert answer(inside, addresses[4], decision="allow").status_code == 303


def test_a_matter_that_has_ended_is_said_on_a_page_that_leads_back_to_the_system(inside):
    address = inside.authorize(state="s1")
    inside.tables.matter_retired = True
    shown = inside.client.get(address)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 400
    assert "authorization-matter-over" in text
    assert ZH.over_lead in text
    assert ZH.unusable_lead not in text
    assert f'href="{CALLBACK}?error=invalid_request' in text
    assert "authorization-expired" in inside.client.get(address).get_data(as_text=True)


def test_a_stranger_signs_in_first_and_comes_back(office):
    address = office.authorize()
    there = office.client.get(address).location
    assert there.startswith("/sign-in?next=%2Foauth%2Fcontinue")
    back = office.send(there, "/sign-in", kind="111", number="11010519491231002X", password=PASSWORD)
    assert back.location == address
    assert ZH.title in office.page(address)


def test_the_page_says_who_asks_what_why_and_for_how_long(inside):
    page = inside.page(inside.authorize())
    for said in (
        CLIENT.label,
        "示范区市场监督管理局",
        MATTER.purpose_zh,
        MATTER.name_zh,
        "营业执照",
        "您的姓名",
        "2026-11-22 04:00",
        ZH.allow,
        ZH.refuse,
    ):
        assert said in page
    english = inside.client.get(inside.authorize() + "&lang=en").get_data(as_text=True)
    for said in (MATTER.purpose, "Business licence", "Demonstration District Bureau", EN.allow):
        assert said in english


def test_without_a_matter_nothing_is_said_of_certificates(inside):
    page = inside.page(inside.authorize(matter=""))
    assert ZH.why_none in page
    assert ZH.types not in page


def test_agreeing_sends_the_browser_to_the_system_by_303(inside):
    address = inside.authorize()
    done = answer(inside, address, decision="allow")
    assert (done.status_code, done.location) == (303, f"{CALLBACK}?code=c")
    assert inside.asked.answers == [("approved", None)]
    assert inside.client.get(address).status_code == 400


@pytest.mark.parametrize("decision", ["refuse", "", "ALLOW"])
def test_anything_but_agreeing_is_a_refusal(inside, decision):
    done = answer(inside, inside.authorize(), decision=decision)
    assert done.location == f"{CALLBACK}?error=access_denied"


def test_the_same_click_sent_twice_answers_once(inside):
    address = inside.authorize()
    form = hidden(inside.page(address), "/oauth/consent") | {"decision": "allow"}
    assert inside.client.post("/oauth/consent", data=form).status_code == 303
    again = inside.client.post("/oauth/consent", data=form)
    assert again.status_code == 400
    assert len(inside.asked.answers) == 1


def test_the_page_may_lead_to_the_system_and_nowhere_else(inside):
    policy = inside.client.get(inside.authorize()).headers["Content-Security-Policy"]
    assert "form-action 'self' https://counter.example;" in policy
    assert "script-src" not in policy


def test_a_consent_that_was_given_before_is_not_asked_again(inside):
    inside.asked.remembered = True
    assert inside.client.get(inside.authorize()).location == f"{CALLBACK}?code=c"


def test_for_whom_to_act_is_chosen_among_the_mandates(inside):
    inside.tables.mandates = [MANDATE]
    address = inside.authorize()
    page = inside.page(address)
    assert FIRM.name in page
    assert "经办人" in page
    assert "2027-02-19" in page
    answer(inside, address, decision="allow", represents=MANDATE.id)
    assert inside.asked.answers == [("approved", MANDATE.id)]


def test_oneself_is_chosen_unless_one_says_otherwise(inside):
    inside.tables.mandates = [MANDATE]
    page = inside.page(inside.authorize())
    assert re.search(r'name="represents" value="" checked', page)


def test_a_mandate_of_another_is_refused_with_a_page(inside):
    address = inside.authorize()
    form = hidden(inside.page(address), "/oauth/consent")
    fields = form | {"decision": "allow", "represents": "01JMANDATE00000000000OTHER"}
    done = inside.client.post("/oauth/consent", data=fields, headers=BROWSER)
    assert done.status_code == 403
    assert "mandate-not-usable" in done.get_data(as_text=True)


def test_a_stronger_sign_in_is_asked_for_first(inside):
    address = inside.authorize(acr_values="urn:yinxin:aal:2")
    assert inside.client.get(address).location.startswith("/step-up?next=%2Foauth%2Fcontinue")


def test_who_cannot_prove_it_may_go_back_to_the_system(inside):
    address = inside.authorize(acr_values="urn:yinxin:aal:3")
    page = inside.page("/step-up", next=address)
    done = inside.client.post("/oauth/consent", data=hidden(page, "/oauth/consent") | {"decision": "refuse"})
    assert done.location == f"{CALLBACK}?error=access_denied"


def test_choosing_the_account_is_signing_in_anew(inside):
    inside.asked.stale = True
    address = inside.authorize(prompt="select_account")
    assert inside.client.get(address).location.startswith("/sign-in?")
    address = inside.authorize(prompt="login")
    assert inside.client.get(address).location.startswith("/step-up?")


def test_a_silent_request_is_answered_without_a_page(office):
    assert office.client.get(office.authorize(prompt="none")).location == f"{CALLBACK}?error=login_required"


def test_agreeing_without_having_seen_the_page_shows_it(inside):
    address = inside.authorize()
    form = hidden(inside.page("/security"), "/sign-out") | {"request": address.partition("=")[2]}
    done = inside.client.post("/oauth/consent", data=form | {"decision": "allow"})
    assert done.location == address
    assert ZH.notes["not-ready"] in inside.page(address)
    assert inside.asked.answers == []


@pytest.mark.parametrize("query", ["", "client_id=unknown", f"client_id={CLIENT.id}&client_id={CLIENT.id}"])
def test_what_cannot_be_sent_back_is_shown_and_never_redirected(office, query):
    answer = office.client.get(f"/oauth/authorize?{query}&redirect_uri=https://evil.example/")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert answer.location is None
    assert ZH.unusable_title in page
    assert "authorization-unusable" in page
    assert "evil.example" not in page


def test_what_can_be_sent_back_is(office):
    answer = office.client.get(f"/oauth/authorize?client_id={CLIENT.id}")
    assert (answer.status_code, answer.location) == (303, f"{CALLBACK}?error=invalid_request")


def test_a_system_may_send_people_by_form(office):
    form = {"client_id": CLIENT.id, "code_challenge": "x" * 43}
    answer = office.client.post("/oauth/authorize", data=form, headers={"Origin": "https://counter.example"})
    assert answer.status_code == 303
    assert answer.location.startswith("/oauth/continue")


def test_requests_are_limited_by_address(tmp_path):
    office = open_office(tmp_path, rate=2)
    office.authorize()
    office.authorize()
    assert office.client.get("/oauth/authorize", headers=BROWSER).status_code == 429
    office.signing.database.close()


@pytest.mark.parametrize(
    ("locales", "lang"), [("en-GB zh", "en"), ("fr en", "en"), ("zh-CN en", "zh-CN"), ("fr", "zh-CN")]
)
def test_the_system_may_propose_a_language(inside, locales, lang):
    assert f'<html lang="{lang}">' in inside.page(inside.authorize(ui_locales=locales))


def test_the_person_s_own_choice_of_language_goes_before(inside):
    inside.page("/security", lang="zh")
    assert '<html lang="zh-CN">' in inside.page(inside.authorize(ui_locales="en"))


def test_what_a_system_is_called_is_text(inside, monkeypatch):
    monkeypatch.setattr(offices, "CLIENT", replace(CLIENT, label="<b>x</b>"))
    assert "<b>x</b>" not in inside.page(inside.authorize())
