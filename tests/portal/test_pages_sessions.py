import pytest

from portal.pages.texts_sessions import SESSION_TEXTS
from tests.portal.my_office import open_my_office
from tests.portal.offices import CLIENT, MATTER, hidden_fields
from tests.sso.signin.world import ZHANG

ZH, EN = SESSION_TEXTS["zh"], SESSION_TEXTS["en"]


@pytest.fixture
def mine(tmp_path):
    opened = open_my_office(tmp_path)
    opened.sign_in()
    yield opened
    opened.close()


def living(mine):
    return mine.office.signing.sessions.of(ZHANG.id)


def test_there_are_words_for_everything():
    for texts in (ZH, EN):
        assert all(getattr(texts, name) for name in texts.__slots__)


def test_the_present_sign_in_stands_first_and_is_marked_by_icon_and_word(mine):
    mine.office.signing.signed_in()
    page = mine.page("/my/sessions")
    assert page.count('class="mark pass"') == 1
    assert page.index(ZH.here) < page.index("Firefox, Linux")
    assert len(living(mine)) == 2


def test_one_other_sign_in_is_ended(mine):
    other = mine.office.signing.signed_in().session
    assert mine.send("/my/sessions", "/my/sessions/end").location == "/my/sessions"
    assert ZH.notes["ended"] in mine.page("/my/sessions")
    assert other.id not in {session.id for session in living(mine)}
    assert len(living(mine)) == 1


@pytest.mark.parametrize("name", ["", "x", "01JSESSION0000000000000000"])
def test_ending_what_is_not_one_s_own_changes_nothing(mine, name):
    form = hidden_fields(mine.page("/my"), "/sign-out") | {"session": name}
    assert mine.client.post("/my/sessions/end", data=form).status_code == 303
    assert len(living(mine)) == 1


def test_all_others_are_ended_and_this_one_stays(mine):
    for _ in range(3):
        mine.office.signing.signed_in()
    assert mine.send("/my/sessions", "/my/sessions/end-others").location == "/my/sessions"
    page = mine.page("/my/sessions")
    assert ZH.notes["others-ended"] in page
    assert ZH.only_this in page
    assert len(living(mine)) == 1


def test_a_consent_says_to_whom_for_what_and_is_withdrawn(mine):
    mine.consent()
    page = mine.page("/my/sessions")
    for text in (CLIENT.label, MATTER.name_zh, "2026-11-21", "2027-05-20"):
        assert text in page
    assert mine.send("/my/sessions", "/my/sessions/withdraw").location == "/my/sessions"
    page = mine.page("/my/sessions")
    assert ZH.notes["withdrawn"] in page
    assert ZH.consents_none in page


def test_withdrawing_another_s_consent_changes_nothing(mine):
    consent = mine.consent()
    mine.consents.kept[0] = consent.__class__(
        **{name: getattr(consent, name) for name in consent.__slots__} | {"person": "01JOTHER"}
    )
    form = hidden_fields(mine.page("/my"), "/sign-out") | {"consent": consent.id}
    assert mine.client.post("/my/sessions/withdraw", data=form).status_code == 303
    assert mine.consents.kept


@pytest.mark.parametrize("name", ["end", "end-others", "withdraw"])
def test_every_form_needs_its_token(mine, name):
    assert mine.client.post(f"/my/sessions/{name}").json["code"] == "csrf-refused"
