"""Passkeys from end to end: Chromium's virtual authenticator, our script, the real verification."""

import pytest

from sso.signin.domain import Strength
from tests.browser.walking import look, open_page, press, sign_in
from tests.sso.signin.world import ZHANG

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def browser(window):
    return window()


@pytest.fixture
def device(browser):
    """A virtual authenticator in the browser; returns the call that changes it."""
    session = browser.context.new_cdp_session(browser.page)
    session.send("WebAuthn.enable")
    name = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

    def verified(*, is_verified: bool) -> None:
        session.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": is_verified})

    return verified


@pytest.fixture
def enrolled(browser, site, device):
    sign_in(browser, site, "/sign-in?next=/security/passkeys/add")
    browser.page.locator("#label").fill("我的手机")
    press(browser, "form.passkey button")
    assert browser.page.url == f"{site.url}/security"
    look(browser, "zh-security-with-passkey")
    return device


def strength(site):
    return max(session.strength for session in site.office.signing.sessions.of(ZHANG.id))


def test_a_passkey_is_added_and_signs_in_without_a_number(browser, site, enrolled):
    assert [found.label for found in site.office.desk.enrolled(ZHANG.id).passkeys] == ["我的手机"]
    press(browser, "form[action^='/sign-out'] button")
    open_page(browser, site, "/sign-in")
    look(browser, "zh-sign-in-with-passkey")
    press(browser, "form.passkey button")
    assert browser.page.url == f"{site.url}/security"
    assert strength(site) is Strength.PASSKEY


def test_a_passkey_proves_again_who_one_is_and_is_then_removed(browser, site, enrolled):
    press(browser, "form[action^='/security/passkeys/remove'] button")
    assert browser.page.url.startswith(f"{site.url}/step-up")
    look(browser, "zh-step-up-passkey")
    press(browser, "form.passkey button")
    assert browser.page.url == f"{site.url}/security"
    press(browser, "form[action^='/security/passkeys/remove'] button")
    assert site.office.desk.enrolled(ZHANG.id).passkeys == ()


def test_a_system_that_wants_a_passkey_gets_one(browser, site, enrolled):
    browser.page.goto(site.authorize(acr_values="urn:yinxin:aal:3"))
    press(browser, "form.passkey button")
    press(browser, "button[value=allow]")
    assert browser.page.url == f"{site.system}/callback?code=c"


def test_a_finger_that_is_not_known_signs_nobody_in_and_the_page_says_so(browser, site, enrolled):
    press(browser, "form[action^='/sign-out'] button")
    enrolled(is_verified=False)
    open_page(browser, site, "/sign-in")
    browser.page.locator("form.passkey button").click()
    fault = browser.page.locator("form.passkey .fault")
    fault.wait_for(state="visible")
    look(browser, "zh-passkey-failed")
    assert site.office.signing.sessions.of(ZHANG.id) == ()
    assert browser.page.locator("form.passkey button").is_enabled()


def test_the_same_device_is_not_added_twice(browser, site, enrolled):
    press(browser, "form[action^='/security/passkeys/remove'] button")
    press(browser, "form.passkey button")
    open_page(browser, site, "/security/passkeys/add")
    browser.page.locator("#label").fill("又一把")
    browser.page.locator("form.passkey button").click()
    browser.page.locator("form.passkey .fault").wait_for(state="visible")
    assert len(site.office.desk.enrolled(ZHANG.id).passkeys) == 1
