"""Looking at certificates: for a purpose, with a row for each look; status without either."""

import sqlite3
from datetime import timedelta

import pytest

from certs.access_log import Look, Purpose
from certs.domain import Action
from certs.library import SEARCH_MAX
from tests.certs.world import (
    CLIENT,
    COMPANY,
    LICENCE,
    OTHER_CLIENT,
    PERSON,
    PURPOSE,
    World,
    authority,
    change,
    licence,
    permit,
    uscc,
)
from tests.fakes import MOMENT
from trust.formats.holders import HolderNumber
from trust.kernel.errors import InternalFault, TrustError
from trust.kernel.identifiers import CertificateIdentifier
from verifier.errors import LinkForged
from verifier.ports import LibraryState, LibraryStatus

HOLDER = HolderNumber(kind="111", number=PERSON)


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def identifier(world):
    return CertificateIdentifier.parse(world.service.issue(CLIENT, permit()).identifier)


def test_any_department_may_look_and_each_look_leaves_a_row(world, identifier):
    world.service.get(OTHER_CLIENT, identifier, Purpose(text="核对住址"))
    world.clock.advance(minutes=1)
    world.service.file(CLIENT, identifier, Purpose(text="打印证照"))
    file, data = world.service.accesses(HOLDER)
    assert (file.visit.look, file.visit.client, file.visit.purpose) == (Look.FILE, CLIENT.name, "打印证照")
    assert (data.visit.look, data.visit.authority, data.visit.purpose) == (
        Look.DATA,
        OTHER_CLIENT.authority,
        "核对住址",
    )
    assert data.identifier == identifier.value
    assert file.visit.at - data.visit.at == timedelta(minutes=1)


def test_what_was_issued_is_what_is_shown(world, identifier):
    opened = world.service.get(CLIENT, identifier, PURPOSE)
    assert opened.contents == permit().contents
    assert PERSON not in repr(opened)


def test_a_search_leaves_a_row_for_each_certificate_and_one_for_none(world, identifier):
    second = world.service.issue(CLIENT, permit("key-00000002", number="350102000002"))
    world.service.issue(CLIENT, licence("key-00000003"))
    found = world.service.find_by_holder(OTHER_CLIENT, HOLDER, PURPOSE)
    assert {certificate.identifier for certificate in found} == {identifier.value, second.identifier}
    assert [access.visit.look for access in world.service.accesses(HOLDER)] == [Look.SEARCH] * 2
    nobody = HolderNumber(kind="414", number="E12345678")
    assert world.service.find_by_holder(OTHER_CLIENT, nobody, PURPOSE) == ()
    (access,) = world.service.accesses(nobody)
    assert access.identifier is None


def test_a_holder_is_shown_the_newest_looks_up_to_a_bound_and_the_older_ones_after_them(world, identifier):
    for _ in range(3):
        world.service.find_by_holder(OTHER_CLIENT, HOLDER, PURPOSE)
        world.clock.advance(minutes=1)
    every = world.service.accesses(HOLDER, limit=3)
    assert world.service.accesses(HOLDER, limit=2) == every[:2]
    assert world.service.accesses(HOLDER, before=every[1].visit.at) == every[2:]
    assert [access.visit.at for access in every] == [MOMENT + timedelta(minutes=n) for n in (2, 1, 0)]


def test_the_kind_is_part_of_a_holder(world, identifier):
    assert world.service.find_by_holder(CLIENT, HolderNumber(kind="999", number=PERSON), PURPOSE) == ()


def test_a_search_shows_the_newest_first_and_is_bounded(world):
    for number in range(3):
        world.service.issue(CLIENT, licence(f"key-many-{number}"))
        world.clock.advance(minutes=1)
    company = HolderNumber(kind="001", number=COMPANY)
    found = world.service.find_by_holder(CLIENT, company, PURPOSE)
    assert [certificate.issued_at for certificate in found] == [MOMENT + timedelta(minutes=n) for n in (2, 1, 0)]
    visit_limit = world.library.search(world.vault.holder_index(company), _visit(world), limit=2)
    assert [certificate.identifier for certificate in visit_limit] == [each.identifier for each in found[:2]]
    assert SEARCH_MAX == 200


def _visit(world):
    world.service.find_by_holder(CLIENT, HOLDER, PURPOSE)
    return world.service.accesses(HOLDER)[0].visit


def test_an_unknown_identifier_is_not_found_and_leaves_no_row(world, identifier):
    for look in (world.service.get, world.service.file):
        with pytest.raises(TrustError) as caught:
            look(CLIENT, identifier.next_version(), PURPOSE)
        assert caught.value.code == "certificate-unknown"
    assert world.service.accesses(HOLDER) == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text-length"),
        ("查", "text-length"),
        ("查" * 201, "text-length"),
        ("查询\x00", "text-characters"),
        ("查询\u200b住址", "text-characters"),
        (f"查询{PERSON}的住址", "personal-number-in-text"),
    ],
)
def test_a_purpose_is_words_without_id_numbers(text, code):
    with pytest.raises(TrustError) as caught:
        Purpose(text=text)
    assert (caught.value.code, caught.value.field) == (code, "purpose")


@pytest.mark.parametrize(
    "text", ["查询", "查" * 200, "办件编号 110101202611210001", "𠮷野家开业，核对許可證", "订单12345678901234567X9"]
)
def test_a_purpose_may_be_any_words(text):
    assert Purpose(text=text).text == text


def test_status_says_nothing_personal_and_leaves_no_row(world, identifier):
    certificate = world.library.find(identifier.value)
    assert world.service.status(identifier.value) == LibraryStatus(
        identifier=identifier.value,
        state=LibraryState.ISSUED,
        since=MOMENT,
        type_name="Residence Permit",
        type_name_zh="居住证",
        authority="印信演示机关",
        valid_from=certificate.valid_from,
        valid_to=certificate.valid_to,
        file_sm3=certificate.file_sm3,
        superseded_by=None,
    )
    assert world.service.accesses(HOLDER) == ()


def test_status_of_an_unknown_identifier_is_none(world):
    assert world.service.status("1.2.156.3005.2.unknown") is None


def test_status_follows_the_states_and_the_clock(world, identifier):
    world.clock.advance(days=1)
    world.service.change(CLIENT, change(identifier.value, Action.SUSPEND))
    status = world.service.status(identifier.value)
    assert (status.state, status.since) == (LibraryState.SUSPENDED, MOMENT + timedelta(days=1))
    world.clock.advance(days=400)
    assert world.service.status(identifier.value).state is LibraryState.EXPIRED


def test_a_type_taken_out_of_the_catalogue_still_has_a_status(world, identifier):
    with world.database.write() as session:
        session.connection().exec_driver_sql("update certs_certificates set type_code = '11000000DEM0YX001B009'")
    assert world.service.status(identifier.value).type_name_zh == "11000000DEM0YX001B009"


def test_a_file_that_is_not_the_issued_one_is_not_handed_out(world, identifier):
    other = world.service.issue(CLIENT, permit("key-00000002", number="350102000002"))
    with world.database.write() as session:
        session.connection().exec_driver_sql(
            "update certs_certificates set blob = ? where identifier = ?", (other.blob, identifier.value)
        )
    with pytest.raises(InternalFault) as caught:
        world.service.file(CLIENT, identifier, PURPOSE)
    assert caught.value.code == "stored-file-altered"


def test_contents_moved_to_another_row_do_not_open(world, identifier):
    world.service.issue(CLIENT, permit("key-00000002", number="350102000002"))
    with world.database.write() as session:
        session.connection().exec_driver_sql(
            "update certs_certificates set sealed = (select sealed from certs_certificates where identifier != ?)",
            (identifier.value,),
        )
    with pytest.raises(InternalFault) as caught:
        world.service.get(CLIENT, identifier, PURPOSE)
    assert caught.value.code == "sealed-value-broken"


def test_a_status_check_is_one_query_by_primary_keys(world, identifier):
    with sqlite3.connect(world.folder / "library.sqlite3") as connection:
        plan = connection.execute(
            "explain query plan select state from certs_certificates c join certs_authorities a on a.uscc = c.authority"
            " where c.identifier = ?",
            (identifier.value,),
        ).fetchall()
    connection.close()
    assert all("SEARCH" in step[3] and "INDEX" in step[3] for step in plan)


class TestLink:
    def test_a_scanned_link_leads_to_the_certificate(self, world, identifier):
        link = world.service.verification_link(world.library.find(identifier.value))
        assert world.links.identifier(link.text) == identifier.value
        assert PERSON not in link.text

    def test_a_token_made_for_another_identifier_is_refused(self, world, identifier):
        link = world.links.link(identifier).text
        other = world.links.link(identifier.next_version()).text
        forged = link.partition("?")[0] + "?" + other.partition("?")[2]
        with pytest.raises(LinkForged):
            world.links.identifier(forged)

    @pytest.mark.parametrize("token", ["", "A" * 22, "证照"])
    def test_a_made_up_token_is_refused(self, world, identifier, token):
        with pytest.raises(LinkForged):
            world.links.check_token(identifier, token)


class TestAuthorities:
    def test_an_onboarded_authority_is_kept_whole(self, world):
        new = authority(uscc("11110000MB0000003"), region="110101", permitted_types=frozenset({LICENCE}))
        world.service.onboard(new)
        assert new in world.service.authorities()

    def test_an_authority_is_onboarded_once(self, world):
        with pytest.raises(TrustError) as caught:
            world.service.onboard(authority())
        assert caught.value.code == "authority-onboarded"

    def test_only_types_of_the_catalogue_are_permitted(self, world):
        with pytest.raises(TrustError) as caught:
            world.service.onboard(
                authority(uscc("11110000MB0000003"), permitted_types=frozenset({"11000000DEM0YX001B009"}))
            )
        assert caught.value.code == "type-unknown"
        assert len(world.service.authorities()) == 2

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"region": "35010"}, "region-invalid", "region"),
            ({"region": "３５０１０２"}, "region-invalid", "region"),
            ({"name_zh": ""}, "text-length", "name_zh"),
            ({"name": "x" * 201}, "text-length", "name"),
            ({"seal_id": "x" * 65}, "text-length", "seal_id"),
            ({"seal_id": "\n"}, "text-length", "seal_id"),
            ({"permitted_types": frozenset({"x"})}, "certificate-identifier-type", "permitted_types"),
            (
                {"permitted_types": frozenset(f"11000000DEM0YX001B{n:03d}" for n in range(501))},
                "certificate-identifier-type",
                "permitted_types",
            ),
        ],
    )
    def test_a_wrong_authority_cannot_be_made(self, changes, code, field):
        with pytest.raises(TrustError) as caught:
            authority(**changes)
        assert (caught.value.code, caught.value.field) == (code, field)

    def test_the_bounds_of_an_authority_are_accepted(self):
        types = frozenset(f"11000000DEM0YX001B{n:03d}" for n in range(500))
        made = authority(name="x" * 200, name_zh="某" * 200, seal_id="x" * 64, permitted_types=types)
        assert len(made.permitted_types) == 500
