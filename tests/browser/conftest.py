"""Debian's Chromium through Playwright, over the real application; a test fails on any complaint of the console."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.house import House, open_house
from tests.browser.window import Window
from tests.integration import installation

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


def _need_chromium() -> None:
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium fonts-noto-cjk")


@dataclass(frozen=True)
class Mode:
    """In which language a journey is made, and whether the browser runs scripts."""

    lang: str
    script: bool = True

    @property
    def name(self) -> str:
        return self.lang if self.script else f"{self.lang}-without-script"


MODES = (Mode("zh"), Mode("en"), Mode("zh", script=False))


# One browser per file, not per run: while Playwright is open its event loop runs in this thread, and other tests of the
# same worker, whose code has a loop of its own (pyHanko's), would fail.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    _need_chromium()
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


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    _need_chromium()
    with open_house(installation.template(tmp_path_factory), tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(params=MODES, ids=[mode.name for mode in MODES])
def mode(request: pytest.FixtureRequest) -> Mode:
    return request.param


@pytest.fixture
def open_window(chromium: Browser, house: House) -> Iterator[Callable[..., Window]]:
    """Open windows in the language that each is asked for; at the end none may have complained."""
    opened: list[Window] = []

    def make(**options: object) -> Window:
        opened.append(Window(chromium, house, **options))
        return opened[-1]

    yield make
    for found in opened:
        found.close()
    assert [complaint for found in opened for complaint in found.complaints] == []


@pytest.fixture
def another(open_window: Callable[..., Window], mode: Mode) -> Callable[[], Window]:
    """Open a window of somebody else, or of the same person on another device."""
    return lambda: open_window(lang=mode.lang, script=mode.script)


@pytest.fixture
def window(another: Callable[[], Window]) -> Window:
    """The window of the person whose journey it is."""
    return another()
