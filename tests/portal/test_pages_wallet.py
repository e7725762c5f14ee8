import re
from dataclasses import replace

import pytest

from portal.pages.texts_looks import LOOKS_TEXTS
from portal.pages.texts_mine import MINE_TEXTS
from portal.pages.texts_wallet import WALLET_TEXTS
from portal.pages.wallet import STATE_ICONS
from sso.accounts.domain import ProofingLevel
from sso.accounts.roles import Role
from sso.mandates.domain import MandateKind
from tests.certs.world import COMPANY, PERSON
from tests.portal.my_library import pdf
from tests.portal.my_office import open_my_office
from tests.sso.signin.world import LI, ZHANG
from trust.formats.holders import HolderNumber
from verifier.ports import LibraryState

ZH, EN = WALLET_TEXTS["zh"], WALLET_TEXTS["en"]
HOLDER = HolderNumber(kind="111", number=PERSON)
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def mine(tmp_path):
    opened = open_my_office(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def inside(mine):
    mine.sign_in()
    return mine


def clients(mine, holder=HOLDER):
    return [access.visit.client for access in mine.library.service.accesses(holder)]


def test_there_are_words_for_everything():
    for texts in (ZH, EN, *MINE_TEXTS.values()):
        assert all(getattr(texts, name) for name in texts.__slots__ if name != "notes")
    assert set(STATE_ICONS) == set(LibraryState)


@pytest.mark.parametrize("path", ["/my", "/my/certificates", "/my/certificates/x", "/my/certificates/x/preview.png"])
def test_the_pages_are_for_people_who_are_signed_in(mine, path):
    assert mine.client.get(path).location.startswith("/sign-in?next=")


def test_the_front_page_leads_everywhere_and_counts_what_waits(inside):
    page = inside.page("/my")
    for _icon, path, title, _text in MINE_TEXTS["zh"].tiles:
        assert f'href="{path}"' in page
        assert title in page
    assert MINE_TEXTS["zh"].waiting.format(count=1) not in page
    inside.offer_to_zhang()
    assert MINE_TEXTS["zh"].waiting.format(count=1) in inside.page("/my")


def test_the_front_page_leads_officers_and_nobody_else_to_the_systems(inside):
    assert 'href="/systems"' not in inside.page("/my")
    inside.offices.held[ZHANG.id] = Role.AUDITOR
    assert 'href="/systems"' in inside.page("/my")


@pytest.mark.parametrize("level", [ProofingLevel.SELF_ASSERTED, ProofingLevel.TWO_ELEMENT_MATCH])
def test_who_is_known_by_name_and_number_alone_is_shown_nothing(inside, level):
    """Anybody may have registered with them; neither certificates nor who looked at them are theirs to see."""
    identifier = inside.issue()
    inside.page("/my/certificates")
    people = inside.office.signing.persons.people
    people[ZHANG.id] = replace(people[ZHANG.id], level=level)
    before = len(clients(inside))
    page = inside.page("/my/certificates")
    assert ZH.unproofed in page
    assert identifier not in page
    for path in (identifier, f"{identifier}/file", f"{identifier}/preview.png"):
        assert inside.client.get(f"/my/certificates/{path}").status_code == 404
    looks = inside.page("/my/looks?own=1")
    assert LOOKS_TEXTS["zh"].unproofed in looks
    assert LOOKS_TEXTS["zh"].none not in looks
    assert len(clients(inside)) == before


def test_a_person_sees_their_own_certificates_and_leaves_a_row(inside):
    identifier = inside.issue()
    inside.issue(firm=True, key="key-00000002")
    page = inside.page("/my/certificates")
    assert f"/my/certificates/{identifier}" in page
    assert page.count('class="card certificate"') == 1
    assert clients(inside) == ["self"]


def test_without_certificates_the_page_says_what_to_do(inside):
    assert ZH.none_hint in inside.page("/my/certificates")
    assert EN.none_hint in inside.page("/my/certificates", lang="en")


def test_the_details_mask_the_number_wherever_it_stands(inside):
    page = inside.page(f"/my/certificates/{inside.issue()}")
    assert "张示例" in page
    assert HOLDER.masked in page
    assert PERSON not in page


def test_preview_and_file_come_from_the_library_and_are_kept_by_nobody(inside):
    identifier = inside.issue()
    preview = inside.client.get(f"/my/certificates/{identifier}/preview.png")
    assert (preview.status_code, preview.mimetype) == (200, "image/png")
    assert preview.data.startswith(b"\x89PNG")
    file = inside.client.get(f"/my/certificates/{identifier}/file")
    assert file.data.startswith(pdf("11000000DEM0YX001B002"))
    assert file.headers["Content-Disposition"].startswith(f'attachment; filename="{identifier}.pdf"')
    for answer in (preview, file):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert clients(inside) == ["self", "self"]


@pytest.mark.parametrize("tail", ["", "/preview.png", "/file"])
def test_another_s_certificate_is_not_found_and_leaves_no_row(inside, tail):
    other = inside.issue(firm=True)
    answer = inside.client.get(f"/my/certificates/{other}{tail}", headers=BROWSER)
    assert answer.status_code == 404
    assert "certificate-unknown" in answer.get_data(as_text=True)
    assert clients(inside, HolderNumber(kind="001", number=COMPANY)) == []


def test_what_is_no_identifier_is_refused_in_words(inside):
    answer = inside.client.get("/my/certificates/x", headers=BROWSER)
    assert answer.status_code == 422
    assert "identifier-" in answer.get_data(as_text=True)


def test_a_legal_representative_sees_everything_of_the_organisation(inside):
    identifier = inside.issue(firm=True)
    mandate = inside.represent()
    page = inside.page("/my/certificates", **{"as": mandate.id})
    assert "示例食品有限公司" in page
    assert f"/my/certificates/{identifier}?as={mandate.id}" in page
    assert inside.client.get(f"/my/certificates/{identifier}/file?as={mandate.id}").status_code == 200
    assert clients(inside, HolderNumber(kind="001", number=COMPANY)) == ["self", "self"]


def test_a_standing_agent_sees_the_types_of_the_mandate_once_they_accepted(inside):
    identifier = inside.issue(firm=True)
    mandate = inside.offer_to_zhang()
    assert inside.client.get(f"/my/certificates?as={mandate.id}").status_code == 404
    inside.mandates.accept(mandate.id, by=ZHANG.id)
    assert identifier in inside.page("/my/certificates", **{"as": mandate.id})
    inside.mandates.withdraw(mandate.id, by=LI.id)
    answer = inside.client.get(f"/my/certificates/{identifier}?as={mandate.id}")
    assert answer.status_code == 404
    assert answer.json["code"] == "mandate-unknown"


def test_a_one_off_mandate_is_for_a_counter_and_opens_no_page(inside):
    mandate = inside.offer_to_zhang(MandateKind.ONE_OFF)
    inside.mandates.accept(mandate.id, by=ZHANG.id)
    assert inside.client.get(f"/my/certificates?as={mandate.id}").status_code == 404


@pytest.mark.parametrize("name", ["x", "01JMANDATE0000000000000001", "' OR 1=1"])
def test_a_mandate_of_another_opens_nothing(inside, name):
    answer = inside.client.get("/my/certificates", query_string={"as": name})
    assert (answer.status_code, answer.json["code"]) == (404, "mandate-unknown")


def test_the_language_link_keeps_for_whom_one_looks(inside):
    mandate = inside.represent()
    page = inside.page("/my/certificates", **{"as": mandate.id})
    assert re.search(rf'href="/my/certificates\?as={mandate.id}&amp;lang=en"', page)
