"""Recovery: single-use codes that lead to new credentials only, and everything old ends."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from sso.signin.desk import RENEWAL_LIFE
from sso.signin.domain import Method, Strength
from sso.signin.errors import AttemptEnded, HandOutRefused, PasswordWeak, RecoveryRefused, SignInRefused, StepUpRequired
from sso.signin.recovery_codes import CODES, COUNTER_CODE_LIFE, digest_of, new_code
from tests.fakes import MOMENT, CountingRandomness
from tests.sso.databases import BOTH_DATABASES
from tests.sso.signin.authenticator import Authenticator
from tests.sso.signin.test_passkeys import enrolled
from tests.sso.signin.world import (
    CLERK,
    ELSEWHERE,
    FIRM,
    HOME,
    LI,
    LI_NUMBER,
    NOBODY_NUMBER,
    OTHER_PASSWORD,
    PASSWORD,
    WAIT,
    ZHANG,
    ZHANG_NUMBER,
    race,
)
from trust.kernel.errors import NotFound


def test_codes_are_ten_different_and_kept_as_digests(world):
    codes = world.desk.new_recovery_codes(world.session())
    assert len(set(codes)) == CODES
    assert all(len(code.replace("-", "")) == 25 for code in codes)
    with world.database.begin() as connection:
        kept = connection.execute(text("SELECT digest FROM sso_recovery_codes")).scalars().all()
    assert sorted(kept) == sorted(map(digest_of, codes))
    assert world.desk.enrolled(ZHANG.id).recovery_codes == CODES


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_a_code_is_read_as_people_write_it(value):
    class Drawn:
        def token(self, size: int) -> bytes:
            return value.to_bytes(size, "big")

    code = new_code(Drawn())
    written = code.replace("0", "o").replace("1", "l").lower().replace("-", " ")
    assert digest_of(written) == digest_of(code)
    assert digest_of(code + "0") != digest_of(code)


def test_recovery_signs_nobody_in_before_new_credentials_are_set(world):
    codes = world.desk.new_recovery_codes(world.session())
    before = world.sessions.of(ZHANG.id)
    recovering = world.desk.recover(ZHANG_NUMBER, codes[3], HOME)
    assert world.sessions.of(ZHANG.id) == before
    assert world.sessions.find(recovering.secret) is None
    with pytest.raises(AttemptEnded):
        world.desk.with_code(recovering.secret, "123456", HOME)


def test_renewal_replaces_every_credential_and_ends_every_session(world):
    app = world.with_app()
    strong = world.desk.with_code(world.halfway(), app.at(world.clock.now()), ELSEWHERE)
    device = Authenticator()
    world.desk.confirm_passkey(strong.session, device.create(world.desk.enrol_passkey(strong.session)), "x")
    strong = world.desk.step_up_with_passkey(strong.session, device.get(world.desk.passkey_challenge(strong.session)))
    codes = world.desk.new_recovery_codes(strong.session)
    waiting = world.halfway()
    recovering = world.desk.recover(ZHANG_NUMBER, codes[0], HOME)

    renewed = world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME)

    assert renewed.signed_in.session.strength is Strength.PASSWORD
    assert renewed.signed_in.session.methods == (Method.PASSWORD, Method.RECOVERY)
    assert [session.id for session in world.sessions.of(ZHANG.id)] == [renewed.signed_in.session.id]
    assert world.sessions.find(strong.secret) is None
    assert world.revocations.first_cut({strong.session.tie})
    now = world.desk.enrolled(ZHANG.id)
    assert (now.password, now.codes, now.passkeys, now.recovery_codes) == (True, False, (), CODES)
    with pytest.raises(SignInRefused):
        world.signed_in()
    with pytest.raises(AttemptEnded):
        world.desk.with_code(waiting, app.at(world.clock.now()), HOME)
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, codes[1], HOME)
    assert world.signed_in(password=OTHER_PASSWORD)
    assert world.desk.recover(ZHANG_NUMBER, renewed.recovery_codes[0], HOME)


@pytest.mark.parametrize("number", [NOBODY_NUMBER, LI_NUMBER, ZHANG_NUMBER])
def test_a_wrong_code_answers_the_same_for_every_number(world, number):
    world.desk.new_recovery_codes(world.session())
    with pytest.raises(RecoveryRefused) as caught:
        world.desk.recover(number, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", HOME)
    assert (caught.value.detail, caught.value.facts) == (RecoveryRefused.title, {})


def test_a_code_is_good_for_its_own_person_only_and_another_try_does_not_use_it_up(world):
    codes = world.desk.new_recovery_codes(world.session())
    for number in (LI_NUMBER, NOBODY_NUMBER):
        with pytest.raises(RecoveryRefused):
            world.desk.recover(number, codes[0], HOME)
    assert world.desk.recover(ZHANG_NUMBER, codes[0], HOME)


@BOTH_DATABASES
def test_a_code_is_good_once_also_for_two_at_once(world):
    codes = world.desk.new_recovery_codes(world.session())
    won, lost = race(lambda: world.desk.recover(ZHANG_NUMBER, codes[0], HOME))
    assert (len(won), [error.code for error in lost]) == (1, ["recovery-refused"])
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, codes[0], HOME)


@BOTH_DATABASES
def test_of_two_renewals_at_once_exactly_one_wins_and_one_session_is_open(world):
    codes = world.desk.new_recovery_codes(world.session())
    secrets = iter([world.desk.recover(ZHANG_NUMBER, code, HOME).secret for code in codes[:2]])
    won, lost = race(lambda: world.desk.renew(next(secrets), OTHER_PASSWORD, HOME))
    assert (len(won), [error.code for error in lost]) == (1, ["sign-in-attempt-ended"])
    assert len(world.sessions.of(ZHANG.id)) == 1


def test_a_weak_password_leaves_the_recovery_open_and_the_old_credentials_in_place(world):
    codes = world.desk.new_recovery_codes(world.session())
    recovering = world.desk.recover(ZHANG_NUMBER, codes[0], HOME)
    with pytest.raises(PasswordWeak):
        world.desk.renew(recovering.secret, "passwordpassword", HOME)
    assert world.signed_in()
    assert world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME)
    with pytest.raises(AttemptEnded):
        world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME)


def test_a_recovery_lives_its_time_and_no_longer(world):
    codes = world.desk.new_recovery_codes(world.session())
    late, early = (world.desk.recover(ZHANG_NUMBER, code, HOME) for code in codes[:2])
    world.clock.moment += RENEWAL_LIFE - timedelta(seconds=1)
    assert world.desk.renew(early.secret, OTHER_PASSWORD, HOME)
    world.clock.advance(seconds=1)
    with pytest.raises(AttemptEnded):
        world.desk.renew(late.secret, OTHER_PASSWORD, HOME)


def test_a_code_from_a_counter_enrols_a_person_who_was_registered_there(empty):
    clerk = replace(CLERK, person="01JSOMEBODYELSE")
    handed = empty.desk.hand_out_code(LI.id, clerk=clerk, counter="counter-1")
    with pytest.raises(SignInRefused):
        empty.desk.with_password(LI_NUMBER, PASSWORD, HOME)
    recovering = empty.desk.recover(LI_NUMBER, handed.code, HOME)
    assert empty.desk.renew(recovering.secret, PASSWORD, HOME).signed_in.session.person == LI.id
    assert empty.desk.with_password(LI_NUMBER, PASSWORD, HOME)
    with pytest.raises(RecoveryRefused):
        empty.desk.recover(LI_NUMBER, handed.code, HOME)
    with empty.database.begin() as connection:
        kept = connection.execute(text("SELECT clerk, counter, used_at FROM sso_recovery_codes WHERE clerk > ''")).one()
    assert (kept.clerk, kept.counter) == (clerk.id, "counter-1")
    assert kept.used_at


def test_a_code_from_a_counter_lives_its_time_and_ends_with_the_next_one(world):
    first = world.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1")
    second = world.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1")
    assert second.expires_at == MOMENT + WAIT + COUNTER_CODE_LIFE
    world.clock.moment += WAIT
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, first.code, HOME)
    world.clock.moment += COUNTER_CODE_LIFE
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, second.code, HOME)
    third = world.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1")
    world.clock.moment += WAIT + COUNTER_CODE_LIFE - timedelta(seconds=1)
    assert world.desk.recover(ZHANG_NUMBER, third.code, HOME)


@pytest.mark.parametrize(
    ("clerk", "person", "counter"),
    [
        (CLERK, LI.id, "counter-1"),  # their own account
        (CLERK, ZHANG.id, "counter-2"),
        (replace(CLERK, disabled_at=MOMENT), ZHANG.id, "counter-1"),
        (CLERK, FIRM.id, "counter-1"),
    ],
)
def test_a_clerk_hands_out_codes_at_their_own_counter_to_other_people_only(world, clerk, person, counter):
    with pytest.raises(HandOutRefused):
        world.desk.hand_out_code(person, clerk=clerk, counter=counter)


def test_a_code_for_an_unknown_person_is_the_registers_error(world):
    with pytest.raises(NotFound):
        world.desk.hand_out_code("01JNOBODY", clerk=CLERK, counter="counter-1")


def test_new_codes_need_a_fresh_session_and_end_the_old_set(world):
    session = world.session()
    old = world.desk.new_recovery_codes(session)
    world.desk.new_recovery_codes(session)
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, old[0], HOME)
    world.clock.advance(minutes=15)
    with pytest.raises(StepUpRequired):
        world.desk.new_recovery_codes(session)


def test_a_closed_account_is_not_recovered(world):
    codes = world.desk.new_recovery_codes(world.session())
    recovering = world.desk.recover(ZHANG_NUMBER, codes[0], HOME)
    world.persons.disable(ZHANG.id)
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, codes[1], HOME)
    with pytest.raises(AttemptEnded):
        world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME)


def test_codes_of_one_set_differ_though_randomness_is_given():
    randomness = CountingRandomness()
    assert new_code(randomness) != new_code(randomness)


def test_recovery_removes_a_passkey_that_a_thief_enrolled(world):
    codes = world.desk.new_recovery_codes(world.session())
    thief = enrolled(world)
    recovering = world.desk.recover(ZHANG_NUMBER, codes[0], HOME)
    world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME)
    with pytest.raises(Exception, match="passkey"):
        world.desk.with_passkey(thief.get(world.desk.passkey_challenge()), HOME)
