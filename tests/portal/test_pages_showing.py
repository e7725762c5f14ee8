import re
from base64 import b64decode

import pytest
import zxingcpp

from certs.showing import CODE_SECONDS, SHOW_SECONDS
from portal.pages import presence, showing
from portal.pages.texts_showing import SHOWING_TEXTS
from sso.passing.store.presences import presence_within
from tests.certs.world import PERSON
from tests.portal.my_office import open_my_office
from tests.portal.offices import hidden_fields
from tests.portal.support import altered, unsigned
from tests.sso.signin.world import ZHANG
from tests.trust.formats.test_qr import drawn
from trust.formats.holders import HolderNumber
from trust.kernel.bearer_secrets import secret_digest

ZH, EN = SHOWING_TEXTS["zh"], SHOWING_TEXTS["en"]
HOLDER = HolderNumber(kind="111", number=PERSON)
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def mine(tmp_path):
    opened = open_my_office(tmp_path)
    opened.sign_in()
    yield opened
    opened.close()


def in_picture(page: str) -> str:
    """Return the text of the code on a page."""
    svg = b64decode(re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', page)[1]).decode()
    return zxingcpp.read_barcode(drawn(svg)).text


def begun(mine, identifier=None):
    """Begin to show a certificate; return the address of the page with the code."""
    identifier = identifier or mine.issue()
    form = hidden_fields(mine.page(f"/my/certificates/{identifier}"), "/my/shows")
    answer = mine.client.post("/my/shows", data=form)
    assert answer.status_code == 303
    return answer.location


def test_there_are_words_for_everything():
    for texts in (ZH, EN):
        assert all(getattr(texts, name) for name in texts.__slots__)


def test_the_code_on_the_page_leads_a_stranger_to_a_verdict(mine):
    address = in_picture(mine.page(begun(mine)))
    assert re.fullmatch("https://trust.example/s/[A-Za-z0-9_-]{43}", address)
    answer = mine.app.test_client().get(address)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    for text in (ZH.scanned, "真实有效", "张示例", HOLDER.masked, "<code>signature-matches</code>"):
        assert text in page
    assert PERSON not in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert EN.scanned in mine.app.test_client().get(f"{address}?lang=en").get_data(as_text=True)


@pytest.mark.parametrize(("report", "word"), [(altered, "核验不通过"), (unsigned, "无法确认")])
def test_a_file_that_does_not_pass_is_called_so_and_nothing_of_it_is_told(mine, report, word):
    mine.judge.verify_file = lambda _data: report()
    page = mine.app.test_client().get(in_picture(mine.page(begun(mine)))).get_data(as_text=True)
    assert word in page
    assert "张示例" not in page


def test_each_scan_is_a_row_that_the_holder_sees(mine):
    address = in_picture(mine.page(begun(mine)))
    for _ in range(2):
        mine.app.test_client().get(address)
    rows = [access.visit.client for access in mine.library.service.accesses(HOLDER, own=False)]
    assert rows == ["shown", "shown"]


def test_the_page_asks_for_the_next_code_before_this_one_ends_and_needs_no_script(mine):
    address = begun(mine)
    answer = mine.client.get(address)
    assert answer.headers["Refresh"] == f"{showing.RENEW_SECONDS}; url={address}"
    assert showing.RENEW_SECONDS < CODE_SECONDS
    first = in_picture(answer.get_data(as_text=True))
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    mine.clock.advance(seconds=showing.RENEW_SECONDS)
    second = in_picture(mine.page(address))
    assert first != second
    assert all(mine.app.test_client().get(each).status_code == 200 for each in (first, second))
    mine.clock.advance(seconds=CODE_SECONDS - showing.RENEW_SECONDS)
    assert mine.app.test_client().get(first, headers=BROWSER).status_code == 404
    assert mine.app.test_client().get(second).status_code == 200


def test_a_show_ends_by_itself_and_offers_to_begin_again(mine):
    address = begun(mine)
    mine.clock.advance(seconds=SHOW_SECONDS)
    answer = mine.client.get(address)
    assert "Refresh" not in answer.headers
    page = answer.get_data(as_text=True)
    assert ZH.over_ended in page
    assert mine.client.post("/my/shows", data=hidden_fields(page, "/my/shows")).status_code == 303


def test_voiding_ends_every_code_at_once(mine):
    address = begun(mine)
    page = mine.page(address)
    answer = mine.client.post("/my/shows/void", data=hidden_fields(page, "/my/shows/void"))
    assert answer.location == address
    assert ZH.over_voided in mine.page(address)
    scan = mine.app.test_client().get(in_picture(page))
    assert scan.status_code == 404
    assert ZH.scan_over in scan.get_data(as_text=True)


def test_signing_out_ends_the_code(mine):
    address = in_picture(mine.page(begun(mine)))
    mine.send("/my", "/sign-out")
    assert mine.app.test_client().get(address).status_code == 404


def test_a_show_belongs_to_the_session_that_began_it(mine):
    address = begun(mine)
    other = mine.app.test_client()
    mine.office.client = other
    mine.sign_in()
    answer = other.get(address)
    assert (answer.status_code, answer.json["code"]) == (404, "show-over")
    form = hidden_fields(mine.page("/my"), "/sign-out") | {"show": address.rpartition("/")[2]}
    assert other.post("/my/shows/void", data=form).json["code"] == "show-over"


def test_another_s_certificate_is_not_shown(mine):
    form = hidden_fields(mine.page("/my"), "/sign-out") | {"identifier": mine.issue(firm=True)}
    assert mine.client.post("/my/shows", data=form).json["code"] == "certificate-unknown"


def test_a_representative_shows_what_is_the_organisation_s_until_the_mandate_ends(mine):
    identifier, mandate = mine.issue(firm=True), mine.offer_to_zhang()
    mine.mandates.accept(mandate.id, by=ZHANG.id)
    form = hidden_fields(mine.page(f"/my/certificates/{identifier}", **{"as": mandate.id}), "/my/shows")
    target = mine.client.post("/my/shows", data=form).location
    assert target.endswith(f"?as={mandate.id}")
    page = mine.page(target)
    assert f"/my/certificates/{identifier}?as={mandate.id}" in page
    address = in_picture(page)
    assert "91350100M000100Y43" in mine.app.test_client().get(address).get_data(as_text=True)
    mine.mandates.withdraw(mandate.id, by=ZHANG.id)
    assert mine.app.test_client().get(address).status_code == 404


@pytest.mark.parametrize("code", ["x", "A" * 43, "A" * 44, "..%2f", "<script>alert(1)</script>"])
def test_what_is_no_code_says_the_same_as_an_old_one(mine, code):
    answer = mine.app.test_client().get(f"/s/{code}")
    assert answer.status_code == 404
    assert "<script>" not in answer.get_data(as_text=True)


def test_scanning_is_limited_by_address(tmp_path):
    opened = open_my_office(tmp_path, rate=2)
    stranger = opened.app.test_client()
    assert [stranger.get(f"/s/{'A' * 43}").status_code for _ in range(3)] == [404, 404, 429]
    opened.close()


@pytest.mark.parametrize("path", ["/my/shows", "/my/shows/void", "/my/presence", "/my/presence/void"])
def test_every_form_needs_its_token(mine, path):
    assert mine.client.post(path).json["code"] == "csrf-refused"


def codes_at_counter(mine, page):
    with mine.library.database.connect() as connection:
        return presence_within(connection, secret_digest(in_picture(page)))


def test_the_counter_code_is_a_presence_of_this_session(mine):
    assert mine.send("/my/presence").location == "/my/presence/code"
    answer = mine.client.get("/my/presence/code")
    page = answer.get_data(as_text=True)
    found, used = codes_at_counter(mine, page)
    assert (found.person, found.method.value, used) == (ZHANG.id, "qr", False)
    assert answer.headers["Refresh"] == f"{presence.RENEW_SECONDS}; url=/my/presence/code?turn=2"


def test_a_new_counter_code_voids_the_one_before(mine):
    first = mine.page("/my/presence/code")
    mine.page("/my/presence/code", turn="2")
    assert codes_at_counter(mine, first)[1]


def test_a_counter_code_is_voided_by_hand(mine):
    page = mine.page("/my/presence/code")
    form = hidden_fields(page, "/my/presence/void")
    assert mine.client.post("/my/presence/void", data=form).location == "/my/presence"
    assert ZH.notes["voided"] in mine.page("/my/presence")
    assert codes_at_counter(mine, page)[1]


@pytest.mark.parametrize("turn", [str(presence.ROUNDS + 1), "x", "-1", "99", "", "٣"])
def test_the_page_rests_after_some_codes(mine, turn):
    assert mine.client.get("/my/presence/code", query_string={"turn": turn}).location == "/my/presence"
    assert ZH.notes["rested"] in mine.page("/my/presence")


def test_the_last_turn_still_shows_a_code(mine):
    assert in_picture(mine.page("/my/presence/code", turn=str(presence.ROUNDS)))
