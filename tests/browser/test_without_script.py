"""Everything but passkeys works with JavaScript off."""

import pyotp

from tests.browser.walking import fill_sign_in, look, open_page, press, sign_in
from tests.portal.offices import MANDATE
from tests.sso.signin.world import OTHER_PASSWORD


def test_from_the_system_through_sign_in_and_consent_and_back(window, site):
    site.office.tables.mandates = [MANDATE]
    browser = window(script=False)
    browser.page.goto(site.authorize())
    look(browser, "no-script-sign-in", axe=False)
    assert not browser.page.locator("form.passkey").is_visible()
    assert not browser.page.locator(".passkey-part").is_visible()
    fill_sign_in(browser)
    browser.page.locator("input[name=represents]").nth(1).check()
    press(browser, "button[value=allow]")
    assert browser.page.url == f"{site.system}/callback?code=c"
    assert site.office.asked.answers == [("approved", MANDATE.id)]


def test_one_time_codes_are_set_up_and_used(window, site):
    browser = window(script=False)
    sign_in(browser, site)
    open_page(browser, site, "/security/codes")
    press(browser, "main form button")
    secret = browser.page.locator(".secret code").inner_text().replace(" ", "")
    clock = site.office.signing.clock
    browser.page.locator("#code").fill(pyotp.TOTP(secret).at(clock.now()))
    press(browser, "main form button")
    assert browser.page.locator(".done").is_visible()
    clock.advance(seconds=30)
    press(browser, "form[action^='/sign-out'] button")
    sign_in(browser, site)
    browser.page.locator("#code").fill(pyotp.TOTP(secret).at(clock.now()))
    press(browser, "main form button")
    assert browser.page.url == f"{site.url}/security"


def test_the_password_is_changed(window, site):
    browser = window(script=False)
    sign_in(browser, site, "/sign-in?next=/security/password")
    for name, value in (
        ("old", "tulip harbour seventeen lanterns"),
        ("password", OTHER_PASSWORD),
        ("again", OTHER_PASSWORD),
    ):
        browser.page.locator(f"#{name}").fill(value)
    press(browser, "main form button")
    assert browser.page.url == f"{site.url}/security"


def test_the_page_says_that_adding_a_passkey_needs_script(window, site):
    browser = window(script=False)
    sign_in(browser, site, "/sign-in?next=/security/passkeys/add")
    assert browser.page.locator(".without-script").is_visible()
    look(browser, "no-script-passkey", axe=False)
