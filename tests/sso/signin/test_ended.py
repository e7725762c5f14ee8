"""After a clerk had the person in front of them, whatever was enrolled before opens nothing (`credentials_from`)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from sso.revocation.domain import Tie, TieKind
from sso.signin.credentials import StoredPassword
from sso.signin.desk import CODE_LIFE
from sso.signin.domain import Method, Strength
from sso.signin.errors import (
    AttemptEnded,
    CodeRefused,
    PasskeyRefused,
    PasswordEnrolled,
    RecoveryRefused,
    SessionOver,
    SignInRefused,
    TotpNotEnrolled,
)
from tests.sso.signin.authenticator import Authenticator
from tests.sso.signin.world import (
    CLERK,
    ELSEWHERE,
    HOME,
    OTHER_PASSWORD,
    PASSWORD,
    ZHANG,
    ZHANG_NUMBER,
    World,
)

_PASSWORD_ONLY = (Strength.PASSWORD, (Method.PASSWORD,))


def proof_in_person(world: World) -> None:
    """Do what the register does when a clerk checks the document of an account that nobody vouched for."""
    world.clock.advance(seconds=1)
    now, person = world.clock.now(), world.persons.people[ZHANG.id]
    world.revocations.cut({Tie(TieKind.PERSON, person.tie_id)}, reason="credentials-ended", at=now)
    world.persons.people[ZHANG.id] = replace(person, epoch=person.epoch + 1, credentials_from=now)
    world.clock.advance(seconds=1)


def fully_enrolled(world: World):
    """Return app, authenticator and recovery codes, all enrolled by whoever holds the account."""
    app = world.with_app()
    strong = world.desk.with_code(world.halfway(), app.at(world.clock.now()), HOME)
    world.clock.advance(seconds=30)
    device = Authenticator()
    world.desk.confirm_passkey(strong.session, device.create(world.desk.enrol_passkey(strong.session)), "x")
    strong = world.desk.step_up_with_passkey(strong.session, device.get(world.desk.passkey_challenge(strong.session)))
    return app, device, world.desk.new_recovery_codes(strong.session)


def kept(world: World) -> dict[str, int]:
    with world.database.begin() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()  # noqa: S608  our own names
            for table in ("sso_passwords", "sso_totp", "sso_passkeys", "sso_recovery_codes")
        }


def test_no_old_password_signs_in_and_refusing_it_costs_what_a_wrong_one_costs(world):
    proof_in_person(world)
    before = world.hasher.matched
    with pytest.raises(SignInRefused):
        world.signed_in()
    assert world.hasher.matched - before == 1


def test_no_old_passkey_signs_in(world):
    _, device, _ = fully_enrolled(world)
    answer = device.get(world.desk.passkey_challenge())
    proof_in_person(world)
    with pytest.raises(PasskeyRefused):
        world.desk.with_passkey(answer, HOME)


def test_no_old_recovery_code_opens_anything_nor_one_from_a_counter(world):
    _, _, codes = fully_enrolled(world)
    handed = world.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1").code
    proof_in_person(world)
    for code in (codes[0], handed):
        with pytest.raises(RecoveryRefused):
            world.desk.recover(ZHANG_NUMBER, code, HOME)


def test_a_recovery_that_was_begun_before_cannot_be_finished(world):
    codes = world.desk.new_recovery_codes(world.session())
    recovering = world.desk.recover(ZHANG_NUMBER, codes[0], HOME)
    proof_in_person(world)
    with pytest.raises(AttemptEnded):
        world.desk.renew(recovering.secret, OTHER_PASSWORD, HOME)


def test_a_sign_in_that_was_begun_before_cannot_be_finished(world):
    app = world.with_app()
    attempt = world.halfway()
    proof_in_person(world)
    assert timedelta(seconds=2) < CODE_LIFE
    with pytest.raises(AttemptEnded):
        world.desk.with_code(attempt, app.at(world.clock.now()), HOME)


def test_no_code_of_an_old_app_shows_presence_at_a_counter(world):
    app = world.with_app()
    proof_in_person(world)
    with pytest.raises(CodeRefused):
        world.desk.use_code(ZHANG.id, app.at(world.clock.now()), HOME)


def test_a_known_browser_is_a_stranger_again(world):
    known = world.known()
    assert world.workshop.devices.recognise(known.token, ZHANG.id, now=world.clock.now())
    proof_in_person(world)
    person = world.persons.get(ZHANG.id)
    recognised = world.workshop.devices.recognise(
        known.token, ZHANG.id, now=world.clock.now(), after=person.credentials_from
    )
    assert recognised is None
    world.desk.enrol_password(ZHANG.id, OTHER_PASSWORD)
    newer = world.signed_in(ELSEWHERE, OTHER_PASSWORD).device_token
    assert world.workshop.devices.recognise(newer, ZHANG.id, now=world.clock.now(), after=person.credentials_from)


def test_nothing_old_counts_as_enrolled(world):
    fully_enrolled(world)
    proof_in_person(world)
    now = world.desk.enrolled(ZHANG.id)
    assert (now.password, now.codes, now.passkeys, now.recovery_codes) == (False, False, (), 0)


def test_the_person_enrols_a_first_password_and_all_old_rows_go_with_the_old_one(world):
    app, device, codes = fully_enrolled(world)
    handed = world.desk.hand_out_code(ZHANG.id, clerk=CLERK, counter="counter-1").code
    proof_in_person(world)
    world.desk.enrol_password(ZHANG.id, OTHER_PASSWORD)
    assert kept(world) == {"sso_passwords": 1, "sso_totp": 0, "sso_passkeys": 0, "sso_recovery_codes": 1}
    session = world.signed_in(HOME, OTHER_PASSWORD).session  # no code is asked for: the old app is gone
    assert world.sessions.find_by_id(session.id)
    for wrong in (PASSWORD, codes[0], handed):
        with pytest.raises(SignInRefused):
            world.signed_in(HOME, wrong)
    with pytest.raises(TotpNotEnrolled):
        world.desk.confirm_totp(session, app.at(world.clock.now()), HOME)
    with pytest.raises(PasskeyRefused):
        world.desk.with_passkey(device.get(world.desk.passkey_challenge()), HOME)


def test_a_password_enrolled_afterwards_is_not_replaced(world):
    proof_in_person(world)
    world.desk.enrol_password(ZHANG.id, OTHER_PASSWORD)
    with pytest.raises(PasswordEnrolled):
        world.desk.enrol_password(ZHANG.id, PASSWORD)
    assert world.signed_in(HOME, OTHER_PASSWORD)


def test_a_password_from_the_very_moment_counts(world):
    person = world.persons.people[ZHANG.id]
    world.persons.people[ZHANG.id] = replace(person, credentials_from=world.clock.now())
    assert world.signed_in()
    world.persons.people[ZHANG.id] = replace(person, credentials_from=world.clock.now() + timedelta(microseconds=1))
    with pytest.raises(SignInRefused):
        world.signed_in()


def test_a_sign_in_whose_password_was_judged_before_opens_no_session(world):
    stored = world.credentials.password(ZHANG.id)
    assert isinstance(stored, StoredPassword)
    change, _ = world.sessions.opening(world.persons.get(ZHANG.id), *_PASSWORD_ONLY, "Firefox")
    proof_in_person(world)
    world.desk.enrol_password(ZHANG.id, OTHER_PASSWORD)
    assert not world.workshop.ceremonies.finish_by_password(stored, change)


def test_a_session_from_before_cannot_enrol_anything_even_if_it_was_read_alive(world):
    """The request read the session before the clerk's commit, and writes after it."""
    session = world.session()
    device = Authenticator()
    options = world.desk.enrol_passkey(session)
    proof_in_person(world)
    with pytest.raises(SessionOver):
        world.desk.confirm_passkey(session, device.create(options), "x")
    with pytest.raises(SessionOver):
        world.desk.new_recovery_codes(session)
    assert kept(world)["sso_passkeys"] == kept(world)["sso_recovery_codes"] == 0


def test_an_old_app_gives_way_to_a_new_one(world):
    world.with_app()
    proof_in_person(world)
    world.desk.enrol_password(ZHANG.id, OTHER_PASSWORD)
    session = world.signed_in(HOME, OTHER_PASSWORD).session
    secret = world.desk.enrol_totp(session).secret
    assert secret
    assert not world.desk.enrolled(ZHANG.id).codes


def test_an_old_app_gives_way_to_a_new_one_without_a_password_between(world):
    """Who signs in upstream never enrols a password here."""
    world.with_app()
    proof_in_person(world)
    session, _ = world.sessions.open(world.persons.get(ZHANG.id), *_PASSWORD_ONLY, "Firefox")
    assert world.desk.enrol_totp(session).secret
