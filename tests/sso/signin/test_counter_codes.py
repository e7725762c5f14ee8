"""A code from a counter takes no account from its holder unseen: it waits, is shown, released by two, cancelled."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from sso.signin.errors import (
    CounterCodeUnknown,
    HandOutRefused,
    RecoveryRefused,
    RecoveryTooEarly,
    ReleaseRefused,
)
from sso.signin.recovery_codes import COUNTER_CODE_LIFE
from tests.fakes import MOMENT
from tests.sso.databases import BOTH_DATABASES
from tests.sso.signin.world import CLERK, HOME, LI, LI_NUMBER, OTHER_PASSWORD, WAIT, ZHANG, ZHANG_NUMBER, race
from trust.kernel.errors import NotFound

COUNTER = "counter-1"
SECOND = replace(CLERK, id="01JCLERK000000000000000002", person="01JPERSON00000000000SECOND", staff_number="A018")
SOMEBODY = replace(CLERK, person="01JSOMEBODYELSE")


def handed(world, clerk=CLERK):
    return world.desk.hand_out_code(ZHANG.id, clerk=clerk, counter=COUNTER)


def test_a_code_for_an_account_that_somebody_can_sign_in_to_waits_until_the_very_moment(world):
    code = handed(world)
    assert (code.good_from, code.expires_at) == (MOMENT + WAIT, MOMENT + WAIT + COUNTER_CODE_LIFE)
    world.clock.moment += WAIT - timedelta(microseconds=1)
    with pytest.raises(RecoveryTooEarly):
        world.desk.recover(ZHANG_NUMBER, code.code, HOME)
    world.clock.moment += timedelta(microseconds=1)
    recovering = world.desk.recover(ZHANG_NUMBER, code.code, HOME)
    assert world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME)


def test_a_code_that_waits_tells_nothing_to_whoever_guesses_or_types_another_number(world):
    code = handed(world)
    for number, typed in ((ZHANG_NUMBER, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"), (LI_NUMBER, code.code)):
        with pytest.raises(RecoveryRefused):
            world.desk.recover(number, typed, HOME)


def test_an_account_without_a_way_in_gets_a_code_that_is_good_at_once(empty):
    assert not empty.desk.has_way_in(LI.id)
    code = empty.desk.hand_out_code(LI.id, clerk=SOMEBODY, counter=COUNTER)
    assert code.good_from == MOMENT
    assert empty.desk.recover(LI_NUMBER, code.code, HOME)


def test_whoever_comes_by_an_upper_level_platform_has_a_way_in(empty):
    empty.persons.upstream.add(LI.id)
    assert empty.desk.has_way_in(LI.id)
    assert empty.desk.hand_out_code(LI.id, clerk=SOMEBODY, counter=COUNTER).good_from == MOMENT + WAIT


def test_a_second_clerk_of_the_counter_ends_the_wait(world):
    code = handed(world)
    until = world.desk.release_code(ZHANG.id, clerk=SECOND, counter=COUNTER)
    assert until == MOMENT + COUNTER_CODE_LIFE
    assert world.desk.recover(ZHANG_NUMBER, code.code, HOME)
    [kept] = world.workshop.counter_codes.all([ZHANG.id])
    assert (kept.clerk, kept.released_by) == (CLERK.id, SECOND.id)


def test_the_clerk_who_handed_it_out_does_not_release_it(world):
    handed(world)
    with pytest.raises(ReleaseRefused):
        world.desk.release_code(ZHANG.id, clerk=CLERK, counter=COUNTER)


@pytest.mark.parametrize(
    ("clerk", "counter", "error"),
    [
        (replace(SECOND, counters=frozenset({COUNTER, "counter-2"})), "counter-2", ReleaseRefused),
        (SECOND, "counter-2", HandOutRefused),
        (replace(SECOND, person=ZHANG.id), COUNTER, HandOutRefused),
        (replace(SECOND, disabled_at=MOMENT), COUNTER, HandOutRefused),
    ],
    ids=["another counter", "not posted", "own account", "disabled"],
)
def test_who_may_not_release_it(world, clerk, counter, error):
    code = handed(world)
    with pytest.raises(error):
        world.desk.release_code(ZHANG.id, clerk=clerk, counter=counter)
    with pytest.raises(RecoveryTooEarly):
        world.desk.recover(ZHANG_NUMBER, code.code, HOME)


def test_nothing_is_released_that_is_good_already_was_cancelled_or_replaced(world):
    handed(world)
    world.clock.moment += WAIT
    with pytest.raises(ReleaseRefused):
        world.desk.release_code(ZHANG.id, clerk=SECOND, counter=COUNTER)
    session = world.session()
    handed(world)
    [code] = world.desk.open_codes(ZHANG.id)
    world.desk.cancel_code(session, code.id)
    with pytest.raises(ReleaseRefused):
        world.desk.release_code(ZHANG.id, clerk=SECOND, counter=COUNTER)


def test_the_holder_sees_it_and_one_act_cancels_it_for_good_with_a_line_for_the_officer(world):
    session = world.session()
    code = handed(world)
    [shown] = world.desk.open_codes(ZHANG.id)
    assert (shown.clerk, shown.counter, shown.good_from) == (CLERK.id, COUNTER, MOMENT + WAIT)
    with capture_logs() as lines:
        world.desk.cancel_code(session, shown.id)
    [line] = [line for line in lines if line["log_level"] == "warning"]
    assert (line["clerk"], line["counter"], line["person"]) == (CLERK.id, COUNTER, ZHANG.id)
    assert world.desk.open_codes(ZHANG.id) == []
    world.clock.moment += WAIT
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, code.code, HOME)
    assert world.signed_in()


def test_it_can_be_cancelled_after_the_wait_too_as_long_as_nobody_used_it(world):
    code = handed(world)
    world.clock.moment += WAIT
    session = world.session()
    [shown] = world.desk.open_codes(ZHANG.id)
    world.desk.cancel_code(session, shown.id)
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, code.code, HOME)


@pytest.mark.parametrize("identifier", ["", "nothing", "a\0b"])
def test_an_unknown_code_is_not_cancelled(world, identifier):
    with pytest.raises(CounterCodeUnknown):
        world.desk.cancel_code(world.session(), identifier)


def test_nobody_cancels_the_code_of_another(world):
    handed(world)
    [shown] = world.desk.open_codes(ZHANG.id)
    with pytest.raises(CounterCodeUnknown):
        world.desk.cancel_code(replace(world.session(), person=LI.id), shown.id)
    assert world.desk.open_codes(ZHANG.id) == [shown]


def test_a_used_code_is_no_longer_open_and_stays_as_the_record(world):
    code = handed(world)
    world.clock.moment += WAIT
    world.desk.recover(ZHANG_NUMBER, code.code, HOME)
    assert world.desk.open_codes(ZHANG.id) == []
    [kept] = world.workshop.counter_codes.all([ZHANG.id])
    assert kept.used_at == world.clock.now()


@BOTH_DATABASES
def test_of_a_release_and_a_cancellation_at_once_the_cancelled_code_is_never_good(world):
    session, code = world.session(), handed(world)
    [shown] = world.desk.open_codes(ZHANG.id)
    acts = iter(
        [
            lambda: world.desk.release_code(ZHANG.id, clerk=SECOND, counter=COUNTER),
            lambda: world.desk.cancel_code(session, shown.id),
        ]
    )
    race(lambda: _next(acts))
    with pytest.raises(RecoveryRefused):
        world.desk.recover(ZHANG_NUMBER, code.code, HOME)


@BOTH_DATABASES
def test_of_two_codes_handed_out_at_once_one_stays_open(world):
    won, lost = race(lambda: handed(world))
    assert (len(won), lost) == (2, [])
    assert len(world.desk.open_codes(ZHANG.id)) == 1


def test_an_unknown_person_is_the_registers_error(world):
    with pytest.raises(NotFound):
        world.desk.release_code("01JNOBODY", clerk=SECOND, counter=COUNTER)


def _next(acts):
    return next(acts)()
