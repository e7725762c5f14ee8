"""One-time codes: the RFC's vectors, enrolment, single use, step-up."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from sso.signin.code_desk import CodeDesk
from sso.signin.desk import CODE_LIFE
from sso.signin.domain import Method, Strength
from sso.signin.errors import (
    AttemptEnded,
    CodeRefused,
    SessionOver,
    StepUpRequired,
    StepUpTooWeak,
    TotpEnrolled,
    TotpNotEnrolled,
)
from sso.signin.service import SecondFactorNeeded
from sso.signin.totp import step_of
from tests.fakes import MOMENT
from tests.sso.databases import BOTH_DATABASES
from tests.sso.signin.world import (
    ELSEWHERE,
    HOME,
    LI,
    OTHER_PASSWORD,
    PASSWORD,
    ZHANG,
    ZHANG_NUMBER,
    World,
    race,
)

_RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "vector"),  # RFC 6238 appendix B, SHA-1: the last six of the eight digits are the code of six
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds, vector):
    assert step_of(_RFC_SECRET, vector[-6:], now=datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize(("late", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_code_is_good_one_step_before_and_after_its_own(late, accepted):
    moment = datetime.fromtimestamp(1111111110, UTC)
    step = step_of(_RFC_SECRET, "050471", now=moment + timedelta(seconds=late))
    assert (step == 1111111110 // 30) is accepted


@pytest.mark.parametrize("typed", ["", "50471", "0504711", "٠٥٠٤٧١", "05047x", "-50471", "0" * 10_000])
def test_what_is_not_six_digits_is_no_code(typed):
    assert step_of(_RFC_SECRET, typed, now=datetime.fromtimestamp(1111111110, UTC)) is None


def test_spaces_as_apps_show_them_are_left_out():
    assert step_of(_RFC_SECRET, " 050 471 ", now=datetime.fromtimestamp(1111111110, UTC)) is not None


def test_the_app_gets_an_address_without_name_and_number(world):
    enrolment = world.desk.enrol_totp(world.session())
    parts = urlsplit(enrolment.uri)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parse_qs(parts.query)["secret"] == [enrolment.secret]
    assert ZHANG_NUMBER.number not in enrolment.uri
    assert enrolment.secret not in repr(enrolment)


def test_an_app_has_no_effect_before_its_confirming_code(world):
    world.desk.enrol_totp(world.session())
    assert not world.desk.enrolled(ZHANG.id).codes
    assert world.signed_in().session.strength is Strength.PASSWORD
    with pytest.raises(CodeRefused):
        world.desk.confirm_totp(world.session(), "000000", HOME)
    assert not world.desk.enrolled(ZHANG.id).codes


def test_a_confirmed_app_is_asked_for_and_strengthens_the_session(world):
    app = world.with_app()
    done = world.desk.with_code(world.halfway(), app.at(world.clock.now()), HOME)
    assert done.session.strength is Strength.ONE_TIME_CODE
    assert done.session.methods == (Method.PASSWORD, Method.OTP)
    assert world.sessions.find(done.secret) == done.session


def test_the_confirming_code_is_used_up(world):
    session = world.session()
    app = pyotp.TOTP(world.desk.enrol_totp(session).secret)
    code = app.at(MOMENT)
    world.desk.confirm_totp(session, code, HOME)
    with pytest.raises(CodeRefused):
        world.desk.with_code(world.halfway(), code, HOME)


def test_a_code_is_good_once_and_no_earlier_one_after_it(world):
    app, now = world.with_app(), world.clock.now()
    world.desk.with_code(world.halfway(), app.at(now), HOME)
    for used in (app.at(now), app.at(now - timedelta(seconds=30))):
        with pytest.raises(CodeRefused):
            world.desk.with_code(world.halfway(), used, HOME)
    assert world.desk.with_code(world.halfway(), app.at(now + timedelta(seconds=30)), HOME)


@BOTH_DATABASES
def test_of_two_uses_of_one_code_at_once_exactly_one_wins(world):
    app = world.with_app()
    attempts = iter([world.halfway(), world.halfway(ELSEWHERE)])
    code = app.at(world.clock.now())
    won, refused = race(lambda: world.desk.with_code(next(attempts), code, HOME))
    assert (len(won), [error.code for error in refused]) == (1, ["one-time-code-refused"])
    assert [session.id for session in world.sessions.of(ZHANG.id)].count(won[0].session.id) == 1
    assert len(world.sessions.of(ZHANG.id)) == 2  # the one that set up the app, and the winner's


@BOTH_DATABASES
def test_of_two_uses_of_one_attempt_at_once_exactly_one_wins(world):
    app, attempt = world.with_app(), world.halfway()
    now = world.clock.now()
    codes = iter([app.at(now), app.at(now + timedelta(seconds=30))])
    won, refused = race(lambda: world.desk.with_code(attempt, next(codes), HOME))
    assert len(won) == 1
    assert refused[0].code in {"one-time-code-refused", "sign-in-attempt-ended"}


def test_a_wrong_code_leaves_the_attempt_and_an_officers_line(world):
    app, attempt = world.with_app(), world.halfway()
    with capture_logs() as lines, pytest.raises(CodeRefused):
        world.desk.with_code(attempt, "135791", HOME)
    assert lines[-1]["reason"] == "wrong code"
    assert "135791" not in str(lines)
    assert world.desk.with_code(attempt, app.at(world.clock.now()), HOME)


def test_an_attempt_lives_its_time_and_no_longer(world):
    app, attempt = world.with_app(), world.halfway()
    world.clock.moment += CODE_LIFE
    with pytest.raises(AttemptEnded):
        world.desk.with_code(attempt, app.at(world.clock.now()), HOME)
    attempt = world.halfway()
    world.clock.moment += CODE_LIFE - timedelta(seconds=1)
    assert world.desk.with_code(attempt, app.at(world.clock.now()), HOME)
    assert world.desk.forget_expired() >= 1


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "A" * 43])
def test_an_unknown_attempt_is_refused(world, secret):
    with pytest.raises(AttemptEnded):
        world.desk.with_code(secret, "123456", HOME)


def test_a_change_of_password_ends_attempts_that_wait_for_a_code(world):
    app, attempt = world.with_app(), world.halfway()
    done = world.desk.with_code(world.halfway(), app.at(world.clock.now()), HOME)
    world.desk.change_password(done.session, PASSWORD, OTHER_PASSWORD, HOME)
    world.clock.advance(seconds=30)
    with pytest.raises(AttemptEnded):
        world.desk.with_code(attempt, app.at(world.clock.now()), HOME)


def test_an_account_closed_between_the_steps_opens_nothing(world):
    app, attempt = world.with_app(), world.halfway()
    world.persons.disable(ZHANG.id)
    with pytest.raises(AttemptEnded):
        world.desk.with_code(attempt, app.at(world.clock.now()), HOME)
    with pytest.raises(CodeRefused):
        world.desk.use_code(ZHANG.id, app.at(world.clock.now()), HOME)


def test_stepping_up_by_code_rotates_the_secret_of_the_same_session(world):
    mine = world.signed_in()
    app = world.with_app()
    stronger = world.desk.step_up_with_code(mine.session, app.at(world.clock.now()), HOME)
    assert stronger.session.id == mine.session.id
    assert stronger.session.strength is Strength.ONE_TIME_CODE
    assert stronger.session.auth_time == world.clock.now()
    assert stronger.session.expires_at == mine.session.expires_at
    assert world.sessions.find(mine.secret) is None
    assert world.sessions.find(stronger.secret) == stronger.session


def test_a_code_does_not_renew_a_passkeys_session_nor_make_one_without_password_strong(world):
    app = world.with_app()
    for strength, method in ((Strength.PASSKEY, Method.PASSKEY), (Strength.PASSWORD, Method.UPSTREAM)):
        session, _ = world.sessions.open(ZHANG, strength, (method,), "x")
        with pytest.raises(StepUpTooWeak):
            world.desk.step_up_with_code(session, app.at(world.clock.now()), HOME)


def test_stepping_up_an_ended_session_uses_up_nothing(world):
    mine = world.signed_in()
    app = world.with_app()
    world.sessions.end(mine.session.id, ZHANG.id)
    with pytest.raises(CodeRefused):
        world.desk.step_up_with_code(mine.session, app.at(world.clock.now()), HOME)
    assert world.desk.with_code(world.halfway(), app.at(world.clock.now()), HOME)


def test_finishing_for_a_session_that_ended_meanwhile_is_refused(world):
    mine = world.signed_in()
    app = world.with_app()
    needed = world.desk.confirm_password(mine.session, PASSWORD, HOME)
    assert isinstance(needed, SecondFactorNeeded)
    world.sessions.end(mine.session.id, ZHANG.id)
    with pytest.raises(SessionOver):
        world.desk.with_code(needed.attempt, app.at(world.clock.now()), HOME)


def test_a_code_shown_at_a_counter_is_used_up(world):
    app = world.with_app()
    code = app.at(world.clock.now())
    world.desk.use_code(ZHANG.id, code, HOME)
    for person in (ZHANG.id, LI.id, "01JNOBODY"):
        with pytest.raises(CodeRefused):
            world.desk.use_code(person, code, HOME)


def test_setting_up_and_removing_need_a_fresh_session_of_the_strongest_kind(world):
    weak = world.session()
    app = world.with_app()
    with pytest.raises(StepUpRequired):
        world.desk.remove_totp(weak)
    strong = world.desk.with_code(world.halfway(), app.at(world.clock.now()), HOME).session
    with pytest.raises(TotpEnrolled):
        world.desk.enrol_totp(strong)
    with pytest.raises(TotpEnrolled):
        world.desk.confirm_totp(strong, "123456", HOME)
    world.desk.remove_totp(strong)
    for again in (world.desk.remove_totp, lambda session: world.desk.confirm_totp(session, "123456", HOME)):
        with pytest.raises(TotpNotEnrolled):
            again(strong)
    world.clock.advance(minutes=15)
    with pytest.raises(StepUpRequired):
        world.desk.enrol_totp(strong)


def test_an_app_set_up_meanwhile_is_not_confirmed_by_the_code_of_the_one_before(world, monkeypatch):
    session = world.session()
    first = pyotp.TOTP(world.desk.enrol_totp(session).secret)
    judged = CodeDesk._judged

    def interrupted(self, *arguments):
        result = judged(self, *arguments)
        world.clock.advance(microseconds=1)
        world.desk.enrol_totp(session)
        return result

    monkeypatch.setattr(CodeDesk, "_judged", interrupted)
    with pytest.raises(CodeRefused):
        world.desk.confirm_totp(session, first.at(world.clock.now()), HOME)
    assert not world.desk.enrolled(ZHANG.id).codes


def test_the_secret_is_sealed_to_its_row(world: World):
    secret = world.desk.enrol_totp(world.session()).secret
    with world.database.begin() as connection:
        row = connection.execute(text("SELECT sealed, person FROM sso_totp")).one()
    assert secret.encode() not in row.sealed
    assert row.person == ZHANG.id


def test_the_session_of_a_closed_account_sets_up_nothing(world):
    session = world.session()
    world.persons.disable(ZHANG.id)
    with pytest.raises(SessionOver):
        world.desk.enrol_totp(session)
