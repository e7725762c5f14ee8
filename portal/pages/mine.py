"""The front page of signed-in people: what they can do here, one tile each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from flask import Blueprint, Response

from portal.pages.browser import Browser, Visitor
from portal.pages.rendering import language
from portal.pages.texts_mine import MINE_TEXTS
from sso.mandates.domain import Mandate
from trust.kernel.clock import Clock

MINE: Final = "/my"


class OfferedMandates(Protocol):
    """The mandates of a person (`sso.mandates.service.MandateDesk`)."""

    def of_agent(self, person_id: str) -> Sequence[Mandate]:
        """Return every mandate that a person ever had, offers too."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MineServices:
    """What the front page is built on."""

    mandates: OfferedMandates
    clock: Clock


class MinePages:
    """The view."""

    def __init__(self, browser: Browser, services: MineServices) -> None:
        self._browser = browser
        self._services = services

    def front(self, *, visitor: Visitor) -> Response:
        """Show the tiles, and how many mandates wait for an answer."""
        now = self._services.clock.now()
        held = self._services.mandates.of_agent(visitor.person.id)
        offers = sum(1 for mandate in held if mandate.live(now) and not mandate.accepted)
        texts = MINE_TEXTS[language()]
        tiles = [
            (icon, path, title, text, texts.waiting.format(count=offers) if icon == "mandate" and offers else "")
            for icon, path, title, text in texts.tiles
        ]
        return self._browser.page("mine.html", texts=MINE_TEXTS, tiles=tiles)


def blueprint(browser: Browser, services: MineServices) -> Blueprint:
    """Return the route `/my`."""
    routes = browser.blueprint("mine")
    routes.add_url_rule(MINE, view_func=browser.signed_in(MinePages(browser, services).front))
    return routes
