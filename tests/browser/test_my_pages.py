"""The pages of a signed-in person in both languages, on a phone and on a desk; and what they do without script."""

import io
import re

import pytest
import zxingcpp
from PIL import Image

from sso.mandates.domain import MandateKind
from tests.browser.my_serving import open_my_site
from tests.browser.walking import look, open_page, press, sign_in
from tests.portal.my_office import TICKET
from tests.portal.support import altered
from tests.sso.signin.world import LI, OTHER_PASSWORD, ZHANG

WIDTHS = (390, 1280)
LANGUAGES = ("zh", "en")


@pytest.fixture
def site(tmp_path):
    with open_my_site(tmp_path) as opened:
        yield opened


def enter(browser, site, *, strong=False):
    """Sign in; `strong` by the test client's session, whose cookie the browser takes over."""
    if not strong:
        sign_in(browser, site)
        return
    site.mine.sign_in(strong=True)
    host = site.url.removeprefix("http://")
    cookie = site.mine.client.get_cookie("yinxin", domain=host) or site.mine.client.get_cookie(
        "yinxin", domain="localhost"
    )
    browser.context.add_cookies([{"name": "yinxin", "value": cookie.value, "url": site.url}])


def arrive(browser, site, path, lang):
    open_page(browser, site, f"{path}{'&' if '?' in path else '?'}lang={lang}")


def scanned(browser) -> str:
    picture = Image.open(io.BytesIO(browser.page.locator(".qr img").screenshot()))
    return zxingcpp.read_barcodes(picture)[0].text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_certificates_and_showing_one(window, site, lang, width):
    mine = site.mine
    identifier = mine.issue()
    mine.issue(firm=True, key="key-00000002")
    browser = window(width=width)
    enter(browser, site)
    arrive(browser, site, "/my", lang)
    look(browser, f"{lang}-my-home")
    arrive(browser, site, "/my/certificates", lang)
    look(browser, f"{lang}-my-certificates")
    mandate = mine.represent()
    arrive(browser, site, f"/my/certificates?as={mandate.id}", lang)
    look(browser, f"{lang}-my-certificates-firm")
    arrive(browser, site, f"/my/certificates/{identifier}", lang)
    browser.page.locator(".preview img").evaluate("image => image.decode()")
    look(browser, f"{lang}-my-certificate")
    press(browser, "form[action^='/my/shows'] button")
    look(browser, f"{lang}-my-show")
    address = scanned(browser)
    assert re.fullmatch(re.escape(site.url) + "/s/[A-Za-z0-9_-]{43}", address)
    stranger = window(width=width)
    stranger.page.goto(f"{address}?lang={lang}")
    look(stranger, f"{lang}-scanned")
    mine.judge.verify_file = lambda _data: altered()
    stranger.page.goto(f"{address}?lang={lang}")
    look(stranger, f"{lang}-scanned-altered")
    press(browser, "form[action^='/my/shows/void'] button")
    look(browser, f"{lang}-my-show-over")
    stranger.announced.append("status of 404")
    stranger.page.goto(f"{address}?lang={lang}")
    look(stranger, f"{lang}-scan-over")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_presence_and_who_looked(window, site, lang, width):
    mine = site.mine
    browser = window(width=width)
    enter(browser, site)
    arrive(browser, site, "/my/looks", lang)
    look(browser, f"{lang}-my-looks-none")
    arrive(browser, site, "/my/presence", lang)
    look(browser, f"{lang}-my-presence")
    press(browser, "main form button")
    look(browser, f"{lang}-my-presence-code")
    assert re.fullmatch("[A-Za-z0-9_-]{43}", scanned(browser))
    press(browser, "form[action^='/my/presence/void'] button")
    look(browser, f"{lang}-my-presence-void")
    _things_to_see(mine)
    arrive(browser, site, "/my/looks?own=1", lang)
    look(browser, f"{lang}-my-looks")
    browser.page.locator("a[href*='/my/looks/object']").first.click()
    look(browser, f"{lang}-my-object")
    browser.announced.append("status of 422")
    browser.page.locator("#text").fill("本人号码 11010519491231002X")
    press(browser, "main form button")
    look(browser, f"{lang}-my-object-refused")
    browser.page.locator("#text").fill("我没有去过这个窗口")
    press(browser, "main form button")
    look(browser, f"{lang}-my-objected")


def _things_to_see(mine):
    from tests.certs.world import CLIENT, PERSON, PURPOSE
    from trust.formats.holders import HolderNumber

    mine.issue()
    mine.clock.advance(minutes=3)
    mine.failed_presence()
    mine.clock.advance(minutes=2)
    mine.hop()
    mine.clock.advance(minutes=1)
    mine.library.service.find_by_holder(CLIENT, HolderNumber(kind="111", number=PERSON), PURPOSE)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_mandates(window, site, lang, width):
    mine = site.mine
    mine.offer_to_zhang(MandateKind.ONE_OFF)
    browser = window(width=width)
    enter(browser, site)
    arrive(browser, site, "/my/mandates/grant", lang)
    look(browser, f"{lang}-my-grant-weak")
    arrive(browser, site, "/my", lang)
    look(browser, f"{lang}-my-home-offer")
    arrive(browser, site, "/my/mandates", lang)
    look(browser, f"{lang}-my-mandates-offer")
    arrive(browser, site, "/my/mandates/claim", lang)
    look(browser, f"{lang}-my-claim")
    browser.context.clear_cookies()
    mine.represent()
    enter(browser, site, strong=True)
    arrive(browser, site, "/my/mandates/grant", lang)
    look(browser, f"{lang}-my-grant")
    page = browser.page
    page.locator("#number").fill(LI.code.number)
    page.locator("#name").fill("李五")
    page.locator("#valid_until").fill("2027-01-31")
    browser.announced.append("status of 422")
    press(browser, "main form button")
    look(browser, f"{lang}-my-grant-refused")
    page.locator("#name").fill(LI.name)
    page.locator("input[name=matters]").first.check()
    press(browser, "main form button")
    look(browser, f"{lang}-my-grant-check")
    press(browser, "button[value=confirm]")
    look(browser, f"{lang}-my-mandates")
    page.locator("a[href*='withdraw']").first.click()
    look(browser, f"{lang}-my-withdraw")
    press(browser, "main form button")
    look(browser, f"{lang}-my-mandates-after")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_sign_ins_consents_and_a_first_password(window, site, lang, width):
    mine = site.mine
    mine.consent()
    mine.office.signing.signed_in()
    browser = window(width=width)
    enter(browser, site)
    arrive(browser, site, "/my/sessions", lang)
    look(browser, f"{lang}-my-sessions")
    press(browser, "form[action^='/my/sessions/end-others'] button")
    press(browser, "form[action^='/my/sessions/withdraw'] button")
    look(browser, f"{lang}-my-sessions-after")
    press(browser, "form[action^='/sign-out'] button")
    browser.announced.append("status of 422")
    arrive(browser, site, "/enrol", lang)
    browser.page.locator("#ticket").fill("x")
    browser.page.locator("#password").fill(OTHER_PASSWORD)
    browser.page.locator("#again").fill(OTHER_PASSWORD)
    press(browser, "main form button")
    look(browser, f"{lang}-enrol-refused")
    open_page(browser, site, "/verify")
    open_page(browser, site, f"/enrol?lang={lang}#{TICKET}")
    look(browser, f"{lang}-enrol")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_ways_to_verify(window, site, lang, width, tmp_path):
    browser = window(width=width)
    arrive(browser, site, "/", lang)
    look(browser, f"{lang}-front")
    arrive(browser, site, "/verify", lang)
    look(browser, f"{lang}-verify-ways")
    empty = tmp_path / "empty.png"
    Image.new("L", (200, 200), 255).save(empty)
    browser.announced.append("status of 422")
    browser.page.locator("#qr").set_input_files(empty)
    browser.page.locator("form:has(#qr) button").click()
    browser.page.wait_for_load_state()
    look(browser, f"{lang}-verify-no-code")


def test_a_ticket_in_the_fragment_goes_into_the_form_and_out_of_the_address(window, site):
    browser = window()
    open_page(browser, site, f"/enrol#{TICKET}")
    assert browser.page.locator("#ticket").input_value() == TICKET
    assert browser.page.url == f"{site.url}/enrol"
    browser.page.locator("#password").fill(OTHER_PASSWORD)
    browser.page.locator("#again").fill(OTHER_PASSWORD)
    press(browser, "main form button")
    assert browser.page.url == f"{site.url}/enrol/done"
    look(browser, "zh-enrolled")
    assert site.mine.office.desk.enrolled(LI.id).password


def test_showing_needs_no_script_and_the_page_asks_for_the_next_code_itself(window, site):
    identifier = site.mine.issue()
    browser = window(script=False)
    enter(browser, site)
    open_page(browser, site, f"/my/certificates/{identifier}")
    press(browser, "form[action^='/my/shows'] button")
    first = browser.page.locator(".qr img").get_attribute("src")
    with browser.page.expect_navigation(timeout=60_000):
        pass
    assert browser.page.locator(".qr img").get_attribute("src") != first


def test_a_mandate_is_granted_without_script(window, site):
    site.mine.represent()
    browser = window(script=False)
    enter(browser, site, strong=True)
    open_page(browser, site, "/my/mandates/grant")
    page = browser.page
    page.locator("#number").fill(LI.code.number)
    page.locator("#name").fill(LI.name)
    page.locator("#valid_until").fill("2027-01-31")
    page.locator("input[name=matters]").first.check()
    press(browser, "main form button")
    press(browser, "button[value=change]")
    assert page.locator("#name").input_value() == LI.name
    press(browser, "main form button")
    press(browser, "button[value=confirm]")
    assert page.locator(".done").is_visible()
    (granted,) = site.mine.mandates.of_agent(LI.id)
    assert granted.principal == ZHANG.id
