"""Getting in: register, sign in by password, code and passkey, with a ticket from a counter, after a loss; and out."""

import io

import pytest
import zxingcpp
from PIL import Image

from tests.browser.house import OTHER_PASSWORD, PASSWORD, App

_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_somebody_registers_and_signs_in(window, house):
    who = house.newcomer()
    window.open("/")
    window.follow("/sign-in")
    window.look("sign-in")
    window.follow("/register")
    window.look("register")
    window.send("/register", status=422, number=who.code.number, name=who.name, password="short", again="other")
    window.look("register-refused")
    window.send("/register", number=who.code.number, name=who.name, password=PASSWORD, again=PASSWORD)
    window.look("registered")
    window.open("/sign-in")
    window.send("/sign-in", status=422, number=who.code.number, password="not this one")
    window.look("sign-in-refused")
    window.sign_in(who, path=None)
    window.look("first-page")


def test_codes_from_an_app_are_set_up_and_asked_for(window, house):
    who = house.resident()
    window.sign_in(who)
    window.open("/security")
    window.look("security")
    window.follow("/security/codes")
    window.look("codes")
    window.press("main form button")
    window.look("codes-secret")
    secret = window.page.locator(".secret code").inner_text().replace(" ", "")
    picture = Image.open(io.BytesIO(window.picture_of(".qr img")))
    assert f"secret={secret}" in zxingcpp.read_barcodes(picture)[0].text
    window.send("/security/codes/confirm", status=422, code="000000")
    window.look("codes-wrong")
    who.app = App(secret, house.installation.foundation.clock)
    window.send("/security/codes/confirm", code=who.app.code())
    window.look("security-with-codes")
    window.press("form[action^='/sign-out'] button")
    window.look("signed-out")
    window.open("/sign-in")
    window.send("/sign-in", number=who.code.number, password=who.password)
    window.look("sign-in-code")
    window.send("/sign-in/code", code=who.app.code())
    assert window.page.locator(".who .name").is_visible()


def test_the_password_is_changed_after_proving_again_who_one_is(window, house):
    who = house.resident(app=True)
    window.sign_in(who)
    window.open("/security/password")
    window.look("change-password")
    window.send("/security/password", status=422, old="no", password=OTHER_PASSWORD, again=OTHER_PASSWORD)
    window.send("/security/password", old=PASSWORD, password=OTHER_PASSWORD, again=OTHER_PASSWORD)
    assert window.at("/security")
    window.look("security-password-changed")
    window.open("/step-up?next=/security")
    window.look("step-up")
    window.send("/step-up/code", code=who.app.code())
    assert window.at("/security")


def test_whoever_lost_everything_comes_back_with_a_recovery_code(window, another, house):
    who = house.resident()
    window.sign_in(who)
    window.open("/security")
    window.press("form[action^='/security/recovery-codes'] button")
    window.look("recovery-codes")
    code = window.page.locator(".codes code").first.inner_text()
    stranger = another()
    stranger.open("/sign-in")
    stranger.follow("/recover")
    stranger.look("recover")
    stranger.send("/recover", status=422, number=who.code.number, code="AAAA-BBBB-CCCC-DDDD")
    stranger.look("recover-refused")
    stranger.send("/recover", number=who.code.number, code=code)
    stranger.look("new-password")
    stranger.send("/recover/password", password=OTHER_PASSWORD, again=OTHER_PASSWORD)
    stranger.look("recovered")
    window.open("/security")
    assert window.at("/sign-in")


def test_a_ticket_from_a_counter_gives_a_first_password(window, house):
    who = house.resident(password=False)
    ticket = house.installation.people.applications.invite(who.id).ticket
    window.open("/enrol")
    window.look("enrol")
    window.send("/enrol", status=422, ticket="nonsense", password=PASSWORD, again=PASSWORD)
    window.look("enrol-refused")
    if window.script:  # the ticket of a paper's QR code stands in the fragment, which our script puts into the form
        window.open("/")
        window.open(f"/enrol#{ticket}")
        assert window.page.locator("#ticket").input_value() == ticket
        assert ticket not in window.page.url
    window.send("/enrol", ticket=ticket, password=PASSWORD, again=PASSWORD)
    window.look("enrolled")
    window.press("main a.button")
    window.sign_in(who, path=None)
    assert window.page.locator(".who .name").is_visible()


@pytest.fixture
def device(window):
    """A virtual authenticator in the window; returns the call that says whether it knows the finger."""
    session = window.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable")
    name = session.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})["authenticatorId"]

    def know(*, finger: bool) -> None:
        session.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": finger})

    return know


def test_a_passkey_signs_in_without_a_number(window, house, mode, device):
    who = house.resident()
    window.sign_in(who)
    window.open("/security/passkeys/add")
    window.look("add-passkey")
    if not mode.script:
        assert window.page.locator(".without-script").is_visible()
        return
    assert not window.page.locator(".without-script").is_visible()
    window.fill(label="我的手机")
    window.press("form.passkey button")
    window.look("security-with-passkey")
    assert [key.label for key in house.installation.people.sign_ins.enrolled(who.id).passkeys] == ["我的手机"]
    window.press("form[action^='/sign-out'] button")
    window.open("/sign-in")
    window.look("sign-in-with-passkey")
    device(finger=False)
    window.page.locator("form.passkey button").click()
    window.page.locator("form.passkey .fault").wait_for(state="visible")
    window.look("passkey-failed")
    assert house.installation.people.sessions.of(who.id) == ()
    device(finger=True)
    window.press("form.passkey button")
    window.open("/security")
    assert window.at("/security")
    window.press("form[action^='/security/passkeys/remove'] button")
    assert house.installation.people.sign_ins.enrolled(who.id).passkeys == ()


def test_the_same_device_is_not_added_twice(open_window, house):
    window = open_window()
    session = window.context.new_cdp_session(window.page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
    who = house.resident()
    window.sign_in(who)
    window.open("/security/passkeys/add")
    window.fill(label="我的手机")
    window.press("form.passkey button")
    window.open("/security/passkeys/add")
    window.look("step-up-passkey")
    window.press("form.passkey button")
    window.fill(label="又一把")
    window.page.locator("form.passkey button").click()
    window.page.locator("form.passkey .fault").wait_for(state="visible")
    assert len(house.installation.people.sign_ins.enrolled(who.id).passkeys) == 1
