"""What a person does on the pages, and what every page must keep."""

from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Window
from tests.browser.serving import Site
from tests.sso.signin.world import PASSWORD, ZHANG

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def violations(window: Window) -> list[str]:
    found = Axe().run(window.page, options=RULES).response["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def look(window: Window, name: str, *, axe: bool = True) -> None:
    """Check the present page: no sideways overflow, WCAG 2.2 AA; take its picture."""
    window.shot(name)
    window.check_width()
    if axe:
        assert violations(window) == []


def open_page(window: Window, site: Site, path: str) -> None:
    window.page.goto(f"{site.url}{path}")


def sign_in(window: Window, site: Site, path: str = "/sign-in", password: str = PASSWORD) -> None:
    open_page(window, site, path)
    fill_sign_in(window, password)


def fill_sign_in(window: Window, password: str = PASSWORD) -> None:
    page = window.page
    page.locator("#number").fill(ZHANG.code.number)
    page.locator("#password").fill(password)
    press(window, "form[action^='/sign-in'] button")


def press(window: Window, selector: str) -> None:
    """Press a button and wait for the page that follows."""
    with window.page.expect_navigation():
        window.page.locator(selector).first.click()
