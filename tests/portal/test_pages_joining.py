import re

import pytest

from portal.pages.texts_security import SECURITY_TEXTS
from portal.pages.texts_signin import SIGN_IN_TEXTS
from tests.portal.offices import open_office
from tests.sso.signin.world import CLERK, OTHER_PASSWORD, PASSWORD, WAIT, ZHANG

ZH = SIGN_IN_TEXTS["zh"]
SET = SECURITY_TEXTS["zh"]
FORM = {
    "kind": "111",
    "number": "440524188001010014",
    "name": "李四",
    "password": OTHER_PASSWORD,
    "again": OTHER_PASSWORD,
}


@pytest.fixture
def office(tmp_path):
    opened = open_office(tmp_path)
    yield opened
    opened.signing.database.close()


def codes_of(office):
    return office.desk.new_recovery_codes(office.signing.signed_in().session)


def test_a_registration_is_handed_on_and_leads_to_the_sign_in(office):
    answer = office.send("/register", **FORM)
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert ZH.notes["registered"] in office.page("/sign-in")
    assert office.tables.registered == [("111:440524188001010014", "李四", OTHER_PASSWORD)]


def test_an_existing_account_gets_the_same_answer(office):
    new = office.send("/register", **FORM)
    known = office.send("/register", **FORM | {"number": ZHANG.code.number, "name": "张三"})
    assert (new.status_code, new.location, new.data) == (known.status_code, known.location, known.data)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": "440524188001010015"}, "number"),
        ({"number": ""}, "number"),
        ({"name": ""}, "name"),
        ({"name": "李\u202e四"}, "name"),
        ({"name": "李" * 201}, "name"),
        ({"password": "short", "again": "short"}, "password"),
        ({"password": "password1234", "again": "password1234"}, "password"),
        ({"again": "another one entirely"}, "again"),
        ({"kind": "777"}, "kind"),
    ],
)
def test_what_is_wrong_is_named_at_its_field_and_nothing_typed_is_repeated(office, changed, field):
    answer = office.send("/register", **FORM | changed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in page
    assert f'href="#{field}"' in page
    assert FORM["number"] not in page
    assert OTHER_PASSWORD not in page
    assert office.tables.registered == []


def test_a_register_that_does_not_answer_is_a_page_of_its_own(office):
    office.tables.registers_down = True
    answer = office.send("/register", headers={"Accept": "text/html"}, **FORM)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    page = answer.get_data(as_text=True)
    assert "核验姓名和证件号码的登记系统一段时间内没有响应。" in page
    assert "本次没有完成登记。请几分钟后重试，或携带证件到任一窗口办理。" in page


def test_registrations_are_limited_by_address(tmp_path):
    office = open_office(tmp_path, rate=2)
    assert office.send("/register", **FORM).status_code == 303
    assert office.send("/register", **FORM).status_code == 303
    assert office.send("/register", **FORM).status_code == 429
    office.signing.database.close()


def recover(office, code, **changed):
    return office.send("/recover", **{"kind": "111", "number": ZHANG.code.number, "code": code} | changed)


def test_a_recovery_code_leads_to_a_new_password_and_new_codes(office):
    office.sign_in()
    code = codes_of(office)[0]
    assert recover(office, code).location == "/recover/password"
    answer = office.send("/recover/password", password=OTHER_PASSWORD, again=OTHER_PASSWORD)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert SET.recovery_title in page
    codes = re.findall(r"<li><code>([^<]+)</code></li>", page)
    assert len(codes) == 10
    assert code not in codes
    assert "张*" in office.page("/security")
    assert len(office.signing.sessions.of(ZHANG.id)) == 1
    office.client.delete_cookie("__Host-yinxin", domain="trust.example")
    assert office.sign_in(PASSWORD).status_code == 422
    assert office.sign_in(OTHER_PASSWORD).status_code == 303


def test_a_code_from_a_counter_does_the_same(office):
    code = office.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1").code
    early = recover(office, code)
    assert early.status_code == 422
    assert "该窗口恢复码尚未生效。" in early.get_data(as_text=True)
    office.signing.clock.moment += WAIT
    assert recover(office, code.lower().replace("-", " ")).location == "/recover/password"


@pytest.mark.parametrize(
    "changed", [{}, {"number": "440524188001010014"}, {"kind": "414", "number": "G12345678"}], ids=str
)
def test_a_code_that_does_not_fit_gets_one_sentence(office, changed):
    page = recover(office, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", **changed).get_data(as_text=True)
    assert "证件号码与恢复码不匹配。" in page


def test_a_used_code_is_no_code(office):
    code = codes_of(office)[0]
    recover(office, code)
    assert recover(office, code).status_code == 422


def test_a_weak_password_may_be_chosen_again(office):
    recover(office, codes_of(office)[0])
    answer = office.send("/recover/password", password="11010519491231002X", again="11010519491231002X")
    assert answer.status_code == 422
    assert "密码容易被猜中。" in answer.get_data(as_text=True)
    assert office.send("/recover/password", password=OTHER_PASSWORD, again=OTHER_PASSWORD).status_code == 200


def test_choosing_a_password_needs_the_code_before_it(office):
    assert office.client.get("/recover/password").location == "/recover"
    assert ZH.notes["attempt-ended"] in office.page("/recover")


def test_a_recovery_that_took_too_long_begins_again(office):
    recover(office, codes_of(office)[0])
    text = office.page("/recover/password")
    office.signing.clock.advance(minutes=16)
    token = re.findall(r'name="csrf" value="([^"]+)"', text)[-1]
    form = {"csrf": token, "password": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    assert office.client.post("/recover/password", data=form).location == "/recover"


def test_a_half_finished_recovery_signs_nobody_in(office):
    recover(office, codes_of(office)[0])
    assert office.client.get("/security").location == "/sign-in?next=%2Fsecurity"
