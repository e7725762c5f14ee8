import re

import pytest

from portal.pages.texts_enrolling import ENROL_TEXTS
from tests.portal.my_office import open_my_office
from tests.portal.my_registers import TICKET
from tests.portal.offices import hidden_fields
from tests.sso.signin.world import LI, OTHER_PASSWORD, ZHANG

ZH, EN = ENROL_TEXTS["zh"], ENROL_TEXTS["en"]
FORM = {"ticket": TICKET, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD}


@pytest.fixture
def mine(tmp_path):
    opened = open_my_office(tmp_path)
    yield opened
    opened.close()


def test_there_are_words_for_everything():
    for texts in (ZH, EN):
        assert all(getattr(texts, name) for name in texts.__slots__ if name != "notes")


def test_a_ticket_gives_a_first_password_with_which_one_signs_in(mine):
    answer = mine.send("/enrol", **FORM)
    assert (answer.status_code, answer.location) == (303, "/enrol/done")
    assert ZH.done_title in mine.page("/enrol/done")
    signed = mine.send("/sign-in", kind="111", number=LI.code.number, password=OTHER_PASSWORD)
    assert signed.status_code == 303
    assert mine.office.desk.enrolled(LI.id).password


def test_a_ticket_may_be_typed_with_spaces(mine):
    assert mine.send("/enrol", **(FORM | {"ticket": f" {TICKET[:20]} {TICKET[20:]} "})).status_code == 303


@pytest.mark.parametrize("ticket", ["x", "U" * 43, "é" * 43, "<script>"])
def test_a_ticket_that_leads_nowhere_says_what_to_do(mine, ticket):
    answer = mine.send("/enrol", **(FORM | {"ticket": ticket}))
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert ZH.ticket_dead in page
    assert 'href="#ticket"' in page
    assert ticket == "x" or ticket not in page


def test_a_ticket_is_good_once(mine):
    assert mine.send("/enrol", **FORM).status_code == 303
    assert mine.send("/enrol", **FORM).status_code == 422


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"ticket": ""}, "ticket"), ({"password": ""}, "password"), ({"again": "other"}, "again")],
)
def test_an_unfinished_form_uses_up_no_ticket(mine, changed, field):
    answer = mine.send("/enrol", **(FORM | changed))
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.get_data(as_text=True)
    assert mine.tickets.redeemed == []


@pytest.mark.parametrize("password", ["short", "李四 李四 440524188001010014", "a" * 1000])
def test_a_password_that_does_not_fit_gets_a_new_ticket_in_the_form(mine, password):
    answer = mine.send("/enrol", **(FORM | {"password": password, "again": password}))
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'id="password-fault"' in page
    fresh = re.search(r'id="ticket"[^>]* value="([0-9]{43})"', page)[1]
    form = hidden_fields(page, "/enrol")
    assert mine.client.post("/enrol", data=form | FORM | {"ticket": fresh}).location == "/enrol/done"


def test_who_has_a_password_gets_no_second_one(mine):
    mine.office.desk.enrol_password(LI.id, OTHER_PASSWORD)
    answer = mine.send("/enrol", **FORM)
    assert answer.status_code == 422
    assert mine.tickets.known == {}


def test_the_ticket_is_in_no_address_and_no_log(mine, capsys):
    answer = mine.send("/enrol", **(FORM | {"password": "short", "again": "short"}))
    assert TICKET not in (answer.location or "")
    said = capsys.readouterr()
    assert TICKET not in said.out + said.err
    assert OTHER_PASSWORD not in said.out + said.err


def test_only_this_page_runs_the_script_that_reads_the_fragment(mine):
    answer = mine.client.get("/enrol")
    assert re.search(r'<script src="/static/enrol\.js\?v=[0-9a-f]{12}" defer></script>', answer.get_data(as_text=True))
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in mine.client.get("/enrol/done").headers["Content-Security-Policy"]


def test_trying_tickets_is_limited_by_address(tmp_path):
    opened = open_my_office(tmp_path, rate=2)
    codes = [opened.send("/enrol", **(FORM | {"ticket": "x"})).status_code for _ in range(3)]
    assert codes == [422, 422, 429]
    assert len(opened.tickets.redeemed) == 2
    opened.close()


def test_the_form_needs_its_token(mine):
    assert mine.client.post("/enrol", data=FORM).json["code"] == "csrf-refused"
    assert ZHANG.id not in mine.tickets.known.values()
