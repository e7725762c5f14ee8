"""Sessions: found by their secret, listed, ended with their tie, idle and absolute life, killed half-way."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import SIGN_INS, Method, Strength
from sso.signin.errors import SessionUnknown
from sso.signin.service import Site
from sso.signin.sessions import SEEN_EVERY
from tests.fakes import MOMENT
from tests.sso.signin.world import ABSOLUTE, ELSEWHERE, HOME, IDLE, LI, ZHANG, World
from trust.kernel.bearer_secrets import secret_digest

SECOND = timedelta(seconds=1)


def opened(world: World, person=ZHANG):
    return world.sessions.open(person, Strength.PASSWORD, (Method.UPSTREAM,), "Firefox, Linux")


def test_a_secret_is_kept_as_a_digest_and_has_256_bits(world):
    session, secret = opened(world)
    with world.database.begin() as connection:
        kept = connection.execute(text("SELECT secret_digest FROM sso_sessions")).scalar()
    assert kept == secret_digest(secret)
    assert len(secret) == 43
    assert secret not in repr(world.signed_in())
    assert session.ties == {Tie(TieKind.SESSION, session.id), Tie(TieKind.PERSON, f"{ZHANG.id}/0")}


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "A" * 43, "é"])
def test_any_other_secret_finds_nothing(world, secret):
    opened(world)
    assert world.sessions.find(secret) is None


def test_each_sign_in_opens_a_session_and_secret_of_its_own(world):
    one, other = world.signed_in(), world.signed_in()
    assert one.session.id != other.session.id
    assert one.secret != other.secret


def test_a_session_lives_through_short_pauses_until_its_absolute_end(world):
    _, secret = opened(world)
    while world.clock.moment + IDLE - SECOND < MOMENT + ABSOLUTE:
        world.clock.moment += IDLE - SECOND
        assert world.sessions.find(secret)
    world.clock.moment = MOMENT + ABSOLUTE - SECOND
    assert world.sessions.find(secret)
    world.clock.moment = MOMENT + ABSOLUTE
    assert world.sessions.find(secret) is None


@pytest.mark.parametrize(("pause", "lives"), [(IDLE - SECOND, True), (IDLE, False)])
def test_a_session_ends_after_its_longest_pause(world, pause, lives):
    session, secret = opened(world)
    world.clock.moment += pause
    assert (world.sessions.find(secret) is not None) is lives
    assert (world.sessions.find_by_id(session.id) is not None) is lives
    assert bool(world.sessions.of(ZHANG.id)) is lives


def test_reading_within_a_minute_writes_nothing(world):
    session, secret = opened(world)
    written = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *seen: written.append(seen[2]))
    world.clock.moment += SEEN_EVERY - SECOND
    assert world.sessions.find(secret) == session
    assert not [statement for statement in written if not statement.lstrip().upper().startswith(("SELECT", "BEGIN"))]
    world.clock.moment += SECOND
    assert world.sessions.find(secret) == replace(session, last_seen_at=world.clock.now())
    assert [statement for statement in written if statement.startswith("UPDATE sso_sessions")]


def test_ending_a_session_cuts_its_tie_and_nothing_else(world):
    session, secret = opened(world)
    other, other_secret = opened(world)
    world.sessions.end(session.id, ZHANG.id)
    assert world.sessions.find(secret) is None
    assert world.sessions.find_by_id(session.id) is None
    assert world.revocations.first_cut(session.ties) == session.tie
    assert world.sessions.find(other_secret) == other
    assert [found.id for found in world.sessions.of(ZHANG.id)] == [other.id]


def test_another_persons_an_ended_and_an_unknown_session_answer_the_same(world):
    session, _ = opened(world)
    others, other_secret = opened(world, LI)
    world.sessions.end(session.id, ZHANG.id)
    for name in (session.id, others.id, "01JNOSUCHSESSION"):
        with pytest.raises(SessionUnknown):
            world.sessions.end(name, ZHANG.id)
    assert world.sessions.find(other_secret)


def test_ending_all_keeps_the_one_named_and_others_people(world):
    mine, secret = opened(world)
    gone = [opened(world) for _ in range(3)]
    _, others_secret = opened(world, LI)
    assert world.sessions.end_all(ZHANG.id, keep=mine.id) == 3
    assert world.sessions.find(secret)
    assert world.sessions.find(others_secret)
    for session, ended in gone:
        assert world.sessions.find(ended) is None
        assert world.revocations.first_cut({session.tie})
    assert world.sessions.end_all(ZHANG.id) == 1


def test_a_cut_person_tie_ends_all_their_sessions_at_once(world):
    _, secret = opened(world)
    world.revocations.cut({Tie(TieKind.PERSON, f"{ZHANG.id}/0")}, reason="disabled", at=MOMENT)
    assert world.sessions.find(secret) is None
    _, secret = opened(world, replace(ZHANG, epoch=1))
    assert world.sessions.find(secret)


def test_housekeeping_ends_what_expired_and_cuts_the_ties(world):
    idle, _ = opened(world)
    world.clock.moment += IDLE - SECOND
    living, secret = opened(world)
    assert world.sessions.end_expired() == 0
    world.clock.moment += SECOND
    assert world.sessions.end_expired() == 1
    assert world.revocations.first_cut({idle.tie})
    assert world.sessions.find(secret) == replace(living, last_seen_at=living.last_seen_at)
    assert world.sessions.end_expired() == 0


def test_killed_while_a_session_ends_neither_or_both_happened(world):
    session, secret = opened(world)

    def fail(_connection, _cursor, statement, *_rest):
        if "sso_cut_ties" in statement:
            raise KeyboardInterrupt

    event.listen(world.database.engine, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        world.sessions.end(session.id, ZHANG.id)
    event.remove(world.database.engine, "before_cursor_execute", fail)
    assert world.sessions.find(secret) == session
    world.sessions.end(session.id, ZHANG.id)


@pytest.mark.parametrize("at", ["sso_sessions", "sso_totp", "sso_signin_attempts"])
def test_killed_anywhere_in_the_last_commit_of_a_sign_in_nothing_was_used_up(world, at):
    app, attempt = world.with_app(), world.halfway()
    before = world.sessions.of(ZHANG.id)

    def fail(_connection, _cursor, statement, *_rest):
        if at in statement and not statement.startswith("SELECT"):
            raise KeyboardInterrupt

    event.listen(world.database.engine, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        world.desk.with_code(attempt, app.at(world.clock.now()), HOME)
    event.remove(world.database.engine, "before_cursor_execute", fail)
    assert world.sessions.of(ZHANG.id) == before
    assert world.desk.with_code(attempt, app.at(world.clock.now()), HOME)


@pytest.mark.parametrize("at", ["sso_passwords", "sso_cut_ties", "sso_recovery_codes", "INSERT INTO sso_sessions"])
def test_killed_anywhere_in_a_renewal_the_old_credentials_stand(world, at):
    mine = world.signed_in(ELSEWHERE)
    codes = world.desk.new_recovery_codes(mine.session)
    recovering = world.desk.recover(ZHANG.code, codes[0], HOME)

    def fail(_connection, _cursor, statement, *_rest):
        if at in statement and not statement.startswith("SELECT"):
            raise KeyboardInterrupt

    event.listen(world.database.engine, "before_cursor_execute", fail)
    with pytest.raises(KeyboardInterrupt):
        world.desk.renew(recovering.secret, "violet glacier under nine ladders", HOME)
    event.remove(world.database.engine, "before_cursor_execute", fail)
    assert world.sessions.find(mine.secret)
    assert world.signed_in()
    assert world.desk.enrolled(ZHANG.id).recovery_codes == 9
    assert world.desk.renew(recovering.secret, "violet glacier under nine ladders", HOME)


@pytest.mark.parametrize("strength", SIGN_INS)
def test_strengths_are_found_by_their_urn(strength):
    assert Strength.find(strength.urn) is strength


@pytest.mark.parametrize("foreign", ["", "urn:yinxin:aal:0", "urn:yinxin:aal:4", "1", "urn:mace:incommon:iap:silver"])
def test_a_foreign_acr_is_no_strength(foreign):
    assert Strength.find(foreign) is None


def test_a_session_meets_what_it_was_opened_with_for_as_long_as_asked(world):
    session, _ = world.sessions.open(ZHANG, Strength.ONE_TIME_CODE, (Method.PASSWORD, Method.OTP), "x")
    later = MOMENT + timedelta(minutes=5)
    assert session.meets(Strength.PASSWORD, now=later)
    assert session.meets(Strength.ONE_TIME_CODE, now=later, max_age=timedelta(minutes=6))
    assert not session.meets(Strength.PASSKEY, now=later)
    assert not session.meets(Strength.PASSWORD, now=later, max_age=timedelta(minutes=5))
    assert not session.meets(Strength.PASSWORD, now=MOMENT, max_age=timedelta(0))
    assert [session.may_be_renewed_by(strength) for strength in SIGN_INS] == [False, True, True]


@pytest.mark.parametrize(
    ("url", "origin", "host"),
    [
        ("http://localhost:8080", "http://localhost:8080", "localhost"),
        ("https://trust.example/base/", "https://trust.example", "trust.example"),
    ],
)
def test_origin_and_relying_party_come_from_the_public_address(url, origin, host):
    assert Site.of(url) == Site(origin=origin, host=host)
