"""Granting a mandate: a form, a page on which the answers are checked, and only then the grant.

The answers travel in the form itself, and are judged anew when they are confirmed: nothing is kept in between, and
nobody is sent past the checks. The agent's number is in the pages of this one session only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus
from typing import Final, Protocol

from flask import Blueprint, Response, request

from portal.pages.browser import Browser, PersonFinder, Visitor
from portal.pages.consent import Names
from portal.pages.faults import MENDABLE, fault_of, missing, retry_headers, status_for
from portal.pages.mandates import MANDATES, KnownMatters
from portal.pages.rendering import language
from portal.pages.texts_mandates import MANDATE_TEXTS
from portal.pages.texts_signin import SIGN_IN_TEXTS
from sso.accounts.domain import Person
from sso.mandates.domain import GrantCommand, Mandate, MandateKind, allowed_types
from sso.mandates.errors import MandateAgentUnfit, MandateKindNotGrantable, MandateTimeInvalid
from sso.mandates.service import GRANT_STRENGTH
from sso.signin.credentials import Enrolled
from sso.signin.domain import Strength
from trust.formats.holders import LEGAL_KINDS, RESIDENT_ID_KIND, HolderNumber
from trust.http.rate import RateLimiter
from trust.kernel.clock import CALENDAR, Clock
from trust.kernel.errors import NotFound, TrustError

GRANT: Final = f"{MANDATES}/grant"
_ONE: Final = ("principal", "kind", "document", "number", "name", "valid_until", "ends_with")
_MANY: Final = ("matters", "types")
_NEEDED: Final = ("number", "name", "valid_until")


class Grants(Protocol):
    """Granting (`sso.mandates.service.MandateDesk`); that class says what each method raises."""

    def organisations_of(self, person_id: str) -> Sequence[str]:
        """Return the organisations whose legal representative a person is."""
        ...

    def check_entitled(self, principal_id: str, *, by: str, strength: Strength) -> str | None:
        """Make sure that `by` may grant for a principal now."""
        ...

    def grant(self, command: GrantCommand, *, by: str, strength: Strength) -> Mandate:
        """Offer a mandate."""
        ...


class AgentNames(Protocol):
    """Finds the agent by number and name (`sso.mandates.naming.Naming`)."""

    def agent(self, code: HolderNumber, name: str) -> str:
        """Return the person's id. Raises `MandateAgentNotFound`."""
        ...


class EnrolledMeans(Protocol):
    """What people can sign in with (`sso.signin.service.SignInDesk`)."""

    def enrolled(self, person_id: str) -> Enrolled:
        """Return what the person has."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantServices:
    """What these pages are built on; `limiter` is kept by person, since naming an agent tells who has an account."""

    desk: Grants
    naming: AgentNames
    matters: KnownMatters
    persons: PersonFinder
    names: Names
    means: EnrolledMeans
    limiter: RateLimiter
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was filled in, by field; shown again when something has to be mended."""

    one: dict[str, str]
    many: dict[str, list[str]]

    @classmethod
    def sent(cls) -> "Answers":
        """Return what the present form says."""
        one = {name: request.form.get(name, "").strip() for name in _ONE}
        many = {name: list(dict.fromkeys(request.form.getlist(name))) for name in _MANY}
        return cls(one=one, many=many)

    @property
    def agent(self) -> HolderNumber:
        """Return the agent's number. Raises the errors of its kind."""
        number = "".join(self.one["number"].split()).upper()
        return HolderNumber(kind=self.one["document"] or RESIDENT_ID_KIND, number=number)

    @property
    def last_day(self) -> date:
        """Return the last day of the mandate. Raises `MandateTimeInvalid`."""
        try:
            return date.fromisoformat(self.one["valid_until"])
        except ValueError:
            raise MandateTimeInvalid(field="valid_until") from None

    def command(self, agent: str) -> GrantCommand:
        """Return what is to be granted. Raises as `GrantCommand`, `MandateTimeInvalid`."""
        return GrantCommand(
            kind=_kind(self.one["kind"]),
            principal=self.one["principal"],
            agent=agent,
            matters=frozenset(self.many["matters"]),
            valid_until=_end_of(self.last_day),
            types=frozenset(self.many["types"]),
            ends_with_representative=bool(self.one["ends_with"]),
        )


class GrantPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: GrantServices) -> None:
        self._browser = browser
        self._services = services

    def form(self, *, visitor: Visitor) -> Response:
        """Show the empty form, or what the sign-in lacks."""
        if visitor.session.strength < GRANT_STRENGTH:
            return self._weak(visitor)
        one = dict.fromkeys(_ONE, "") | {"kind": MandateKind.ONE_OFF.value, "document": RESIDENT_ID_KIND}
        return self._form(visitor, Answers(one=one, many={name: [] for name in _MANY}), {})

    def answer(self, *, visitor: Visitor) -> Response:
        """Judge the answers: show them for checking, go back to them, or grant what was confirmed."""
        if visitor.session.strength < GRANT_STRENGTH:
            return self._weak(visitor)
        answers, step = Answers.sent(), request.form.get("step")
        if step == "change":
            return self._form(visitor, answers, {})
        if faults := self._missing(answers):
            return self._form(visitor, answers, faults)
        try:
            self._services.limiter.admit(visitor.person.id)
            command = self._judged(visitor, answers)
            if step == "confirm":
                self._services.desk.grant(command, by=visitor.person.id, strength=visitor.session.strength)
                return self._browser.go(MANDATES, note="granted")
        except (*MENDABLE, NotFound) as error:
            return self._form(visitor, answers, _fault(error), error)
        return self._check(visitor, answers, command)

    def _judged(self, visitor: Visitor, answers: Answers) -> GrantCommand:
        """Return what would be granted, judged by the rules of the grant. Raises as `MandateDesk.grant`, `Naming`."""
        services = self._services
        services.desk.check_entitled(answers.one["principal"], by=visitor.person.id, strength=visitor.session.strength)
        command = answers.command(services.naming.agent(answers.agent, answers.one["name"]))
        if command.agent == visitor.person.id:
            raise MandateAgentUnfit(field="agent")
        if command.kind is not MandateKind.ONE_OFF and not services.persons.get(command.principal).is_legal:
            raise MandateKindNotGrantable(field="kind")
        command.period(services.clock.now())
        allowed_types(command.types, [services.matters.matter(code) for code in sorted(command.matters)])
        return command

    def _check(self, visitor: Visitor, answers: Answers, command: GrantCommand) -> Response:
        services, english = self._services, language() == "en"
        matters = [services.matters.matter(code) for code in sorted(command.matters)]
        types = allowed_types(command.types, matters)
        return self._browser.page(
            "grant_check.html",
            texts=MANDATE_TEXTS,
            answers=answers,
            principal=self._principal(visitor, command.principal),
            kind=MANDATE_TEXTS[language()].kinds[command.kind],
            agent=answers.one["name"],
            number=answers.agent.masked,
            matters=[matter.name if english else matter.name_zh for matter in matters],
            types=[services.names.type_name(code, english=english) for code in sorted(types)],
            until=answers.last_day.isoformat(),
            ends_with=command.ends_with_representative,
        )

    def _form(
        self, visitor: Visitor, answers: Answers, faults: dict[str, str], error: TrustError | None = None
    ) -> Response:
        services, english = self._services, language() == "en"
        matters = [matter for matter in services.matters.matters() if matter.retired_at is None]
        answer = self._browser.page(
            "grant.html",
            texts=MANDATE_TEXTS,
            status=status_for(error) if faults else HTTPStatus.OK,
            faults=faults,
            answers=answers,
            principals=[(person.id, self._principal(visitor, person.id)) for person in self._principals(visitor)],
            documents=[pair for pair in SIGN_IN_TEXTS[language()].kinds.items() if pair[0] not in LEGAL_KINDS],
            matters=[(matter.code, matter.name if english else matter.name_zh) for matter in matters],
            types=sorted(
                (code, services.names.type_name(code, english=english))
                for code in frozenset[str]().union(*(matter.types for matter in matters))
            ),
        )
        answer.headers.update(retry_headers(error))
        return answer

    def _weak(self, visitor: Visitor) -> Response:
        """Say that granting needs a surer sign-in, and where to get it."""
        able = self._services.means.enrolled(visitor.person.id).strongest >= GRANT_STRENGTH
        return self._browser.page("grant_weak.html", texts=MANDATE_TEXTS, able=able, onward=GRANT)

    def _missing(self, answers: Answers) -> dict[str, str]:
        texts = MANDATE_TEXTS[language()]
        faults = missing(_NEEDED, texts.missing)
        return faults if answers.many["matters"] else faults | {"matters": texts.missing_matters}

    def _principals(self, visitor: Visitor) -> list[Person]:
        organisations = self._services.desk.organisations_of(visitor.person.id)
        return [visitor.person, *(self._services.persons.get(each) for each in organisations)]

    def _principal(self, visitor: Visitor, person_id: str) -> str:
        if person_id == visitor.person.id:
            return f"{MANDATE_TEXTS[language()].myself} {visitor.person.name}"
        return self._services.persons.get(person_id).name


def blueprint(browser: Browser, services: GrantServices) -> Blueprint:
    """Return the route `/my/mandates/grant`."""
    pages = GrantPages(browser, services)
    routes = browser.blueprint("granting")
    routes.add_url_rule(GRANT, view_func=browser.signed_in(pages.form))
    routes.add_url_rule(GRANT, view_func=browser.signed_in(pages.answer), methods=["POST"])
    return routes


def _kind(text: str) -> MandateKind:
    """Return the kind; anything but a known one is what nobody can grant, and refused as such."""
    return next((kind for kind in MandateKind if kind.value == text), MandateKind.LEGAL_REPRESENTATIVE)


def _end_of(day: date) -> datetime:
    """Return the moment at which a calendar day of the counters is over. Raises `MandateTimeInvalid`."""
    try:
        return datetime.combine(day + timedelta(days=1), time(), CALENDAR)
    except OverflowError:
        raise MandateTimeInvalid(field="valid_until") from None


def _fault(error: TrustError) -> dict[str, str]:
    """Return the sentence for the field it is about; what is about the agent stands at their number."""
    about = error.field or ""
    if about == "agent" or about.startswith("holder."):
        return fault_of(error, (), otherwise="number")
    return fault_of(error, (*_ONE, *_MANY), otherwise="matters" if about == "matter" else "form")
