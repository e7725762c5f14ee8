"""What counters did with my account: seen, taken away, and answered with one click on every page (law 8)."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from portal.pages import account
from portal.pages.texts_account import ACCOUNT_TEXTS
from sso.accounts.domain import Act, Change, Evidence, ProofingLevel
from sso.counters.domain import Counter
from sso.signin.clerk_acts import ClerkActKind, ClerkActs
from sso.signin.errors import RecoveryRefused
from tests.fakes import MOMENT
from tests.portal.offices import hidden_fields, open_office
from tests.sso.signin.world import CLERK, HOME, WAIT, ZHANG, ZHANG_NUMBER
from trust.kernel.errors import NotFound, Unavailable

COUNTER = "counter-1"
HALL = Counter(id=COUNTER, name="政务服务中心 3 号窗口", authority=CLERK.authority, systems=frozenset())
SECOND = replace(CLERK, id="01JCLERK000000000000000002", person="01JPERSON00000000000SECOND", name="钱五")
ZH, EN = ACCOUNT_TEXTS["zh"], ACCOUNT_TEXTS["en"]


class Registers:
    """History of accounts, counters and clerks, in memory."""

    def __init__(self) -> None:
        self.pieces: list[Evidence] = []
        self.acts: list[Change] = []

    def evidence(self, person_id: str):
        return self.pieces

    def changes(self, person_id: str):
        return self.acts

    def counter(self, counter_id: str) -> Counter:
        if counter_id != COUNTER:
            raise NotFound
        return HALL

    def clerk(self, clerk_id: str):
        found = MappingProxyType({each.id: each for each in (CLERK, SECOND)}).get(clerk_id)
        if found is None:
            raise NotFound
        return found


@pytest.fixture
def registers() -> Registers:
    return Registers()


@pytest.fixture
def office(tmp_path, registers):
    opened = open_office(tmp_path)
    history = ClerkActs(registers, opened.signing.workshop.counter_codes, registers)
    services = account.AccountServices(history=history, codes=opened.desk, clock=opened.signing.clock)
    opened.app.register_blueprint(account.blueprint(opened.browser, services))
    yield opened
    opened.signing.database.close()


def hand_out(office):
    return office.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter=COUNTER)


def test_there_are_words_for_everything():
    for texts in (ZH, EN):
        assert all(getattr(texts, name) for name in texts.__slots__)
        assert set(texts.kinds) == {kind.value for kind in (*ClerkActKind, *Act)}


def test_every_page_says_that_a_code_was_handed_out_and_one_click_cancels_it(office):
    office.sign_in()
    assert ZH.code_title not in office.page("/security")
    code = hand_out(office)
    for path in ("/security", "/my/account"):
        page = office.page(path)
        assert ZH.code_title in page
        assert HALL.name in page
        assert CLERK.shown in page
        assert CLERK.name not in page
    form = hidden_fields(page, "/my/account/cancel-code")
    answer = office.client.post("/my/account/cancel-code", data=form)
    assert (answer.status_code, answer.location) == (303, "/my/account")
    page = office.page("/my/account")
    assert ZH.notes["cancelled"] in page
    assert ZH.code_title not in page
    assert ZH.kinds[ClerkActKind.CANCELLED] in page
    office.signing.clock.moment += WAIT
    with pytest.raises(RecoveryRefused):
        office.desk.recover(ZHANG_NUMBER, code.code, HOME)


def test_whoever_is_not_signed_in_sees_no_notice(office):
    hand_out(office)
    assert ZH.code_title not in office.page("/sign-in")


def test_a_form_from_elsewhere_cancels_nothing(office):
    office.sign_in()
    hand_out(office)
    [code] = office.desk.open_codes(ZHANG.id)
    assert office.client.post("/my/account/cancel-code", data={"code": code.id}).status_code == 403
    assert office.desk.open_codes(ZHANG.id) == [code]


def test_cancelling_what_is_over_changes_nothing_and_is_no_fault(office):
    office.sign_in()
    hand_out(office)
    form = hidden_fields(office.page("/security"), "/my/account/cancel-code")
    for _ in range(2):
        assert office.client.post("/my/account/cancel-code", data=form).status_code == 303


def test_each_act_of_a_clerk_is_one_row_newest_first_with_the_clerk_masked(office, registers):
    registers.pieces.append(
        Evidence(
            id="E",
            person=ZHANG.id,
            source="counter",
            level=ProofingLevel.IN_PERSON,
            at=MOMENT,
            document_kind="111",
            counter=COUNTER,
            clerk=CLERK.id,
        )
    )
    registers.acts.append(Change(id="C", person=ZHANG.id, act=Act.CREDENTIALS_ENDED, at=MOMENT, requested_by=CLERK.id))
    office.signing.clock.advance(minutes=1)
    office.sign_in()
    hand_out(office)
    office.signing.clock.advance(minutes=1)
    office.desk.release_code(ZHANG.id, clerk=SECOND, counter=COUNTER)
    rows = office.client.get("/my/account/export").get_json()["rows"]
    assert [(row["kind"], row.get("clerk")) for row in rows[:2]] == [
        ("code-released", SECOND.shown),
        ("code-handed-out", CLERK.shown),
    ]
    assert {(row["kind"], row["clerk"]) for row in rows[2:]} == {
        ("proofed", CLERK.shown),
        ("credentials-ended", CLERK.shown),
    }
    [proofed] = [row for row in rows if row["kind"] == "proofed"]
    assert (proofed["counter"], proofed["document_kind"]) == (HALL.name, "111")
    page = office.page("/my/account")
    assert page.index(ZH.kinds["code-released"]) < page.index(ZH.kinds["proofed"])


def test_an_officer_who_is_no_clerk_is_not_named_and_an_unknown_counter_is_its_id(office, registers):
    registers.acts.append(Change(id="C", person=ZHANG.id, act=Act.DISABLED, at=MOMENT, requested_by="赵六"))
    registers.pieces.append(
        Evidence(
            id="E", person=ZHANG.id, source="counter", level=ProofingLevel.IN_PERSON, at=MOMENT, counter="c9", clerk="x"
        )
    )
    office.sign_in()
    text = office.client.get("/my/account/export").get_data(as_text=True)
    assert "赵六" not in text
    assert '"counter": "c9"' in text


def test_the_pages_stand_while_the_codes_cannot_be_read(office, monkeypatch):
    office.sign_in()

    def away(self, person_id):
        raise Unavailable

    monkeypatch.setattr(type(office.desk), "open_codes", away)
    assert ZH.code_title not in office.page("/security")
