"""Debian's Chromium through Playwright; every test fails on a console error that it did not announce."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.browser.serving import Site, open_site

CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = [
    "--no-sandbox",  # root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--lang=zh-CN",
]
SHOTS = os.environ.get("BROWSER_SHOTS")
"""A folder for pictures of the pages, for people to look at."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium fonts-noto-cjk")
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            headless=True,
            args=_ARGUMENTS,
            env=environment | {"LANGUAGE": "zh_CN", "LANG": "zh_CN.UTF-8"},
        )
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


class Window:
    """A browser window that notes every complaint; `announced` holds parts of those that are meant to come."""

    def __init__(self, browser: Browser, *, width: int = 390, script: bool = True) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            locale="zh-CN",
            java_script_enabled=script,
            is_mobile=False,
        )
        self.context.set_default_timeout(10_000)
        self.page: Page = self.context.new_page()
        self.width = width
        self.announced: list[str] = []
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"pageerror {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(part in message.text for part in self.announced):
            self.complaints.append(f"{message.type} {message.text} at {message.location.get('url')}")

    def shot(self, name: str) -> None:
        if SHOTS:
            folder = Path(SHOTS)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}-{self.width}.png", full_page=True)

    def check_width(self) -> None:
        found = self.page.evaluate("document.documentElement.scrollWidth")
        assert found <= self.width, f"{self.page.url} is {found} px wide"

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[type[Window]]:
    opened: list[Window] = []

    def make(**options: object) -> Window:
        found = Window(chromium, **options)
        opened.append(found)
        return found

    yield make
    for found in opened:
        found.close()
        assert found.complaints == []
