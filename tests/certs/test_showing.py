"""Shows on a real library: the code's life, its end, and the row that each scan leaves."""

from dataclasses import dataclass, field

import pytest

from certs.access_log import OwnLook
from certs.showing import CODE_SECONDS, SHOW_SECONDS, ShowDesk
from certs.store.shows import CODES, SqlShows
from sso.revocation.domain import Tie, TieKind
from tests.certs.world import CLIENT, PERSON, World, licence, permit
from tests.fakes import CountingRandomness
from trust.db import Base
from trust.formats.holders import HolderNumber
from trust.kernel.errors import TrustError
from trust.kernel.identifiers import CertificateIdentifier

HOLDER = HolderNumber(kind="111", number=PERSON)
RELEASE = OwnLook.release((HOLDER,))
SESSION = "01JSESSION0000000000000001"
TIES = frozenset({Tie(TieKind.SESSION, SESSION), Tie(TieKind.PERSON, "01JPERSON/0")})


@dataclass
class Cuts:
    cut: set[Tie] = field(default_factory=set)

    def first_cut(self, ties):
        return next(iter(self.cut & set(ties)), None)


@dataclass
class Showing:
    world: World
    desk: ShowDesk
    cuts: Cuts
    identifier: CertificateIdentifier

    def begin(self):
        return self.desk.begin(self.identifier, RELEASE, session=SESSION, ties=TIES)


@pytest.fixture
def showing(tmp_path):
    world = World(tmp_path)
    Base.metadata.create_all(world.database.writer)
    identifier = CertificateIdentifier.parse(world.service.issue(CLIENT, permit()).identifier)
    cuts = Cuts()
    desk = ShowDesk(world.service, SqlShows(world.database), cuts, clock=world.clock, randomness=CountingRandomness())
    yield Showing(world, desk, cuts, identifier)
    world.close()


def refused(call, *arguments, **named):
    with pytest.raises(TrustError) as caught:
        call(*arguments, **named)
    return caught.value.code


def test_a_scan_gets_contents_and_file_and_leaves_one_row_for_the_holder(showing):
    show = showing.begin()
    code = showing.desk.code(show.id, session=SESSION).code
    before = len(showing.world.service.accesses(HOLDER))
    shown = showing.desk.scan(code)
    assert shown.contents == permit().contents
    assert shown.certificate.identifier == showing.identifier.value
    assert b"sealed" in shown.content
    rows = showing.world.service.accesses(HOLDER)
    assert len(rows) == before + 1
    assert (rows[0].visit.client, rows[0].visit.authority, rows[0].identifier) == (
        "shown",
        "",
        showing.identifier.value,
    )


def test_a_code_lives_sixty_seconds_and_may_be_read_again_until_then(showing):
    code = showing.desk.code(showing.begin().id, session=SESSION).code
    showing.world.clock.advance(seconds=CODE_SECONDS - 1)
    assert showing.desk.scan(code)
    assert showing.desk.scan(code)
    showing.world.clock.advance(seconds=1)
    assert refused(showing.desk.scan, code) == "show-over"


def test_a_new_code_leaves_the_one_before_alone(showing):
    show = showing.begin()
    first = showing.desk.code(show.id, session=SESSION).code
    showing.world.clock.advance(seconds=50)
    second = showing.desk.code(show.id, session=SESSION).code
    assert first != second
    assert showing.desk.scan(first)
    assert showing.desk.scan(second)


def test_a_show_ends_by_itself(showing):
    show = showing.begin()
    showing.world.clock.advance(seconds=SHOW_SECONDS - 1)
    last = showing.desk.code(show.id, session=SESSION).code
    showing.world.clock.advance(seconds=1)
    assert refused(showing.desk.code, show.id, session=SESSION) == "show-over"
    assert showing.desk.scan(last)


def test_voiding_ends_every_code_at_once_and_makes_no_new_one(showing):
    show = showing.begin()
    codes = [showing.desk.code(show.id, session=SESSION).code for _ in range(2)]
    showing.desk.void(show.id, session=SESSION)
    assert [refused(showing.desk.scan, code) for code in codes] == ["show-over"] * 2
    assert refused(showing.desk.code, show.id, session=SESSION) == "show-over"


@pytest.mark.parametrize("tie", sorted(TIES))
def test_the_end_of_the_sign_in_ends_the_code(showing, tie):
    code = showing.desk.code(showing.begin().id, session=SESSION).code
    showing.cuts.cut.add(tie)
    assert refused(showing.desk.scan, code) == "show-over"


def test_another_session_has_no_part_in_a_show(showing):
    show = showing.begin()
    for call in (showing.desk.code, showing.desk.void, showing.desk.find):
        assert refused(call, show.id, session="01JSESSION0000000000000002") == "show-over"
    assert showing.desk.code(show.id, session=SESSION)


@pytest.mark.parametrize("code", ["", "x", "é" * 43, "A" * 43, "A" * 44, "\ud800" + "A" * 42])
def test_what_is_no_code_opens_nothing_and_leaves_no_row(showing, code):
    before = showing.world.service.accesses(HOLDER)
    assert refused(showing.desk.scan, code) == "show-over"
    assert showing.world.service.accesses(HOLDER) == before


def test_nobody_shows_another_s_certificate(showing):
    other = CertificateIdentifier.parse(showing.world.service.issue(CLIENT, licence("key-00000002")).identifier)
    begun = refused(showing.desk.begin, other, RELEASE, session=SESSION, ties=TIES)
    assert begun == "certificate-unknown"


def test_the_code_itself_is_not_in_the_database(showing):
    code = showing.desk.code(showing.begin().id, session=SESSION).code
    with showing.world.database.connect() as connection:
        rows = connection.execute(CODES.select()).all()
    assert rows
    assert code.encode() not in repr(rows).encode()


def test_what_is_over_is_forgotten_and_what_lives_stays(showing):
    showing.desk.code(showing.begin().id, session=SESSION)
    showing.world.clock.advance(seconds=SHOW_SECONDS)
    living = showing.begin()
    assert showing.desk.forget_over() == 0
    showing.world.clock.advance(seconds=CODE_SECONDS + 1)
    assert showing.desk.forget_over() == 1
    assert showing.desk.find(living.id, session=SESSION) == living


def test_own_looks_cannot_push_out_those_of_others(showing):
    showing.begin()
    assert {row.visit.client for row in showing.world.service.accesses(HOLDER)} == {"self"}
    assert showing.world.service.accesses(HOLDER, own=False) == ()
