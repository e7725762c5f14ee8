import pytest

from portal.pages.texts_mandates import MANDATE_TEXTS
from sso.mandates.domain import OFFER_LIFE, MandateKind
from sso.mandates.service import GRANT_STRENGTH
from sso.signin.domain import Strength
from tests.portal.my_office import open_my_office
from tests.portal.my_registers import OTHER_MATTER, RETIRED
from tests.portal.offices import MATTER, hidden_fields
from tests.sso.signin.world import FIRM, LI, NOBODY_NUMBER, ZHANG

ZH, EN = MANDATE_TEXTS["zh"], MANDATE_TEXTS["en"]
TYPE = "11000000DEM0YX001B001"
FORM = {
    "principal": ZHANG.id,
    "kind": "one-off",
    "document": "111",
    "number": LI.code.number,
    "name": LI.name,
    "matters": MATTER.code,
    "valid_until": "2027-01-31",
}


@pytest.fixture
def mine(tmp_path):
    opened = open_my_office(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def inside(mine):
    mine.sign_in()
    return mine


@pytest.fixture
def strong(mine):
    mine.sign_in(strong=True)
    return mine


def test_there_are_words_for_everything():
    for texts in (ZH, EN):
        assert all(getattr(texts, name) for name in texts.__slots__)
        assert set(texts.kinds) == set(MandateKind)
        assert set(texts.states) == {"in-force", "offered", "not-yet", "lapsed", "expired", "used", "withdrawn"}


def test_an_offer_is_accepted(inside):
    mandate = inside.offer_to_zhang()
    page = inside.page("/my/mandates")
    for text in (ZH.offers, "示例食品有限公司", MATTER.name_zh, ZH.states["offered"]):
        assert text in page
    assert inside.send("/my/mandates", "/my/mandates/accept").location == "/my/mandates"
    page = inside.page("/my/mandates")
    assert ZH.notes["accepted"] in page
    assert ZH.states["in-force"] in page
    assert inside.mandates.get(mandate.id).accepted


def test_a_mandate_is_withdrawn_after_a_question(inside):
    mandate = inside.offer_to_zhang()
    question = f"/my/mandates/withdraw?mandate={mandate.id}"
    assert question in inside.page("/my/mandates")
    assert ZH.withdraw_mine in inside.page(question)
    assert inside.send(question, "/my/mandates/withdraw").location == "/my/mandates"
    page = inside.page("/my/mandates")
    assert ZH.notes["withdrawn"] in page
    assert f"{ZH.ended} (1)" in page
    assert inside.mandates.get(mandate.id).withdrawn_at is not None


def test_the_legal_representative_withdraws_what_was_granted_for_the_organisation(strong):
    own = strong.represent()
    answer = sent(strong, principal=FIRM.id, kind="standing-agent")
    form = hidden_fields(answer.get_data(as_text=True), "/my/mandates/grant") | {"step": "confirm"}
    strong.client.post("/my/mandates/grant", data=form)
    (mandate,) = strong.mandates.of_agent(LI.id)
    page = strong.page("/my/mandates")
    assert ZH.from_register in page
    assert f"withdraw?mandate={own.id}" not in page
    question = f"/my/mandates/withdraw?mandate={mandate.id}"
    assert ZH.withdraw_given in strong.page(question)
    assert strong.send(question, "/my/mandates/withdraw").status_code == 303
    assert strong.mandates.get(mandate.id).withdrawn_by == ZHANG.id


def test_what_the_register_says_is_not_withdrawn_here(inside):
    own = inside.represent()
    page = inside.page(f"/my/mandates/withdraw?mandate={own.id}")
    assert ZH.from_register in page
    assert ZH.withdraw_submit not in page
    form = hidden_fields(inside.page("/my"), "/sign-out") | {"mandate": own.id}
    assert inside.client.post("/my/mandates/withdraw", data=form).json["code"] == "mandate-from-register"


@pytest.mark.parametrize("name", ["", "x", "01JMANDATE0000000000000001"])
def test_a_stranger_s_mandate_is_not_known(inside, name):
    assert inside.client.get(f"/my/mandates/withdraw?mandate={name}").json["code"] == "mandate-unknown"
    form = hidden_fields(inside.page("/my"), "/sign-out") | {"mandate": name}
    for action in ("withdraw", "accept"):
        assert inside.client.post(f"/my/mandates/{action}", data=form).json["code"] == "mandate-unknown"


def test_an_offer_that_lapsed_is_among_the_ended(inside):
    inside.offer_to_zhang()
    inside.clock.advance(days=OFFER_LIFE.days)
    inside.sign_in()
    page = inside.page("/my/mandates")
    assert ZH.states["lapsed"] in page
    assert "/my/mandates/accept" not in page


def test_a_used_mandate_is_among_the_ended(inside):
    mandate = inside.offer_to_zhang(MandateKind.ONE_OFF)
    inside.mandates.accept(mandate.id, by=ZHANG.id)
    inside.mandates.use_one_off(mandate.id, "01JCASE")
    assert ZH.states["used"] in inside.page("/my/mandates")


def test_the_register_confirms_a_legal_representative(inside):
    inside.register.entries.add((FIRM.code.text, ZHANG.code.text, ZHANG.name))
    assert inside.send("/my/mandates/claim", number=FIRM.code.number.lower()).location == "/my/mandates"
    page = inside.page("/my/mandates")
    assert ZH.notes["claimed"] in page
    assert "示例食品有限公司" in page
    assert ZH.no_end in page


@pytest.mark.parametrize("number", ["", "x", FIRM.code.number, ZHANG.code.number])
def test_a_claim_that_is_not_confirmed_is_told_at_its_field(inside, number):
    answer = inside.send("/my/mandates/claim", number=number)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'id="number-fault"' in page
    assert 'href="#number"' in page


def test_claims_are_limited_by_person(tmp_path):
    opened = open_my_office(tmp_path, rate=1)
    opened.sign_in()
    codes = [opened.send("/my/mandates/claim", number=FIRM.code.number).status_code for _ in range(2)]
    assert codes == [422, 429]
    opened.close()


def test_granting_needs_a_surer_sign_in_which_the_page_explains(inside):
    page = inside.page("/my/mandates/grant")
    assert ZH.weak_unable in page
    assert 'href="/security"' in page
    form = hidden_fields(inside.page("/my"), "/sign-out") | FORM | {"step": "confirm"}
    assert ZH.weak_title in inside.client.post("/my/mandates/grant", data=form).get_data(as_text=True)
    assert list(inside.mandates.of_agent(LI.id)) == []
    assert GRANT_STRENGTH > Strength.PASSWORD


def sent(mine, **fields):
    """Fill in the form and go on to the check."""
    return mine.send("/my/mandates/grant", **(FORM | fields))


def test_the_answers_are_checked_before_anything_is_granted(strong):
    answer = sent(strong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    for text in (ZH.check_title, LI.name, LI.code.masked, MATTER.name_zh, "2027-01-31", ZH.kinds[MandateKind.ONE_OFF]):
        assert text in page
    assert list(strong.mandates.of_agent(LI.id)) == []
    form = hidden_fields(page, "/my/mandates/grant")
    confirmed = strong.client.post("/my/mandates/grant", data=form | {"step": "confirm"})
    assert (confirmed.status_code, confirmed.location) == (303, "/my/mandates")
    assert ZH.notes["granted"] in strong.page("/my/mandates")
    (mandate,) = strong.mandates.of_agent(LI.id)
    assert (mandate.principal, mandate.granted_by, mandate.kind) == (ZHANG.id, ZHANG.id, MandateKind.ONE_OFF)
    assert mandate.valid_until.isoformat() == "2027-01-31T16:00:00+00:00"


def test_going_back_from_the_check_keeps_the_answers(strong):
    form = hidden_fields(sent(strong).get_data(as_text=True), "/my/mandates/grant")
    page = strong.client.post("/my/mandates/grant", data=form | {"step": "change"}).get_data(as_text=True)
    assert f'value="{LI.code.number}"' in page
    assert f'value="{MATTER.code}" checked' in page


def test_what_was_altered_between_check_and_confirmation_is_judged_anew(strong):
    form = hidden_fields(sent(strong).get_data(as_text=True), "/my/mandates/grant")
    for changed in ({"principal": FIRM.id}, {"name": "李五"}, {"valid_until": "2030-01-01"}):
        answer = strong.client.post("/my/mandates/grant", data=form | {"step": "confirm"} | changed)
        assert answer.status_code == 422
    assert list(strong.mandates.of_agent(LI.id)) == []


def test_the_legal_representative_appoints_a_standing_agent_for_some_types(strong):
    strong.represent()
    answer = sent(
        strong,
        principal=FIRM.id,
        kind="standing-agent",
        matters=[MATTER.code, OTHER_MATTER.code],
        types=TYPE,
        ends_with="yes",
    )
    page = answer.get_data(as_text=True)
    assert "示例食品有限公司" in page
    assert ZH.ends_with in page
    form = hidden_fields(page, "/my/mandates/grant") | {"step": "confirm", "matters": [MATTER.code, OTHER_MATTER.code]}
    assert strong.client.post("/my/mandates/grant", data=form).status_code == 303
    (mandate,) = strong.mandates.of_agent(LI.id)
    assert mandate.matters == {MATTER.code, OTHER_MATTER.code}
    assert mandate.types == {TYPE}
    assert mandate.ends_with_representative


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": "1234"}, "number"),
        ({"number": NOBODY_NUMBER.number, "document": "414"}, "number"),
        ({"number": ZHANG.code.number, "name": ZHANG.name}, "number"),
        ({"document": "zzz"}, "number"),
        ({"name": ""}, "name"),
        ({"name": "李五"}, "number"),
        ({"matters": ""}, "matters"),
        ({"matters": RETIRED.code}, "matters"),
        ({"matters": "none-such"}, "matters"),
        ({"matters": [MATTER.code, OTHER_MATTER.code]}, "matters"),
        ({"valid_until": "2026-11-20"}, "valid_until"),
        ({"valid_until": "2027-03-01"}, "valid_until"),
        ({"valid_until": "soon"}, "valid_until"),
        ({"valid_until": "9999-12-31"}, "valid_until"),
        ({"kind": "standing-agent"}, "kind"),
        ({"kind": "legal-representative"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"types": "11000000DEM0YX001B002"}, "types"),
        ({"principal": FIRM.id}, "form"),
        ({"principal": "x"}, "form"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field_with_the_answers_kept(strong, changed, field):
    answer = sent(strong, **changed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'role="alert"' in page
    assert list(strong.mandates.of_agent(LI.id)) == []
    if field not in {"form", "principal"}:
        assert f'id="{field}-fault"' in page, page
        assert f'href="#{field}"' in page


def test_naming_agents_is_limited_by_person(tmp_path):
    opened = open_my_office(tmp_path, rate=3)
    opened.sign_in(strong=True)
    codes = [sent(opened, name="李五").status_code for _ in range(4)]
    assert codes == [422, 422, 422, 429]
    opened.close()


@pytest.mark.parametrize(
    "path", ["/my/mandates/accept", "/my/mandates/withdraw", "/my/mandates/claim", "/my/mandates/grant"]
)
def test_every_form_needs_its_token(inside, path):
    assert inside.client.post(path).json["code"] == "csrf-refused"


def test_an_agent_s_name_that_is_markup_is_text(strong):
    page = sent(strong, name="<script>alert(1)</script>").get_data(as_text=True)
    assert "<script>alert" not in page


def test_the_last_day_is_shown_as_it_was_chosen(strong):
    form = hidden_fields(sent(strong).get_data(as_text=True), "/my/mandates/grant")
    strong.client.post("/my/mandates/grant", data=form | {"step": "confirm"})
    assert "2027-01-31" in strong.page("/my/mandates")


def test_a_legal_representative_is_no_agent_of_their_own(strong):
    strong.represent()
    answer = sent(strong, principal=FIRM.id, kind="standing-agent", number=ZHANG.code.number, name=ZHANG.name)
    assert answer.status_code == 422
    assert 'id="number-fault"' in answer.get_data(as_text=True)
