"""Every page in both languages, on a phone and on a desk: readable, reachable, silent in the console."""

import io

import pyotp
import pytest
import zxingcpp
from PIL import Image

from tests.browser.walking import fill_sign_in, look, open_page, press, sign_in, violations
from tests.portal.offices import MANDATE
from tests.sso.signin.world import OTHER_PASSWORD, ZHANG

WIDTHS = (390, 1280)
LANGUAGES = ("zh", "en")


def arrive(window, site, path, lang):
    open_page(window, site, f"{path}{'&' if '?' in path else '?'}lang={lang}")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pages_before_sign_in(window, site, lang, width):
    browser = window(width=width)
    for name in ("sign-in", "register", "recover", "signed-out"):
        arrive(browser, site, f"/{name}", lang)
        look(browser, f"{lang}-{name}")
    arrive(browser, site, "/verify", lang)
    look(browser, f"{lang}-verify")
    browser.announced.append("status of 422")
    arrive(browser, site, "/sign-in", lang)
    browser.page.locator("#number").fill("110105194912310021")
    browser.page.locator("#password").fill("x")
    press(browser, "form[action^='/sign-in'] button")
    look(browser, f"{lang}-sign-in-refused")
    arrive(browser, site, "/register", lang)
    browser.page.locator("#number").fill(ZHANG.code.number)
    browser.page.locator("#name").fill("张三")
    browser.page.locator("#password").fill("short")
    browser.page.locator("#again").fill("other")
    press(browser, "main form button")
    look(browser, f"{lang}-register-refused")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pages_of_a_request(window, site, lang, width):
    site.office.tables.mandates = [MANDATE]
    browser = window(width=width)
    browser.page.goto(site.authorize(ui_locales=lang))
    look(browser, f"{lang}-sign-in-for-a-system")
    fill_sign_in(browser)
    look(browser, f"{lang}-consent")
    press(browser, "button[value=allow]")
    assert browser.page.url == f"{site.system}/callback?code=c"
    browser.announced.append("status of 400")
    arrive(browser, site, "/oauth/authorize", lang)
    look(browser, f"{lang}-request-unusable")
    browser.page.goto(site.authorize(acr_values="urn:yinxin:aal:3"))
    look(browser, f"{lang}-step-up-without-means")
    press(browser, "button[value=refuse]")
    assert browser.page.url == f"{site.system}/callback?error=access_denied"
    arrive(browser, site, "/oauth/logout?post_logout_redirect_uri=https://counter.example/bye", lang)
    look(browser, f"{lang}-sign-out-question")
    arrive(browser, site, "/oauth/logout?id_token_hint=bad", lang)
    look(browser, f"{lang}-sign-out-unusable")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pages_of_a_signed_in_person(window, site, lang, width):
    browser = window(width=width)
    sign_in(browser, site, f"/sign-in?lang={lang}")
    look(browser, f"{lang}-security")
    arrive(browser, site, "/step-up", lang)
    look(browser, f"{lang}-step-up-password")
    arrive(browser, site, "/security/password", lang)
    look(browser, f"{lang}-change-password")
    arrive(browser, site, "/security/passkeys/add", lang)
    look(browser, f"{lang}-add-passkey")
    arrive(browser, site, "/security", lang)
    press(browser, "form[action^='/security/recovery-codes'] button")
    look(browser, f"{lang}-recovery-codes")
    arrive(browser, site, "/security/codes", lang)
    look(browser, f"{lang}-codes")
    press(browser, "main form button")
    look(browser, f"{lang}-codes-secret")
    secret = browser.page.locator(".secret code").inner_text().replace(" ", "")
    now = site.office.signing.clock.now
    browser.page.locator("#code").fill(pyotp.TOTP(secret).at(now()))
    press(browser, "main form button")
    look(browser, f"{lang}-security-after")
    site.office.signing.clock.advance(seconds=30)
    press(browser, "form[action^='/sign-out'] button")
    look(browser, f"{lang}-after-sign-out")
    sign_in(browser, site, f"/sign-in?lang={lang}")
    look(browser, f"{lang}-sign-in-code")
    browser.page.locator("#code").fill(pyotp.TOTP(secret).at(now()))
    press(browser, "main form button")
    arrive(browser, site, "/step-up", lang)
    look(browser, f"{lang}-step-up-code")
    site.office.signing.clock.advance(seconds=30)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_pages_of_a_recovery(window, site, lang):
    code = site.office.desk.new_recovery_codes(site.office.signing.signed_in().session)[0]
    browser = window()
    arrive(browser, site, "/recover", lang)
    browser.page.locator("#number").fill(ZHANG.code.number)
    browser.page.locator("#code").fill(code)
    press(browser, "main form button")
    look(browser, f"{lang}-new-password")
    browser.page.locator("#password").fill(OTHER_PASSWORD)
    browser.page.locator("#again").fill(OTHER_PASSWORD)
    press(browser, "main form button")
    look(browser, f"{lang}-recovered")


def test_the_code_on_the_screen_can_be_scanned(window, site):
    browser = window()
    sign_in(browser, site)
    open_page(browser, site, "/security/codes")
    press(browser, "main form button")
    picture = Image.open(io.BytesIO(browser.page.locator(".qr img").screenshot()))
    read = zxingcpp.read_barcodes(picture)[0].text
    assert read == browser.page.locator("a[href^='otpauth:']").get_attribute("href")


def test_a_problem_has_a_page_in_the_frame(window, site):
    browser = window()
    browser.announced.append("status of 404")
    sign_in(browser, site)
    open_page(browser, site, "/nowhere")
    look(browser, "zh-problem")


def test_faults_planted_into_a_page_are_found(window, site):
    """The negative control: a clean page means something."""
    browser = window()
    open_page(browser, site, "/sign-in")
    browser.page.evaluate(
        """() => {
            document.querySelector("label[for=number]").remove();
            document.querySelector("main h1").setAttribute("aria-hiddn", "x");
            const low = document.createElement("p");
            low.append("pale");
            low.style.color = "#ddd";
            document.querySelector("main").append(low);
        }"""
    )
    found = " ".join(violations(browser))
    assert "label: " in found
    assert "color-contrast: " in found


def test_a_wide_page_is_noticed(window, site):
    browser = window()
    open_page(browser, site, "/sign-in")
    browser.page.evaluate("() => { document.querySelector('h1').style.width = '600px'; }")
    with pytest.raises(AssertionError, match="px wide"):
        browser.check_width()


def test_a_breach_of_the_policy_is_noticed(window, site):
    browser = window()
    open_page(browser, site, "/register")
    browser.page.evaluate(
        "() => { const s = document.createElement('script'); s.src = '/x.js'; document.body.append(s); }"
    )
    browser.page.wait_for_timeout(200)
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)
    browser.complaints.clear()
