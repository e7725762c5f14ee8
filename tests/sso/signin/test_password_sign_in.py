"""Signing in by password: one answer and one hash for every refusal, throttling, change, rehash."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from sso.accounts.domain import PersonState
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Method, Strength
from sso.signin.errors import (
    PasswordEnrolled,
    PasswordLength,
    PasswordWeak,
    SessionOver,
    SignInRefused,
    StepUpRequired,
    StepUpTooWeak,
)
from sso.signin.passwords import Cost
from sso.signin.service import SecondFactorNeeded, SignedIn
from tests.sso.databases import BOTH_DATABASES
from tests.sso.signin.world import (
    ELSEWHERE,
    FIRM_NUMBER,
    HOME,
    LI_NUMBER,
    NOBODY_NUMBER,
    OTHER_PASSWORD,
    PASSWORD,
    ZHANG,
    ZHANG_NUMBER,
    World,
    assembled,
    race,
)

_LATER = {"minutes": 16}


def test_the_right_password_opens_a_session_of_password_strength(world: World):
    done = world.signed_in()
    assert done.session.strength is Strength.PASSWORD
    assert done.session.methods == (Method.PASSWORD,)
    assert done.session.client == "Firefox, Linux"
    assert world.sessions.find(done.secret) == done.session


@pytest.mark.parametrize("number", [NOBODY_NUMBER, LI_NUMBER, FIRM_NUMBER, ZHANG_NUMBER])
def test_no_account_no_password_an_organisation_and_a_wrong_password_cost_and_answer_the_same(world, number):
    before = world.hasher.matched
    with pytest.raises(SignInRefused) as caught:
        world.desk.with_password(number, "not the password at all", HOME)
    assert world.hasher.matched == before + 1
    assert (caught.value.code, caught.value.detail, caught.value.field, caught.value.facts) == (
        "sign-in-refused",
        SignInRefused.title,
        None,
        {},
    )


def test_a_closed_account_is_refused_with_the_right_password_at_the_same_cost(world):
    world.persons.disable(ZHANG.id)
    before = world.hasher.matched
    with pytest.raises(SignInRefused):
        world.signed_in()
    assert world.hasher.matched == before + 1


def test_a_refusal_is_written_for_the_officer_without_number_or_password(world):
    with capture_logs() as lines, pytest.raises(SignInRefused):
        world.desk.with_password(ZHANG_NUMBER, "mistyped password", HOME)
    assert [(line["event"], line["reason"], line["person"]) for line in lines] == [
        ("sign-in refused", "wrong password", ZHANG.id)
    ]
    assert ZHANG_NUMBER.number not in str(lines)
    assert "mistyped" not in str(lines)


@pytest.mark.parametrize("typed", ["", "x" * 100_000, "\ud800", "\x00", PASSWORD + " ", PASSWORD.upper()])
def test_anything_else_than_the_password_is_refused(world, typed):
    with pytest.raises(SignInRefused):
        world.signed_in(password=typed)


def test_a_password_typed_on_another_keyboard_is_the_same(empty):
    empty.desk.enrol_password(ZHANG.id, "crème brûlée für neun Gäste")
    assert isinstance(
        empty.desk.with_password(ZHANG_NUMBER, "cre\u0300me bru\u0302le\u0301e fu\u0308r neun Ga\u0308ste", HOME),
        SignedIn,
    )


def test_a_password_is_enrolled_once(world):
    with pytest.raises(PasswordEnrolled):
        world.desk.enrol_password(ZHANG.id, OTHER_PASSWORD)
    assert world.signed_in()


def test_the_hash_is_sealed_to_its_row(world):
    with world.database.begin() as connection:
        sealed = connection.execute(text("SELECT sealed FROM sso_passwords")).scalar()
    assert b"argon2" not in sealed


def test_a_changed_cost_rehashes_at_the_next_sign_in_and_only_then(world):
    dearer = assembled(world.database, world.clock, world.persons, cost=Cost(passes=2, memory_kib=16))
    made = dearer.hasher.hashed
    with pytest.raises(SignInRefused):
        dearer.signed_in(password="wrong one entirely")
    assert dearer.hasher.hashed == made
    dearer.signed_in()
    dearer.signed_in()
    assert dearer.hasher.hashed == made + 1


def test_a_rehash_loses_to_a_change_of_password(world):
    old = world.credentials.password(ZHANG.id)
    session = world.session()
    world.desk.change_password(session, PASSWORD, OTHER_PASSWORD, HOME)
    world.credentials.rehash(ZHANG.id, old.generation, old.sealed)
    assert world.signed_in(password=OTHER_PASSWORD)


def test_a_password_changed_while_the_old_one_was_being_checked_opens_nothing(world):
    old = world.credentials.password(ZHANG.id)
    change, secret = world.sessions.opening(ZHANG, Strength.PASSWORD, (Method.PASSWORD,), "x")
    world.desk.change_password(world.session(), PASSWORD, OTHER_PASSWORD, HOME)
    assert not world.workshop.ceremonies.finish_by_password(old, change)
    assert world.sessions.find(secret) is None


def test_changing_the_password_ends_all_other_sessions_and_rotates_this_one(world):
    other, mine = world.signed_in(ELSEWHERE), world.signed_in()
    changed = world.desk.change_password(mine.session, PASSWORD, OTHER_PASSWORD, HOME)
    assert changed.session.id == mine.session.id
    assert world.sessions.find(changed.secret)
    assert world.sessions.find(mine.secret) is None
    assert world.sessions.find(other.secret) is None
    assert world.revocations.first_cut({Tie(TieKind.SESSION, other.session.id)})
    with pytest.raises(SignInRefused):
        world.signed_in()
    assert world.signed_in(password=OTHER_PASSWORD)


@BOTH_DATABASES
def test_of_two_changes_at_once_exactly_one_wins(world):
    sessions, new = iter([world.session(), world.session()]), iter([OTHER_PASSWORD, OTHER_PASSWORD + "!"])
    won, lost = race(lambda: world.desk.change_password(next(sessions), PASSWORD, next(new), HOME))
    assert len(won) == 1
    assert lost[0].code in {"session-over", "sign-in-refused"}
    assert [session.id for session in world.sessions.of(ZHANG.id)] == [won[0].session.id]


def test_changing_the_password_needs_the_old_one_a_fresh_session_and_a_strong_new_one(world):
    session = world.session()
    with pytest.raises(SignInRefused):
        world.desk.change_password(session, "not the old one", OTHER_PASSWORD, HOME)
    with pytest.raises(PasswordLength):
        world.desk.change_password(session, PASSWORD, "short", HOME)
    with pytest.raises(PasswordWeak):
        world.desk.change_password(session, PASSWORD, "passwordpassword", HOME)
    world.clock.advance(**_LATER)
    with pytest.raises(StepUpRequired):
        world.desk.change_password(session, PASSWORD, OTHER_PASSWORD, HOME)
    assert world.signed_in()


def test_changing_the_password_in_an_ended_session_changes_nothing(world):
    mine = world.signed_in()
    world.sessions.end(mine.session.id, ZHANG.id)
    with pytest.raises(SessionOver):
        world.desk.change_password(mine.session, PASSWORD, OTHER_PASSWORD, HOME)
    assert world.signed_in()


def test_confirming_the_password_renews_the_session_under_a_new_secret(world):
    mine = world.signed_in()
    world.clock.advance(minutes=20)
    renewed = world.desk.confirm_password(mine.session, PASSWORD, HOME)
    assert isinstance(renewed, SignedIn)
    assert renewed.session == replace(mine.session, auth_time=world.clock.now(), last_seen_at=world.clock.now())
    assert world.sessions.find(mine.secret) is None
    assert world.sessions.find(renewed.secret) == renewed.session


def test_confirming_the_password_asks_for_the_code_where_there_is_an_app(world):
    app = world.with_app()
    done = world.desk.with_code(world.halfway(), app.at(world.clock.now()), HOME)
    world.clock.advance(seconds=30)
    needed = world.desk.confirm_password(done.session, PASSWORD, HOME)
    assert isinstance(needed, SecondFactorNeeded)
    assert world.sessions.find(done.secret)
    again = world.desk.with_code(needed.attempt, app.at(world.clock.now()), HOME)
    assert again.session.id == done.session.id
    assert again.session.strength is Strength.ONE_TIME_CODE
    assert world.sessions.find(done.secret) is None


def test_a_password_does_not_renew_a_stronger_session(world):
    session, _ = world.sessions.open(ZHANG, Strength.PASSKEY, (Method.PASSKEY,), "x")
    with pytest.raises(StepUpTooWeak):
        world.desk.confirm_password(session, PASSWORD, HOME)


def test_confirming_in_the_session_of_a_closed_account_is_refused(world):
    session = world.session()
    world.persons.people[ZHANG.id] = replace(ZHANG, state=PersonState.MERGED)
    with pytest.raises(SessionOver):
        world.desk.confirm_password(session, PASSWORD, HOME)
