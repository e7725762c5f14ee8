"""Control of an account, shown by the code on the phone that is signed in to it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from sso.passing.control import PresenceControl
from sso.passing.domain import QR_SECONDS
from sso.passing.presence import CardCheck
from tests.sso.databases import BOTH_DATABASES
from tests.sso.passing.support import CITIZEN_NUMBER


@pytest.fixture
def control(world):
    return PresenceControl(world.presences, world.clock)


def test_a_code_of_the_persons_session_shows_it_once(world, control):
    code = world.qr()
    assert control.is_shown(code, person=world.citizen.id)
    assert not control.is_shown(code, person=world.citizen.id)


def test_a_code_of_somebody_elses_session_shows_nothing_and_is_used_up(world, control):
    code = world.qr(world.persons.get(world.clerk.person))
    assert not control.is_shown(code, person=world.citizen.id)
    assert not control.is_shown(code, person=world.clerk.person)


@pytest.mark.parametrize("code", ["", "x" * 43, "\x00", "\ud800"])
def test_what_is_no_code_shows_nothing(world, control, code):
    assert not control.is_shown(code, person=world.citizen.id)


def test_a_code_counts_until_its_last_moment(world, control):
    first, second = world.qr(), world.qr()
    world.clock.advance(seconds=QR_SECONDS - 0.001)
    assert control.is_shown(first, person=world.citizen.id)
    world.clock.advance(seconds=0.001)
    assert not control.is_shown(second, person=world.citizen.id)


def test_a_code_of_a_session_that_ended_shows_nothing(world, control):
    session = world.session(world.citizen)
    code = world.presence.issue_qr(session).code
    world.revocations.cut({session.tie}, reason="signed-out", at=world.clock.now())
    assert not control.is_shown(code, person=world.citizen.id)


def test_what_a_clerk_attested_is_no_control_of_an_account(world, control):
    check = CardCheck(
        holder=CITIZEN_NUMBER,
        name=world.citizen.name,
        document_kind="111",
        document_expires=None,
        read_by="eye",
        portrait_matches=True,
    )
    code = world.presence.by_card(world.read(world.clerk_token()), world.counter.id, check).code
    assert not control.is_shown(code, person=world.citizen.id)
    form = {"presence": "yes", "subject_token": code, "actor_token": world.clerk_token()}
    assert world.exchange(world.hall, case=world.open_case().id, audience=world.hall.id, **form)  # and is not used up


def test_a_code_that_showed_control_opens_no_exchange_and_the_reverse(world, control):
    code = world.qr()
    assert world.assisted(subject_token=code)
    assert not control.is_shown(code, person=world.citizen.id)


@BOTH_DATABASES
def test_of_two_that_show_one_code_at_once_one_succeeds(world, control):
    code, start = world.qr(), Barrier(2)

    def show(_number):
        start.wait()
        return control.is_shown(code, person=world.citizen.id)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(show, range(2))) == [False, True]
