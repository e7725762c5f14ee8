"""My mandates: who may act for me and for the organisations I represent, and for whom I may act."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final, Protocol

from flask import Blueprint, Response, request

from portal.pages.browser import Browser, Visitor
from portal.pages.faults import MENDABLE, fault_of, missing, retry_headers, status_for
from portal.pages.moments import day_of, minute_of
from portal.pages.rendering import language
from portal.pages.texts_mandates import MANDATE_TEXTS
from sso.accounts.domain import Person
from sso.counters.domain import Matter
from sso.mandates.domain import Mandate, MandateKind
from sso.mandates.errors import MandateUnknown
from trust.formats.holders import USCC_KIND, HolderNumber
from trust.http.rate import RateLimiter
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound, TrustError

MANDATES: Final = "/my/mandates"
_WITHDRAW: Final = f"{MANDATES}/withdraw"
_CLAIM: Final = f"{MANDATES}/claim"
_MOMENT: Final = timedelta(seconds=1)


class Mandates(Protocol):
    """The mandates of signed-in people (`sso.mandates.service.MandateDesk`); that class says what each raises."""

    def of_agent(self, person_id: str) -> Sequence[Mandate]:
        """Return every mandate that a person ever had."""
        ...

    def of_principal(self, person_id: str, *, by: str) -> Sequence[Mandate]:
        """Return every mandate that was ever granted for a person or organisation."""
        ...

    def organisations_of(self, person_id: str) -> Sequence[str]:
        """Return the organisations whose legal representative a person is."""
        ...

    def parties(self, mandate: Mandate) -> tuple[Person, Person]:
        """Return principal and agent."""
        ...

    def accept(self, mandate_id: str, *, by: str) -> Mandate:
        """Take a mandate on."""
        ...

    def withdraw(self, mandate_id: str, *, by: str) -> Mandate:
        """End a mandate."""
        ...


class Claims(Protocol):
    """Legal representatives (`sso.mandates.representatives.Representatives`)."""

    def claim(self, organisation: HolderNumber, *, by: str) -> Mandate:
        """Make a person the legal representative of an organisation, if the register says so."""
        ...


class KnownMatters(Protocol):
    """The catalogue of matters (`sso.counters.service.CounterRegister`)."""

    def matters(self) -> Sequence[Matter]:
        """Return every matter, by code."""
        ...

    def matter(self, code: str) -> Matter:
        """Return a matter in force. Raises a `NotFound`."""
        ...

    def any_matter(self, code: str) -> Matter:
        """Return a matter, in force or retired. Raises a `NotFound`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateServices:
    """What these pages are built on; `limiter` is kept by person, since claims tell about organisations."""

    desk: Mandates
    claims: Claims
    matters: KnownMatters
    limiter: RateLimiter
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateView:
    """A mandate as the pages show it; `icon` and `state` say how it stands."""

    id: str
    icon: str
    state: str
    kind: str
    principal: str
    agent: str
    matters: Sequence[str]
    until: str
    offered_until: str
    live: bool
    acceptable: bool
    withdrawable: bool


class MandatePages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: MandateServices) -> None:
        self._browser = browser
        self._services = services
        self._desk = services.desk

    def overview(self, *, visitor: Visitor) -> Response:
        """List the mandates, in force and ended."""
        me = visitor.person.id
        received = [self._view(mandate, me) for mandate in reversed(self._desk.of_agent(me))]
        granted = [self._view(mandate, me) for mandate in reversed(self._granted(me))]
        return self._page(
            "mandates.html",
            offers=[view for view in received if view.acceptable],
            received=[view for view in received if view.live and not view.acceptable],
            granted=[view for view in granted if view.live],
            ended=[view for view in (*received, *granted) if not view.live],
        )

    def accept(self, *, visitor: Visitor) -> Response:
        """Take on a mandate that was offered."""
        self._desk.accept(request.form.get("mandate", ""), by=visitor.person.id)
        return self._browser.go(MANDATES, note="accepted")

    def question(self, *, visitor: Visitor) -> Response:
        """Ask before a mandate is withdrawn."""
        me, name = visitor.person.id, request.args.get("mandate", "")
        for mandate in (*self._desk.of_agent(me), *self._granted(me)):
            if mandate.id == name:
                view = self._view(mandate, me)
                return self._page("mandate_withdraw.html", row=view, mine=mandate.agent == me)
        raise MandateUnknown(field="mandate")

    def withdraw(self, *, visitor: Visitor) -> Response:
        """End a mandate at once."""
        self._desk.withdraw(request.form.get("mandate", ""), by=visitor.person.id)
        return self._browser.go(MANDATES, note="withdrawn")

    def claim_form(self, **_visitor: Visitor) -> Response:
        """Ask for the organisation."""
        return self._claim_page({})

    def claim(self, *, visitor: Visitor) -> Response:
        """Have the register asked whether the person represents the organisation."""
        if faults := missing(("number",), MANDATE_TEXTS[language()].missing):
            return self._claim_page(faults)
        try:
            self._services.limiter.admit(visitor.person.id)
            number = "".join(request.form.get("number", "").split()).upper()
            self._services.claims.claim(HolderNumber(kind=USCC_KIND, number=number), by=visitor.person.id)
        except MENDABLE as error:
            return self._claim_page(fault_of(error, ("number",), otherwise="number"), error)
        return self._browser.go(MANDATES, note="claimed")

    def _granted(self, me: str) -> list[Mandate]:
        """Return what was granted to others for the person and the organisations they represent, oldest first."""
        found = list(self._desk.of_principal(me, by=me))
        for organisation in self._desk.organisations_of(me):
            found += self._desk.of_principal(organisation, by=me)
        granted = (each for each in found if each.kind is not MandateKind.LEGAL_REPRESENTATIVE and each.agent != me)
        return sorted(granted, key=lambda mandate: mandate.created_at)

    def _view(self, mandate: Mandate, me: str) -> MandateView:
        texts, now = MANDATE_TEXTS[language()], self._services.clock.now()
        principal, agent = self._desk.parties(mandate)
        icon, state = _standing(mandate, now)
        live = mandate.live(now)
        return MandateView(
            id=mandate.id,
            icon=icon,
            state=texts.states[state],
            kind=texts.kinds[mandate.kind],
            principal=principal.name,
            agent=agent.name,
            matters=[self._matter(code) for code in sorted(mandate.matters)],
            until=last_day(mandate.valid_until) if mandate.valid_until else "",
            offered_until=minute_of(mandate.offered_until) if mandate.offered_until else "",
            live=live,
            acceptable=live and not mandate.accepted and mandate.agent == me,
            withdrawable=live and mandate.kind is not MandateKind.LEGAL_REPRESENTATIVE,
        )

    def _matter(self, code: str) -> str:
        try:
            found = self._services.matters.any_matter(code)
        except NotFound:
            return code
        return found.name if language() == "en" else found.name_zh

    def _claim_page(self, faults: dict[str, str], error: TrustError | None = None) -> Response:
        answer = self._browser.page(
            "mandate_claim.html",
            texts=MANDATE_TEXTS,
            status=status_for(error) if faults else HTTPStatus.OK,
            faults=faults,
            number=request.form.get("number", ""),
        )
        answer.headers.update(retry_headers(error))
        return answer

    def _page(self, template: str, **values: object) -> Response:
        return self._browser.page(template, texts=MANDATE_TEXTS, **values)  # type: ignore[arg-type]  # of the template


def blueprint(browser: Browser, services: MandateServices) -> Blueprint:
    """Return the routes below `/my/mandates`, but for granting."""
    pages = MandatePages(browser, services)
    routes = browser.blueprint("mandate_pages")
    gets: tuple[tuple[str, Callable[..., Response]], ...] = (
        (MANDATES, pages.overview),
        (_WITHDRAW, pages.question),
        (_CLAIM, pages.claim_form),
    )
    posts: tuple[tuple[str, Callable[..., Response]], ...] = (
        (f"{MANDATES}/accept", pages.accept),
        (_WITHDRAW, pages.withdraw),
        (_CLAIM, pages.claim),
    )
    for path, view in gets:
        routes.add_url_rule(path, view_func=browser.signed_in(view))
    for path, view in posts:
        routes.add_url_rule(path, view_func=browser.signed_in(view), methods=["POST"])
    return routes


def last_day(end: datetime) -> str:
    """Return the last calendar day on which something holds that ends at `end`."""
    return day_of(end - _MOMENT)


def _standing(mandate: Mandate, now: datetime) -> tuple[str, str]:
    """Return icon and word of how a mandate stands."""
    lapsed = mandate.offered_until is not None and now >= mandate.offered_until
    states = (
        (mandate.withdrawn_at is not None, "none", "withdrawn"),
        (mandate.used_at is not None, "none", "used"),
        (mandate.valid_until is not None and now >= mandate.valid_until, "none", "expired"),
        (not mandate.accepted and lapsed, "none", "lapsed"),
        (not mandate.accepted, "open", "offered"),
        (now < mandate.valid_from, "open", "not-yet"),
    )
    return next(((icon, word) for holds, icon, word in states if holds), ("pass", "in-force"))
