"""A person's browser window over the house: what they do, and what every page that they see must keep."""

import os
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

from tests.browser.house import House, Resident

PHONE, DESK = 390, 1280
SHOTS = os.environ.get("BROWSER_SHOTS")
"""A folder for pictures of the pages, for people to look at."""

_HEIGHTS = {PHONE: 844, DESK: 900}
_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
_COMPLAINT_SECONDS = 2.0  # how long the console may take to say what it was expected to say


class Window:
    """One browser window; it notes every complaint of the console, and none may be left at the end."""

    def __init__(self, browser: Browser, house: House, *, lang: str = "zh", script: bool = True) -> None:
        self.house, self.lang, self.script = house, lang, script
        self.context = browser.new_context(
            viewport={"width": PHONE, "height": _HEIGHTS[PHONE]},
            locale="zh-CN" if lang == "zh" else "en-GB",
            java_script_enabled=script,
        )
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"pageerror {error}"))

    def open(self, path: str, *, status: int = 200) -> None:
        """Open an address of the house in the language of this window."""
        address, _, fragment = path.partition("#")
        language = f"{'&' if '?' in address else '?'}lang={self.lang}"
        self.page.goto(f"{self.house.url}{address}{language}{'#' if fragment else ''}{fragment}")
        self.expect(status)

    def fill(self, **values: str) -> None:
        """Type into the fields with these ids."""
        for name, value in values.items():
            self.page.locator(f"#{name}").fill(value)

    def press(self, button: str | Locator, *, status: int = 200) -> None:
        """Press a button or a link, and wait for the page that follows; `status` is what that page answers with."""
        found = self.page.locator(button).first if isinstance(button, str) else button
        with self.page.expect_navigation():
            found.click()
        self.expect(status)

    def send(self, action: str, *, status: int = 200, **values: str) -> None:
        """Fill in the form that goes to `action` and send it with its first button."""
        self.fill(**values)
        self.press(f"main form[action^='{action}'] button:not([hidden])", status=status)

    def follow(self, path: str) -> None:
        """Follow the first link of the page to this path, in the same language."""
        self.press(f"a[href^='{path}']:not([hreflang])")

    def sign_in(self, who: Resident, *, path: str | None = "/sign-in") -> None:
        """Sign in by password, and by code where there is an app; without a path on the page that stands open."""
        if path is not None:
            self.open(path)
        self.send("/sign-in", number=who.code.number, password=who.password)
        if who.app is not None:
            self.send("/sign-in/code", code=who.app.code())

    def look(self, name: str) -> None:
        """Check the page that stands open, on a phone and on a desk, and take its pictures."""
        for width in (PHONE, DESK):
            self.page.set_viewport_size({"width": width, "height": _HEIGHTS[width]})
            self._shoot(f"{name}-{self.lang}{'' if self.script else '-plain'}-{width}")
            self.check_width(width)
            if self.script:
                assert self.violations() == [], f"{name} at {width} px"
        self.page.set_viewport_size({"width": PHONE, "height": _HEIGHTS[PHONE]})
        self.check_language()

    def violations(self) -> list[str]:
        """Return what breaks WCAG 2.2 AA, as far as a program can tell."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(_axe())
        found: Mapping[str, Any] = self.page.evaluate("rules => axe.run(document, rules)", _RULES)
        return [f"{rule['id']}: {node['html']}" for rule in found["violations"] for node in rule["nodes"]]

    def check_width(self, width: int) -> None:
        """Nothing of the page lies beside the screen."""
        found = self.page.evaluate("() => document.documentElement.scrollWidth")
        assert found <= width, f"{self.page.url} is {found} px wide"

    def check_language(self) -> None:
        """The page is in the language that was chosen, and offers the other one."""
        assert self.page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[self.lang]
        assert self.page.locator(f"header a[hreflang='{'en' if self.lang == 'zh' else 'zh-CN'}']").count() == 1

    def picture_of(self, selector: str) -> bytes:
        """Return a picture of one part of the page."""
        return self.page.locator(selector).first.screenshot()

    def at(self, path: str) -> bool:
        """Whether the page that stands open is this one."""
        return re.sub(r"[?#].*", "", self.page.url) == f"{self.house.url}{path}"

    def close(self) -> None:
        self.context.close()

    def expect(self, status: int) -> None:
        """The console complains of every answer from 400 on; take away the one complaint that was meant to come."""
        if status < 400:
            return
        for _ in range(int(_COMPLAINT_SECONDS / 0.02)):
            expected = [text for text in self.complaints if f"status of {status} " in text]
            if expected:
                self.complaints.remove(expected[0])
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"{self.page.url} did not answer with {status}")

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type} {message.text} at {message.location.get('url')}")

    def _shoot(self, name: str) -> None:
        if SHOTS:
            folder = Path(SHOTS)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}.png", full_page=True)


@cache
def _axe() -> str:
    return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
