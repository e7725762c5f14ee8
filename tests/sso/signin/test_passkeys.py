"""Passkeys, by a software authenticator: the good ceremonies, and each way in which one must fail."""

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sso.signin.domain import Method, Strength
from sso.signin.errors import (
    PasskeyEnrolled,
    PasskeyMalformed,
    PasskeyRefused,
    PasskeysTooMany,
    PasskeyUnknown,
    SessionOver,
    StepUpRequired,
)
from sso.signin.passkey_desk import CHALLENGE_LIFE, PASSKEYS_MAX
from sso.signin.passkeys import ANSWER_MAX
from tests.sso.databases import BOTH_DATABASES
from tests.sso.signin.authenticator import UP, UV, Authenticator
from tests.sso.signin.world import HOME, LI, LI_NUMBER, PASSWORD, ZHANG, World, race
from trust.kernel.text_errors import PersonalNumberInText, TextLength


def enrolled(world: World, device: Authenticator | None = None) -> Authenticator:
    """Register a passkey of Zhang's and return its authenticator."""
    device, session = device or Authenticator(), world.session()
    world.desk.confirm_passkey(session, device.create(world.desk.enrol_passkey(session)), "手机")
    return device


def refused(world: World, response: str) -> None:
    before = world.sessions.of(ZHANG.id)
    with pytest.raises(PasskeyRefused) as caught:
        world.desk.with_passkey(response, HOME)
    assert caught.value.detail == PasskeyRefused.title
    assert world.sessions.of(ZHANG.id) == before


def test_options_ask_for_a_discoverable_credential_and_a_verified_user(world):
    options = json.loads(world.desk.enrol_passkey(world.session()))
    assert options["rp"]["id"] == "localhost"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert ZHANG.id not in str(options)
    assert ZHANG.code.number not in str(options)
    asked = json.loads(world.desk.passkey_challenge())
    assert asked["userVerification"] == "required"
    assert asked.get("allowCredentials", []) == []


def test_a_passkey_signs_in_without_a_number(world):
    device = enrolled(world)
    done = world.desk.with_passkey(device.get(world.desk.passkey_challenge()), HOME)
    assert done.session.person == ZHANG.id
    assert done.session.strength is Strength.PASSKEY
    assert done.session.methods == (Method.PASSKEY,)
    assert world.sessions.find(done.secret) == done.session
    assert world.desk.enrolled(ZHANG.id).passkeys[0].sign_count == 2


def test_a_synced_passkey_does_not_count(world):
    device = enrolled(world, Authenticator(count=None))
    for _ in range(2):
        assert world.desk.with_passkey(device.get(world.desk.passkey_challenge()), HOME)


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "http://localhost:8081"},
        {"origin": "https://localhost:8080"},
        {"origin": "http://localhost.evil.example:8080"},
        {"type": "webauthn.create"},
        {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
        {"crossOrigin": True},
        {"crossOrigin": "false"},
        {"tokenBinding": {"status": "unheard-of"}, "origin": "null"},
    ],
)
def test_client_data_of_another_ceremony_or_place_is_refused(world, changed):
    device = enrolled(world)
    refused(world, device.get(world.desk.passkey_challenge(), **changed))


def test_an_answer_is_good_once(world):
    device = enrolled(world)
    response = device.get(world.desk.passkey_challenge())
    assert world.desk.with_passkey(response, HOME)
    refused(world, response)


def test_a_challenge_is_used_up_by_a_wrong_answer_too(world):
    device = enrolled(world)
    options = world.desk.passkey_challenge()
    refused(world, device.get(options, origin="http://evil.example"))
    refused(world, device.get(options))


@BOTH_DATABASES
def test_of_two_answers_to_one_challenge_at_once_exactly_one_wins(world):
    device = enrolled(world)
    options = world.desk.passkey_challenge()
    answers = iter([device.get(options), device.get(options)])
    won, lost = race(lambda: world.desk.with_passkey(next(answers), HOME))
    assert (len(won), [error.code for error in lost]) == (1, ["passkey-refused"])


def test_a_challenge_lives_its_time_and_no_longer(world):
    device = enrolled(world)
    options = world.desk.passkey_challenge()
    world.clock.moment += CHALLENGE_LIFE
    refused(world, device.get(options))
    options = world.desk.passkey_challenge()
    world.clock.moment += CHALLENGE_LIFE - timedelta(seconds=1)
    assert world.desk.with_passkey(device.get(options), HOME)


def test_a_user_who_was_not_verified_or_not_there_is_refused(world):
    device = enrolled(world)
    for flags in (UP, UV, 0):
        device.flags = flags
        refused(world, device.get(world.desk.passkey_challenge()))


def test_a_counter_that_does_not_grow_is_refused_and_written_down(world):
    device = enrolled(world)
    world.desk.with_passkey(device.get(world.desk.passkey_challenge()), HOME)
    device.count -= 1
    with capture_logs() as lines:
        refused(world, device.get(world.desk.passkey_challenge()))
    assert "sign count" in lines[-1]["reason"]
    assert lines[-1]["person"] == ZHANG.id


def test_another_key_another_site_and_an_unknown_credential_are_refused(world):
    device = enrolled(world)
    forged = Authenticator(count=5, handle=device.handle)
    refused(world, forged.get(world.desk.passkey_challenge()))
    device.host = "evil.example"
    refused(world, device.get(world.desk.passkey_challenge()))
    device.host, device.credential = "localhost", b"credential-2"
    refused(world, device.get(world.desk.passkey_challenge()))


def test_an_answer_that_names_another_person_or_nobody_is_refused(world):
    device = enrolled(world)
    for handle in (b"somebody else", b""):
        device.handle = handle
        refused(world, device.get(world.desk.passkey_challenge()))


def test_a_closed_account_is_refused(world):
    device = enrolled(world)
    world.persons.disable(ZHANG.id)
    refused(world, device.get(world.desk.passkey_challenge()))


def test_stepping_up_by_passkey_rotates_the_secret_of_the_same_session(world):
    device, mine = enrolled(world), world.signed_in()
    options = world.desk.passkey_challenge(mine.session)
    assert len(json.loads(options)["allowCredentials"]) == 1
    stronger = world.desk.step_up_with_passkey(mine.session, device.get(options))
    assert stronger.session.id == mine.session.id
    assert stronger.session.strength is Strength.PASSKEY
    assert stronger.session.methods == (Method.PASSWORD, Method.PASSKEY)
    assert world.sessions.find(mine.secret) is None
    assert world.sessions.find(stronger.secret) == stronger.session


def test_another_persons_passkey_does_not_step_up_a_session(world):
    device = enrolled(world)
    world.desk.enrol_password(LI.id, PASSWORD)
    session = world.desk.with_password(LI_NUMBER, PASSWORD, HOME).session
    with pytest.raises(PasskeyRefused):
        world.desk.step_up_with_passkey(session, device.get(world.desk.passkey_challenge(session)))


def test_a_challenge_is_good_for_its_own_ceremony_and_session_only(world):
    device, one, other = enrolled(world), world.session(), world.session()
    with pytest.raises(PasskeyRefused):
        world.desk.step_up_with_passkey(other, device.get(world.desk.passkey_challenge(one)))
    with pytest.raises(PasskeyRefused):
        world.desk.step_up_with_passkey(one, device.get(world.desk.passkey_challenge()))
    refused(world, device.get(world.desk.passkey_challenge(one)))


def test_stepping_up_an_ended_session_is_refused(world):
    device, session = enrolled(world), world.session()
    options = world.desk.passkey_challenge(session)
    world.sessions.end(session.id, ZHANG.id)
    with pytest.raises(SessionOver):
        world.desk.step_up_with_passkey(session, device.get(options))


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(flags=UP),
        Authenticator(flags=UV),
        Authenticator(origin="http://evil.example"),
        Authenticator(host="evil.example"),
        Authenticator(client_data={"crossOrigin": True}),
        Authenticator(client_data={"type": "webauthn.get"}),
        Authenticator(credential=b"x" * 1024),
        Authenticator(credential=b""),
    ],
)
def test_a_registration_that_proves_nothing_is_refused(world, device):
    session = world.session()
    with pytest.raises((PasskeyRefused, PasskeyMalformed)):
        world.desk.confirm_passkey(session, device.create(world.desk.enrol_passkey(session)), "手机")
    assert world.desk.enrolled(ZHANG.id).passkeys == ()


def test_a_registration_is_good_once_and_for_its_own_session(world):
    session, device = world.session(), Authenticator()
    response = device.create(world.desk.enrol_passkey(session))
    with pytest.raises(PasskeyRefused):
        world.desk.confirm_passkey(world.session(), response, "手机")
    with pytest.raises(PasskeyRefused):
        world.desk.confirm_passkey(session, response, "手机")


def test_a_credential_id_is_registered_once_for_whomever(world):
    device = enrolled(world)
    world.desk.enrol_password(LI.id, PASSWORD)
    session = world.desk.with_password(LI_NUMBER, PASSWORD, HOME).session
    copy = Authenticator(credential=device.credential)
    with pytest.raises(PasskeyEnrolled):
        world.desk.confirm_passkey(session, copy.create(world.desk.enrol_passkey(session)), "手机")
    assert world.desk.with_passkey(device.get(world.desk.passkey_challenge()), HOME).session.person == ZHANG.id


@pytest.mark.parametrize(
    ("label", "error"), [("", TextLength), ("x" * 41, TextLength), ("11010519491231002X", PersonalNumberInText)]
)
def test_a_label_is_short_clear_text(world, label, error):
    session = world.session()
    with pytest.raises(error):
        world.desk.confirm_passkey(session, Authenticator().create(world.desk.enrol_passkey(session)), label)


def test_with_a_passkey_a_password_alone_changes_no_credentials(world):
    device, session = enrolled(world), world.session()
    for change in (
        lambda: world.desk.enrol_passkey(session),
        lambda: world.desk.enrol_totp(session),
        lambda: world.desk.new_recovery_codes(session),
        lambda: world.desk.change_password(session, PASSWORD, "violet glacier under nine ladders", HOME),
        lambda: world.desk.remove_passkey(session, world.desk.enrolled(ZHANG.id).passkeys[0].id),
    ):
        with pytest.raises(StepUpRequired):
            change()
    strong = world.desk.step_up_with_passkey(session, device.get(world.desk.passkey_challenge(session))).session
    assert world.desk.enrol_passkey(strong)


def test_a_person_has_a_bounded_number_of_passkeys_and_removes_their_own_only(world):
    session, _ = world.sessions.open(ZHANG, Strength.PASSKEY, (Method.PASSKEY,), "x")
    for number in range(PASSKEYS_MAX):
        device = Authenticator(credential=b"credential-%d" % number)
        world.desk.confirm_passkey(session, device.create(world.desk.enrol_passkey(session)), f"key {number}")
    with pytest.raises(PasskeysTooMany):
        world.desk.enrol_passkey(session)
    first = world.desk.enrolled(ZHANG.id).passkeys[0]
    stranger, _ = world.sessions.open(LI, Strength.PASSKEY, (Method.PASSKEY,), "x")
    with pytest.raises(PasskeyUnknown):
        world.desk.remove_passkey(stranger, first.id)
    world.desk.remove_passkey(session, first.id)
    assert len(world.desk.enrolled(ZHANG.id).passkeys) == PASSKEYS_MAX - 1


def test_a_passkey_removed_while_it_was_being_judged_opens_nothing(world):
    device = enrolled(world)
    passkey = world.desk.enrolled(ZHANG.id).passkeys[0]
    assert device
    change, secret = world.sessions.opening(ZHANG, Strength.PASSKEY, (Method.PASSKEY,), "x")
    world.credentials.remove_passkey(passkey.id, ZHANG.id)
    assert not world.workshop.ceremonies.finish_by_passkey(passkey, 9, world.clock.now(), change)
    assert world.sessions.find(secret) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_SLOW
@given(st.text(max_size=200) | _JSON.map(json.dumps))
def test_whatever_is_sent_gets_our_own_error(world, response):
    for call in (
        lambda: world.desk.with_passkey(response, HOME),
        lambda: world.desk.confirm_passkey(world.session(), response, "x"),
    ):
        with pytest.raises((PasskeyMalformed, PasskeyRefused)):
            call()


@_SLOW
@given(
    st.sampled_from(["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]),
    st.binary(max_size=80).map(bytes.hex) | _JSON,
)
def test_an_answer_with_one_member_replaced_gets_our_own_error(world, member, value):
    session, device = world.session(), Authenticator()
    made = json.loads(device.create(world.desk.enrol_passkey(session)))
    used = json.loads(device.get(world.desk.passkey_challenge()))
    for document in (made, used):
        document["response"][member] = value
    for call in (
        lambda: world.desk.with_passkey(json.dumps(used), HOME),
        lambda: world.desk.confirm_passkey(session, json.dumps(made), "x"),
    ):
        try:
            call()
        except (PasskeyMalformed, PasskeyRefused):
            continue
        assert member not in {"clientDataJSON", "attestationObject"}
        world.credentials.remove_passkey(world.desk.enrolled(ZHANG.id).passkeys[0].id, ZHANG.id)


@pytest.mark.parametrize("size", [ANSWER_MAX + 1, ANSWER_MAX])
def test_a_long_answer_is_refused(world, size):
    with pytest.raises(PasskeyMalformed) as caught:
        world.desk.with_passkey("[" * size, HOME)
    assert (str(ANSWER_MAX) in caught.value.detail) is (size > ANSWER_MAX)
