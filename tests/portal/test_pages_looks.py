import html
import json
import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certs.access_log import Access, Look, Visit
from portal.pages import look_rows, looks
from portal.pages.look_rows import page_of
from portal.pages.texts_looks import LOOKS_TEXTS
from sso.passing.domain import Channel, EventKind, PresenceMethod
from sso.passing.log import HOP, AccessRow
from sso.passing.targets import PASSED_SCOPES
from tests.certs.world import CLIENT as DEPARTMENT
from tests.certs.world import PERSON, PURPOSE
from tests.fakes import MOMENT
from tests.portal.my_office import Names, open_my_office
from tests.portal.offices import MATTER, hidden_fields
from tests.sso.signin.world import FIRM, LI, ZHANG
from trust.formats.holders import HolderNumber
from trust.kernel.identifiers import CertificateIdentifier

ZH, EN = LOOKS_TEXTS["zh"], LOOKS_TEXTS["en"]
HOLDER = HolderNumber(kind="111", number=PERSON)
REASON = "我没有去过这个窗口"


@pytest.fixture
def mine(tmp_path):
    opened = open_my_office(tmp_path)
    opened.sign_in()
    yield opened
    opened.close()


def test_there_are_words_for_everything():
    for texts in (ZH, EN):
        assert all(getattr(texts, name) for name in texts.__slots__ if name != "notes")
        assert set(texts.kinds) == {HOP, *EventKind, "read", "search", "scan", "own"}
        assert set(texts.looks) == set(Look)
        assert set(texts.channels) == set(Channel)
        assert set(texts.methods) == set(PresenceMethod)
        assert set(texts.scopes) == {scope.value for scope in PASSED_SCOPES}


def rows(page: str) -> int:
    return page.count('class="card look ')


def test_a_hop_says_who_where_why_when_and_what(mine):
    hop = mine.hop()
    page = mine.page("/my/looks")
    for text in ("示范区政务服务窗口系统", "3 号窗口", "李** (**17)", MATTER.purpose_zh, hop.case, "2026-11-21 16:00"):
        assert text in page
    for text in (ZH.channels[Channel.COUNTER], ZH.methods[PresenceMethod.QR], ZH.scopes["certs:read"]):
        assert text in page
    assert MATTER.purpose in mine.page("/my/looks", lang="en")


def test_a_failed_presentation_is_shown_with_what_to_do(mine):
    mine.failed_presence()
    page = mine.page("/my/looks")
    assert ZH.kinds["presence-failed"] in page
    assert ZH.failed_hint in page


def test_looks_of_departments_are_merged_in_newest_first(mine):
    identifier = CertificateIdentifier.parse(mine.issue())
    mine.hop()
    mine.clock.advance(minutes=1)
    mine.library.service.get(DEPARTMENT, identifier, PURPOSE)
    mine.clock.advance(minutes=1)
    mine.failed_presence()
    page = mine.page("/my/looks")
    order = [page.index(ZH.kinds[kind]) for kind in ("presence-failed", "read", HOP)]
    assert order == sorted(order)
    for text in (PURPOSE.text, "居住证", "示范区市场监督管理局", ZH.looks[Look.DATA]):
        assert text in page


def test_one_search_is_one_row_however_many_certificates_it_found(mine):
    mine.issue()
    mine.issue(key="key-00000002")
    mine.library.service.find_by_holder(DEPARTMENT, HOLDER, PURPOSE)
    page = mine.page("/my/looks")
    assert rows(page) == 1
    assert ZH.kinds["search"] in page


def test_a_search_without_a_hit_is_shown_too(mine):
    mine.library.service.find_by_holder(DEPARTMENT, HOLDER, PURPOSE)
    assert ZH.nothing_found in mine.page("/my/looks")


def test_own_looks_are_shown_only_when_asked_for(mine):
    mine.issue()
    mine.page("/my/certificates")
    assert ZH.none in mine.page("/my/looks")
    page = mine.page("/my/looks", own="1")
    assert ZH.kinds["own"] in page
    assert 'own=1&amp;lang=en"' in page


def test_others_rows_are_not_shown(mine):
    mine.hop(subject=LI.id)
    mine.issue(firm=True)
    mine.library.service.find_by_holder(DEPARTMENT, FIRM.code, PURPOSE)
    assert rows(mine.page("/my/looks")) == 0


def test_the_legal_representative_sees_what_was_done_with_the_organisation(mine):
    mandate = mine.represent()
    mine.hop()
    mine.hop(subject=LI.id, represents=FIRM.id, counter_name="5 号窗口")
    mine.library.service.find_by_holder(DEPARTMENT, FIRM.code, PURPOSE)
    page = mine.page("/my/looks", **{"as": mandate.id})
    assert rows(page) == 2
    assert "5 号窗口" in page
    assert rows(mine.page("/my/looks")) == 1


def test_an_agent_does_not_see_who_looked_at_the_organisation(mine):
    mandate = mine.offer_to_zhang()
    mine.mandates.accept(mandate.id, by=ZHANG.id)
    assert mine.client.get(f"/my/looks?as={mandate.id}").status_code == 404


def test_pages_lead_from_the_newest_rows_to_the_oldest_and_the_file_has_everything(mine, monkeypatch):
    monkeypatch.setattr(look_rows, "PAGE_ROWS", 2)
    monkeypatch.setattr(looks, "FETCHED", 3)
    mine.issue()
    identifier = CertificateIdentifier.parse(mine.issue(key="key-00000002"))
    for number in range(4):
        mine.hop(counter_name=f"{number} 号窗口")
        mine.clock.advance(seconds=1)
        mine.library.service.find_by_holder(DEPARTMENT, HOLDER, PURPOSE)
        mine.clock.advance(seconds=1)
    mine.library.service.get(DEPARTMENT, identifier, PURPOSE)
    address, seen = "/my/looks", []
    while address:
        page = mine.page(address)
        seen += re.findall('datetime="([^"]+)"', page)
        assert (ZH.newest in page) == ("before=" in address)
        older = re.search('rel="next" href="([^"]+)"', page)
        address = html.unescape(older[1]) if older else ""
    assert len(seen) == 9
    assert seen == sorted(set(seen), reverse=True)
    exported = json.loads(mine.client.get("/my/looks/export").data)["rows"]
    assert [row["at"] for row in exported] == seen
    assert [len(row["certificates"]) for row in exported if row["kind"] == "search"] == [2] * 4


@pytest.mark.parametrize("before", ["x", "2026-11-21", "2026-11-21T08:00:00", "0001-01-01T00:00:00+08:00"])
def test_an_address_that_names_no_moment_leads_to_the_newest_page(mine, before):
    mine.hop()
    assert rows(mine.page("/my/looks", before=before)) == 1


def test_a_page_past_the_oldest_row_says_nothing_of_an_empty_record(mine):
    mine.hop()
    page = mine.page("/my/looks", before="2000-01-01T00:00:00+00:00")
    assert rows(page) == 0
    assert ZH.none not in page
    assert ZH.newest in page


@given(
    moments=st.lists(st.integers(0, 30), max_size=40),
    more=st.lists(st.integers(0, 30), max_size=40),
    most=st.integers(1, 9),
)
def test_no_row_is_lost_or_shown_twice_between_pages(moments, more, most):
    events = [access_row(f"h{n}", at) for n, at in enumerate(moments)]
    visits = [access(f"v{n}", at) for n, at in enumerate(more)]

    def read(before):
        past = [
            row for row in sorted(events, key=lambda row: row.at, reverse=True) if before is None or row.at < before
        ]
        looked = [
            one
            for one in sorted(visits, key=lambda one: one.visit.at, reverse=True)
            if before is None or one.visit.at < before
        ]
        page = page_of(past[:most], [looked[:most]], Names(), "zh", fetched=most)
        return page_of(past, [looked], Names(), "zh", fetched=100) if page.parted else page

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(look_rows, "PAGE_ROWS", 2)
        page, found = read(None), []
        found += page.rows
        while page.before is not None:
            page = read(page.before)
            found += page.rows
    assert len(found) == len(moments) + len(more)
    assert [row.at for row in found] == sorted([row.at for row in found], reverse=True)


def access_row(name: str, at: int) -> AccessRow:
    return AccessRow(id=name, kind=HOP, at=MOMENT + timedelta(seconds=at), system="s", hop=name)


def access(name: str, at: int) -> Access:
    visit = Visit(
        at=MOMENT + timedelta(seconds=at), client=f"client:{name}", authority="", look=Look.DATA, purpose=PURPOSE.text
    )
    return Access(visit=visit, holder_index=b"", identifier=None)


def test_a_person_sees_what_an_agent_did_in_their_name_and_may_object(mine):
    hop = mine.hop(subject=LI.id, represents=ZHANG.id)
    page = mine.page("/my/looks")
    assert rows(page) == 1
    assert ZH.by_mandate in page
    mine.send(f"/my/looks/object?hop={hop.id}", "/my/looks/object", text=REASON)
    assert ZH.ended in mine.page("/my/looks")


def test_the_export_has_every_row_with_stable_words(mine):
    identifier = mine.issue()
    hop = mine.hop()
    mine.clock.advance(minutes=1)
    mine.page("/my/certificates")
    answer = mine.client.get("/my/looks/export")
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="who-looked.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    own, passed = json.loads(answer.data)["rows"]
    assert (own["kind"], own["certificates"]) == ("own", [identifier])
    assert passed["kind"] == "hop"
    assert passed["hop"] == hop.id
    assert passed["counter"] == "政务服务中心 3 号窗口"
    assert datetime.fromisoformat(passed["at"]) == hop.at
    assert PERSON not in answer.get_data(as_text=True)


def objection(mine, hop, text=REASON, **arguments):
    query = "&".join(f"{name}={value}" for name, value in {"hop": hop.id, **arguments}.items())
    form = hidden_fields(mine.page(f"/my/looks/object?{query}"), "/my/looks/object")
    return mine.client.post("/my/looks/object", data=form | {"text": text})


def test_an_objection_is_confirmed_with_its_reference_and_ends_the_hop(mine):
    hop = mine.hop()
    answer = objection(mine, hop)
    assert (answer.status_code, answer.location) == (303, f"/my/looks/objected?hop={hop.id}")
    page = mine.page(answer.location)
    assert ZH.done_title in page
    assert hop.id in page
    listed = mine.page("/my/looks")
    assert ZH.ended in listed
    assert "/my/looks/object?" not in listed


@pytest.mark.parametrize("text", ["", " ", "x", "x" * 201, "本人号码 11010519491231002X"])
def test_an_objection_that_cannot_be_kept_is_mended(mine, text):
    hop = mine.hop()
    answer = objection(mine, hop, text)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'href="#text"' in page
    assert 'id="text-fault"' in page
    assert ZH.ended not in mine.page("/my/looks")


def test_there_is_no_confirmation_without_an_objection(mine):
    hop = mine.hop()
    assert mine.client.get(f"/my/looks/objected?hop={hop.id}").json["code"] == "hop-unknown"


@pytest.mark.parametrize("whose", ["other", "none", "empty"])
def test_nobody_objects_to_what_is_not_about_them(mine, whose):
    hop = mine.hop(subject=LI.id).id if whose == "other" else "01JHOP" if whose == "none" else ""
    assert mine.client.get(f"/my/looks/object?hop={hop}").json["code"] == "hop-unknown"
    form = hidden_fields(mine.page("/my"), "/sign-out") | {"hop": hop, "text": REASON}
    assert mine.client.post("/my/looks/object", data=form).json["code"] == "hop-unknown"


def test_the_legal_representative_objects_for_the_organisation(mine):
    mandate = mine.represent()
    hop = mine.hop(subject=LI.id, represents=FIRM.id)
    answer = objection(mine, hop, **{"as": mandate.id})
    assert answer.location == f"/my/looks/objected?hop={hop.id}&as={mandate.id}"
    assert ZH.done_title in mine.page(answer.location)


def test_what_others_wrote_is_text(mine):
    mine.hop(counter_name="<script>alert(1)</script>")
    assert "<script>alert" not in mine.page("/my/looks")


def test_the_objection_form_needs_its_token(mine):
    assert mine.client.post("/my/looks/object").json["code"] == "csrf-refused"
