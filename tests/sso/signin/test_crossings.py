"""What happens in the middle of something else, on PostgreSQL: no deadlock, and nothing of a thief's survives."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest

from sso.signin.credentials import Passkey
from sso.signin.domain import Session
from sso.signin.errors import SessionOver
from sso.signin.recovery_codes import CODES
from sso.signin.service import SignedIn
from sso.signin.throttle import STRANGERS
from tests.sso.crossing import crossed
from tests.sso.databases import ON_POSTGRESQL
from tests.sso.signin.world import CLERK, HOME, OTHER_PASSWORD, PASSWORD, ZHANG, ZHANG_NUMBER, World

pytestmark = ON_POSTGRESQL


@pytest.fixture
def thief(world: World) -> Session:
    """A session that somebody else holds."""
    return world.session()


@pytest.fixture
def recovering(world: World, thief: Session) -> str:
    """The secret with which Zhang is about to recover."""
    codes = world.desk.new_recovery_codes(world.session())
    return world.desk.recover(ZHANG_NUMBER, codes[0], HOME).secret


def passkey(world: World) -> Passkey:
    return Passkey(
        id="01JPASSKEY0000000000000001",
        person=ZHANG.id,
        credential=b"credential",
        public_key=b"key",
        sign_count=0,
        label="a thief's",
        created_at=world.clock.now(),
    )


def test_no_passkey_that_is_being_added_survives_a_recovery(world, thief, recovering) -> None:
    added, renewed = crossed(
        world.database,
        lambda: world.credentials.add_passkey(passkey(world), thief),
        lambda: world.desk.renew(recovering, OTHER_PASSWORD, HOME),
        behind="INSERT INTO sso_passkeys",
    )
    assert added is True
    assert renewed.signed_in
    assert world.credentials.passkeys(ZHANG.id) == ()


def test_no_passkey_is_added_by_a_session_that_a_recovery_is_ending(world, thief, recovering) -> None:
    renewed, added = crossed(
        world.database,
        lambda: world.desk.renew(recovering, OTHER_PASSWORD, HOME),
        lambda: world.credentials.add_passkey(passkey(world), thief),
        behind="DELETE FROM sso_passkeys",
    )
    assert added is False
    assert renewed.signed_in
    assert world.credentials.passkeys(ZHANG.id) == ()


def test_no_recovery_codes_that_are_being_made_survive_a_recovery(world, thief, recovering) -> None:
    codes, renewed = crossed(
        world.database,
        lambda: world.desk.new_recovery_codes(thief),
        lambda: world.desk.renew(recovering, OTHER_PASSWORD, HOME),
        behind="INSERT INTO sso_recovery_codes",
    )
    assert len(codes) == len(renewed.recovery_codes) == CODES
    assert world.credentials.recovery_codes_left(ZHANG.id, since=None) == CODES


def test_of_two_sets_of_recovery_codes_made_at_once_one_is_valid(world: World) -> None:
    one, two = world.session(), world.session()
    first, second = crossed(
        world.database,
        lambda: world.desk.new_recovery_codes(one),
        lambda: world.desk.new_recovery_codes(two),
        behind="DELETE FROM sso_recovery_codes",
    )
    assert len(first) == len(second) == CODES
    assert world.credentials.recovery_codes_left(ZHANG.id, since=None) == CODES


def test_of_two_codes_from_a_counter_made_at_once_one_is_open(world: World) -> None:
    crossed(
        world.database,
        lambda: world.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1"),
        lambda: world.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1"),
        behind="UPDATE sso_recovery_codes",
    )
    assert len(world.desk.open_codes(ZHANG.id)) == 1


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_change_of_password_and_the_end_of_all_sessions_wait_for_each_other(world: World, kept: int) -> None:
    sessions = sorted((world.session() for _ in range(3)), key=lambda session: session.id)
    changed, ended = crossed(
        world.database,
        lambda: world.desk.change_password(sessions[kept], PASSWORD, OTHER_PASSWORD, HOME),
        lambda: world.sessions.end_all(ZHANG.id),
        behind="UPDATE sso_sessions",
    )
    assert isinstance(changed, SignedIn)
    assert ended == 1  # the one that went on
    assert world.sessions.of(ZHANG.id) == ()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_the_end_of_all_sessions_and_a_change_of_password_wait_for_each_other(world: World, kept: int) -> None:
    sessions = sorted((world.session() for _ in range(3)), key=lambda session: session.id)
    ended, changed = crossed(
        world.database,
        lambda: world.sessions.end_all(ZHANG.id),
        lambda: world.desk.change_password(sessions[kept], PASSWORD, OTHER_PASSWORD, HOME),
        behind="UPDATE sso_sessions",
    )
    assert ended == 3
    assert isinstance(changed, SessionOver)
    assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, HOME)  # nothing of the change stays


ROUNDS = 50
BUCKETS = (b"a" * 16, b"b" * 16)


@pytest.mark.parametrize("order", [BUCKETS, BUCKETS[::-1]], ids=["in order", "out of order"])
def test_counters_that_are_charged_are_not_forgotten(world: World, order: tuple[bytes, bytes]) -> None:
    for bucket in order:
        world.buckets.charge({bucket: STRANGERS}, world.clock.now())
    world.clock.advance(days=30)
    now = world.clock.now()
    waited, forgotten = crossed(
        world.database,
        lambda: world.buckets.charge(dict.fromkeys(BUCKETS, STRANGERS), now),
        lambda: world.buckets.forget(before=now - timedelta(days=1)),
        behind="INSERT INTO sso_throttles",
    )
    assert waited == timedelta()
    assert isinstance(forgotten, int)
    assert world.buckets.forget(before=now) == 0
    assert world.buckets.forget(before=now + timedelta(days=1)) == len(BUCKETS)


def test_changes_of_password_and_ends_of_all_sessions_never_wait_in_a_ring(world: World) -> None:
    start, ceremonies = Barrier(2), world.workshop.ceremonies

    def change(session: Session) -> bool:
        """Set the same password again, as a new one."""
        stored = world.credentials.password(ZHANG.id)
        assert stored is not None
        renewed, _ = world.sessions.rotating(session)
        start.wait()
        new = replace(stored, generation=stored.generation + 1)
        return ceremonies.change_password(stored, new, renewed, world.clock.now())

    def end() -> int:
        start.wait()
        return world.sessions.end_all(ZHANG.id)

    for _ in range(ROUNDS):
        sessions = [world.session() for _ in range(3)]
        with ThreadPoolExecutor(2) as pool:
            changed, ended = pool.submit(change, sessions[1]), pool.submit(end)
            assert ended.result() == (1 if changed.result() else 3)  # the one that went on, or all
        assert world.sessions.of(ZHANG.id) == ()
