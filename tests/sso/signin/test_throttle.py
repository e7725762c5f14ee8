"""Guessing is slowed, nobody is locked out, and nothing is told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.signin.devices import DEVICE_LIFE, Device, DeviceTokens
from sso.signin.errors import CodeRefused, RecoveryRefused, SignInRefused, SignInThrottled
from sso.signin.throttle import ADDRESS, CODES, KNOWN, MEMORY, STRANGERS, Bucket
from tests.fakes import MOMENT, CountingRandomness
from tests.sso.databases import BOTH_DATABASES
from tests.sso.signin.world import (
    ELSEWHERE,
    HOME,
    LI,
    LI_NUMBER,
    NOBODY_NUMBER,
    PASSWORD,
    ZHANG,
    ZHANG_NUMBER,
    World,
    assembled,
    race,
)
from trust.sealing import BlindIndex

_RULES = st.sampled_from([STRANGERS, KNOWN, CODES, ADDRESS])


def guess(world: World, number=ZHANG_NUMBER, device: Device = ELSEWHERE) -> str:
    with pytest.raises((SignInRefused, SignInThrottled)) as caught:
        world.desk.with_password(number, "a guess among many", device)
    return caught.value.code


def attack(world: World, number=ZHANG_NUMBER, tries: int = STRANGERS.free + 1) -> None:
    """Guess from ever new addresses until the account is blocked for strangers."""
    for turn in range(tries):
        guess(world, number, replace(ELSEWHERE, address=f"203.0.113.{turn}"))


@pytest.mark.parametrize("number", [ZHANG_NUMBER, NOBODY_NUMBER])
def test_free_failures_then_a_block_whether_or_not_the_account_exists(world, number):
    answers = [guess(world, number) for _ in range(STRANGERS.free + 2)]
    assert answers == ["sign-in-refused"] * (STRANGERS.free + 1) + ["sign-in-throttled"]


def test_a_blocked_try_is_not_judged_and_says_how_long_to_wait(world):
    attack(world)
    before = world.hasher.matched
    with pytest.raises(SignInThrottled) as caught:
        world.desk.with_password(ZHANG_NUMBER, PASSWORD, ELSEWHERE)
    assert caught.value.facts["retry_after_seconds"] == 1
    assert world.hasher.matched == before
    world.clock.advance(seconds=1)
    assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, ELSEWHERE)


def test_a_known_browser_is_not_slowed_by_strangers(world):
    known = world.known()
    attack(world)
    assert guess(world) == "sign-in-throttled"
    assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, known)


def test_a_known_browser_is_not_slowed_by_others_at_its_address(world):
    known = replace(world.known(), address=ELSEWHERE.address)
    for _ in range(ADDRESS.free + 1):
        guess(world, NOBODY_NUMBER)
        world.clock.advance(minutes=15)
    for turn in range(ADDRESS.free + 1):
        with pytest.raises((SignInRefused, SignInThrottled)):
            world.desk.with_password(replace(NOBODY_NUMBER, number=f"G{turn:08d}"), "guess", ELSEWHERE)
    assert guess(world, LI_NUMBER) == "sign-in-throttled"
    assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, known)


def test_guesses_from_a_known_browser_are_counted_too(world):
    known = world.known()
    answers = [guess(world, device=known) for _ in range(KNOWN.free + 2)]
    assert answers[-1] == "sign-in-throttled"
    assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, HOME)


def test_the_token_of_a_browser_is_good_for_its_own_account_only(world):
    world.desk.enrol_password(LI.id, PASSWORD)
    attack(world, LI_NUMBER)
    assert guess(world, LI_NUMBER, world.known()) == "sign-in-throttled"


def test_knocking_at_a_blocked_account_does_not_prolong_the_block(world):
    attack(world)
    for _ in range(50):
        assert guess(world) == "sign-in-throttled"
    world.clock.advance(seconds=1)
    assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, ELSEWHERE)


def test_a_right_password_takes_its_own_charge_back_and_no_other(world):
    for _ in range(STRANGERS.free):
        guess(world)
    for _ in range(3):
        assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, ELSEWHERE)
        world.clock.advance(seconds=1)
    assert guess(world) == "sign-in-refused"
    assert guess(world) == "sign-in-throttled"


def test_one_address_is_slowed_over_all_accounts(world):
    numbers = [replace(NOBODY_NUMBER, number=f"G{turn:08d}") for turn in range(ADDRESS.free + 2)]
    answers = [guess(world, number) for number in numbers]
    assert answers == ["sign-in-refused"] * (ADDRESS.free + 1) + ["sign-in-throttled"]
    assert world.desk.with_password(ZHANG_NUMBER, PASSWORD, HOME)


@BOTH_DATABASES
def test_many_guesses_at_once_gain_nothing(world):
    for _ in range(STRANGERS.free):
        guess(world)
    _, refused = race(lambda: world.desk.with_password(ZHANG_NUMBER, "wrong guess", ELSEWHERE), threads=6)
    assert sorted(error.code for error in refused) == ["sign-in-refused"] + ["sign-in-throttled"] * 5


def test_counters_survive_a_restart_and_are_shared_by_processes(world):
    attack(world)
    restarted = assembled(world.database, world.clock, world.persons)
    assert guess(restarted) == "sign-in-throttled"


def test_codes_have_counters_of_their_own(world):
    app = world.with_app()
    attempt = world.halfway(ELSEWHERE)
    for _ in range(STRANGERS.free + 1):
        with pytest.raises(CodeRefused):
            world.desk.with_code(attempt, "000000", ELSEWHERE)
    with pytest.raises(SignInThrottled):
        world.desk.with_code(attempt, app.at(world.clock.now()), ELSEWHERE)
    assert world.halfway(ELSEWHERE)


def test_codes_are_counted_from_a_known_browser_too_and_apart_from_strangers(world):
    app = world.with_app()
    done = world.desk.with_code(world.halfway(), app.at(world.clock.now()), HOME)
    known = replace(HOME, token=done.device_token)
    world.clock.advance(seconds=30)
    for device, other in ((known, ELSEWHERE), (ELSEWHERE, known)):
        attempt = world.halfway(known)
        for _ in range(CODES.free + 1):
            with pytest.raises(CodeRefused):
                world.desk.with_code(attempt, "135791", device)
        with pytest.raises(SignInThrottled):
            world.desk.with_code(attempt, "135791", device)
        world.clock.advance(seconds=60)
        assert world.desk.with_code(attempt, app.at(world.clock.now()), other)
        world.clock.advance(seconds=30)


def test_wrong_recovery_codes_block_the_address_and_never_the_account(world):
    codes = world.desk.new_recovery_codes(world.session())
    for _ in range(ADDRESS.free + 1):
        with pytest.raises(RecoveryRefused):
            world.desk.recover(ZHANG_NUMBER, "AAAAA", ELSEWHERE)
    with pytest.raises(SignInThrottled):
        world.desk.recover(ZHANG_NUMBER, codes[0], ELSEWHERE)
    assert world.desk.recover(ZHANG_NUMBER, codes[0], HOME)


def test_old_counters_are_dropped_and_fresh_ones_kept(world):
    guess(world)
    world.clock.advance(days=MEMORY.days)
    assert world.desk.forget_expired() == 0
    guess(world, device=replace(ELSEWHERE, address="203.0.113.77"))
    world.clock.advance(seconds=1)
    assert world.desk.forget_expired() == 1


@given(_RULES, st.lists(st.integers(min_value=0, max_value=10**6), max_size=60))
def test_scores_never_fall_below_zero_and_blocks_never_exceed_the_longest(rule, pauses):
    bucket, now = Bucket(score=0.0, scored_at=MOMENT), MOMENT
    for pause in pauses:
        now += timedelta(seconds=pause)
        bucket = bucket.charged(rule, now)
        assert timedelta(0) <= bucket.wait(now) <= rule.longest
        assert bucket.taken_back(rule, now).score >= 0


@given(_RULES)
def test_each_failure_blocks_longer_until_the_longest(rule):
    bucket, waits = Bucket(score=0.0, scored_at=MOMENT), []
    for _ in range(60):
        bucket = bucket.charged(rule, MOMENT)
        waits.append(bucket.wait(MOMENT))
    assert waits[: rule.free] == [timedelta(0)] * rule.free
    assert waits[rule.free] == rule.first
    assert waits == sorted(waits)
    assert waits[-1] == rule.longest


def test_a_patient_attacker_gets_about_a_hundred_guesses_a_day():
    bucket, now, guesses = Bucket(score=0.0, scored_at=MOMENT), MOMENT, 0
    while now < MOMENT + timedelta(days=30):
        bucket = bucket.charged(STRANGERS, now)
        guesses += 1
        now += max(bucket.wait(now), timedelta(milliseconds=1))
    assert guesses < 30 * 110


def test_a_score_fades_by_half_in_its_half_life():
    bucket = Bucket(score=8.0, scored_at=MOMENT).charged(STRANGERS, MOMENT + STRANGERS.half_life)
    assert bucket.score == 5.0


def test_a_device_token_lives_its_time_and_no_longer():
    tokens = DeviceTokens(BlindIndex(b"k" * 32), CountingRandomness())
    token = tokens.issue(ZHANG.id, now=MOMENT)
    assert tokens.recognise(token, ZHANG.id, now=MOMENT + DEVICE_LIFE - timedelta(seconds=1))
    assert tokens.recognise(token, ZHANG.id, now=MOMENT + DEVICE_LIFE) is None


def test_a_device_token_is_bound_to_person_and_installation():
    tokens = DeviceTokens(BlindIndex(b"k" * 32), CountingRandomness())
    token = tokens.issue(ZHANG.id, now=MOMENT)
    foreign = DeviceTokens(BlindIndex(b"o" * 32), CountingRandomness()).issue(ZHANG.id, now=MOMENT)
    assert tokens.recognise(token, LI.id, now=MOMENT) is None
    assert tokens.recognise(token, None, now=MOMENT) is None
    assert tokens.recognise(foreign, ZHANG.id, now=MOMENT) is None


@given(st.integers(min_value=0, max_value=53), st.sampled_from("Ab9-_"))
def test_a_changed_device_token_is_not_recognised(place, character):
    tokens = DeviceTokens(BlindIndex(b"k" * 32), CountingRandomness())
    token = tokens.issue(ZHANG.id, now=MOMENT)
    changed = token[:place] + character + token[place + 1 :]
    recognised = tokens.recognise(changed, ZHANG.id, now=MOMENT)
    assert recognised is None or changed == token or place == 53  # four bits of the last character say nothing


@pytest.mark.parametrize("text", [None, "", "x", "é" * 54, "A" * 54, "A" * 10_000, "=" * 54])
def test_any_other_text_is_no_device_token(text):
    assert DeviceTokens(BlindIndex(b"k" * 32), CountingRandomness()).recognise(text, ZHANG.id, now=MOMENT) is None


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/120 Safari/537 Edg/120", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17 like Mac OS X) Safari/604", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/120 MicroMessenger/8", "WeChat, Android"),
        ("<script>11010519491231002X", "Browser"),
    ],
)
def test_a_device_label_has_only_words_of_ours(sent, label):
    assert Device.of(address="192.0.2.1", user_agent=sent).label == label
