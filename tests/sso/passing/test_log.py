"""Who looked: every hop is linked, shown, and can be objected to."""

import dataclasses

import pytest

from sso.passing.chain import check_chain
from sso.passing.domain import MAX_DEPTH, Hop
from sso.passing.errors import ChainBroken
from sso.passing.store.tables import HOPS
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.signing import MAX_TOKEN_CHARACTERS
from tests.sso.passing.support import RENEWAL, World
from tests.sso.provider.changing import keep_changed
from trust.kernel.errors import TrustError


def three(world: World) -> tuple[Hop, ...]:
    first = world.assisted()
    second = world.exchange(world.hall, subject_token=first, audience=world.next.id)["access_token"]
    third = world.passed(world.next, subject_token=second, audience="api")
    return world.log.check(third.contents.hop)


def test_a_chain_is_whole_and_its_last_link_stands_in_the_token(world):
    first = world.assisted()
    read = world.passed(world.hall, subject_token=first, audience="api")
    chain = world.log.check(read.contents.hop)
    assert [hop.number for hop in chain] == [1, 2]
    assert read.claims["act"]["pass"]["link"] == chain[-1].link
    assert read.claims["act"]["act"]["pass"]["link"] == chain[0].link


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Hop)])
def test_any_altered_fact_shows(world, field):
    chain = list(three(world))
    value = getattr(chain[1], field)
    if field in {"at", "expires_at"}:
        altered = value.replace(microsecond=1)
    elif field == "number":
        altered = value + 1
    elif field == "scopes":
        altered = ("openid",)
    elif field == "presence_at":
        altered = chain[1].at
    else:
        altered = "x"
    chain[1] = dataclasses.replace(chain[1], **{field: altered})
    with pytest.raises(ChainBroken) as caught:
        check_chain(chain)
    assert caught.value.facts["number"] == 2


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_hop_shows(world, missing):
    chain = list(three(world))
    del chain[missing]
    with pytest.raises(ChainBroken):
        check_chain(chain)


def test_an_altered_row_shows(world):
    chain = three(world)
    with world.database.begin() as connection:
        connection.execute(HOPS.update().where(HOPS.c.id == chain[0].id).values(clerk_name="李**"))
    with pytest.raises(ChainBroken):
        world.log.check(chain[-1].id)


def test_the_citizen_sees_every_hop_newest_first_with_names_as_people_know_them(world):
    token = world.assisted()
    world.clock.advance(minutes=1)
    world.exchange(world.hall, subject_token=token, audience="api")
    newest, oldest = world.log.of(world.citizen.id)
    assert (newest.system, newest.to_system, newest.what) == ("hall", "印信证照库", ("certs:read",))
    assert (oldest.who, oldest.counter, oldest.purpose_zh) == ("王** (****34)", "3号窗口", "办理居住证延续")
    assert world.clerk.staff_number not in str(newest)
    assert world.log.of(world.company.id) == ()


def test_the_represented_see_what_was_done_in_their_name(world):
    _, facts = world.represented()
    token = world.matter_token(world.citizen, world.portal, **facts)
    world.exchange(world.portal, subject_token=token, audience="api")
    (row,) = world.log.of(world.company.id)
    assert row.represents == world.company.id
    assert world.log.of(world.citizen.id) == (row,)
    objection = world.log.object_to(row.hop, "01REPRESENTATIVE0000000000", "没有委托过", whose=world.company.id)
    assert objection.person == "01REPRESENTATIVE0000000000"


def test_older_rows_are_asked_for_by_the_moment_of_the_last_one(world):
    for _ in range(3):
        world.assisted()
        world.clock.advance(minutes=5)
    every = world.log.of(world.citizen.id)
    assert len(every) == 3
    assert world.log.of(world.citizen.id, limit=2) == every[:2]
    assert world.log.of(world.citizen.id, before=every[1].at) == every[2:]
    assert world.log.of(world.citizen.id, before=every[2].at) == ()


def test_an_objection_is_kept_and_ends_what_hangs_on_the_hop(world):
    token = world.assisted()
    passed = world.exchange(world.hall, subject_token=token, audience=world.next.id)["access_token"]
    hop = world.read(token).contents.hop
    world.log.object_to(hop, world.citizen.id, "我没有到过这个窗口")
    world.log.object_to(hop, world.citizen.id, "再说一次")
    for each in (token, passed):
        with pytest.raises(TrustError) as caught:
            world.read(each)
        assert caught.value.code == "token-revoked"
    rows = {row.hop: row.ended for row in world.log.of(world.citizen.id)}
    assert rows[hop] is True
    assert world.hops.objections([hop])[hop].text == "我没有到过这个窗口"


def test_nobody_objects_to_another_persons_hop(world):
    hop = world.read(world.assisted()).contents.hop
    for hop_id, person in ((hop, world.company.id), ("nothing", world.citizen.id)):
        with pytest.raises(TrustError) as caught:
            world.log.object_to(hop_id, person, "不是我")
        assert caught.value.code == "hop-unknown"


def test_an_objection_holds_no_personal_number(world):
    hop = world.read(world.assisted()).contents.hop
    with pytest.raises(TrustError) as caught:
        world.log.object_to(hop, world.citizen.id, "我是11010519491231002X")
    assert caught.value.code == "personal-number-in-text"


def test_an_introspection_at_a_counter_is_one_row_for_each_system(world):
    read = world.read(world.assisted())
    for client in (world.next, world.next, world.last):
        world.log.note_introspection(read, client)
    world.log.note_introspection(world.read(world.matter_token(world.citizen, world.portal)), world.next)
    rows = [row for row in world.log.of(world.citizen.id) if row.kind == "introspection"]
    assert {row.system for row in rows} == {"next", "last"}
    assert len(rows) == 2
    assert rows[0].who == "王** (****34)"


def test_an_unknown_hop_has_no_chain(world):
    with pytest.raises(TrustError) as caught:
        world.log.check("nothing")
    assert caught.value.code == "hop-unknown"


def walked(world, *, purpose: int, counter: int) -> list[int]:
    """Return the lengths of the tokens of one chain, hop by hop, with 50 types and texts of these lengths."""
    types = frozenset(f"11000000DEM0YX001B{number:03d}" for number in range(50))
    matter = dataclasses.replace(RENEWAL, purpose="p" * purpose, purpose_zh="办" * purpose, types=types)
    world.registers.matters[matter.code] = matter
    world.registers.counters[world.counter.id] = dataclasses.replace(world.counter, name="窗" * counter)
    relying = dataclasses.replace(world.hall.relying, types=types, pass_to=frozenset({world.hall.id, "api"}))
    hall = dataclasses.replace(world.hall, relying=relying)
    keep_changed(world.database, hall)
    token = world.assisted()
    lengths = [len(token)]
    for _ in range(MAX_DEPTH - 1):
        token = world.exchange(hall, subject_token=token, audience=hall.id)["access_token"]
        lengths.append(len(token))
    return lengths


def test_the_longest_chain_with_long_names_is_a_token_that_every_server_takes(world):
    lengths = walked(world, purpose=60, counter=30)
    assert len(lengths) == MAX_DEPTH
    assert max(lengths) <= MAX_TOKEN_CHARACTERS


def test_a_chain_that_no_token_can_hold_is_refused_by_name(world):
    with pytest.raises(OAuthRefused) as caught:
        walked(world, purpose=200, counter=80)
    assert (caught.value.error, caught.value.description) == (
        "invalid_request",
        "The chain is too long to be written into one token.",
    )
