"""The front page of signed-in people: what they can do here, one tile each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flask import Blueprint, Response

from portal.pages.browser import HOME, Browser, Visitor
from portal.pages.rendering import language
from portal.pages.texts_mine import MINE_TEXTS
from sso.accounts.roles import Role
from sso.mandates.domain import Mandate
from trust.kernel.clock import Clock


class OfferedMandates(Protocol):
    """The mandates of a person (`sso.mandates.service.MandateDesk`)."""

    def of_agent(self, person_id: str) -> Sequence[Mandate]:
        """Return every mandate that a person ever had, offers too."""
        ...


class Offices(Protocol):
    """Who holds an office (`sso.accounts.roles.RoleDesk`)."""

    def role_of(self, person_id: str) -> Role | None:
        """Return the office that a person holds now, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MineServices:
    """What the front page is built on."""

    offices: Offices
    mandates: OfferedMandates
    clock: Clock


class MinePages:
    """The view."""

    def __init__(self, browser: Browser, services: MineServices) -> None:
        self._browser = browser
        self._services = services

    def front(self, *, visitor: Visitor) -> Response:
        """Show the tiles, an officer's own too, and how many mandates wait for an answer."""
        now = self._services.clock.now()
        held = self._services.mandates.of_agent(visitor.person.id)
        offers = sum(1 for mandate in held if mandate.live(now) and not mandate.accepted)
        texts = MINE_TEXTS[language()]
        officers = () if self._services.offices.role_of(visitor.person.id) is None else (texts.office,)
        tiles = [
            (icon, path, title, text, texts.waiting.format(count=offers) if icon == "mandate" and offers else "")
            for icon, path, title, text in (*texts.tiles, *officers)
        ]
        return self._browser.page("mine.html", texts=MINE_TEXTS, tiles=tiles)


def blueprint(browser: Browser, services: MineServices) -> Blueprint:
    """Return the route `/my`."""
    routes = browser.blueprint("mine")
    routes.add_url_rule(HOME, view_func=browser.signed_in(MinePages(browser, services).front))
    return routes
