"""Who looked (谁看过): every hop of trust, presence and look at a certificate about a person, newest first (law 8).

Two records are merged: the passing of trust with its failed presentations (`sso.passing.log`), and the library's own
looks; a page leads to the next older one by the moment of its last row. What the person looked at themselves is left
out unless they ask for it. They can take all of it away as JSON, and object to a hop, which ends what hangs on it at
once.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from certs.access_log import Access
from portal.pages.acting import Acting, ActingDesk
from portal.pages.browser import Browser, Visitor
from portal.pages.faults import fault_of, missing
from portal.pages.look_rows import FETCHED, FETCHED_MOST, LookPage, LookRow, SystemNames, page_of
from portal.pages.rendering import language
from portal.pages.texts_looks import LOOKS_TEXTS
from sso.passing.domain import Objection
from sso.passing.errors import HopUnknown
from sso.passing.log import AccessRow
from trust.formats.holders import HolderNumber
from trust.kernel.clock import Clock
from trust.kernel.errors import InvalidInput

LOOKS: Final = "/my/looks"
_OBJECT: Final = f"{LOOKS}/object"
_DONE: Final = f"{LOOKS}/objected"
_BEFORE: Final = "before"


class PassingLog(Protocol):
    """The record of passed trust (`sso.passing.log.AccessLog`)."""

    def of(self, person_id: str, *, before: datetime | None, limit: int) -> Sequence[AccessRow]:
        """Return the rows about a person before a moment, also what an agent did in their name, newest first."""
        ...

    def object_to(self, hop_id: str, person_id: str, text: str, *, whose: str | None = None) -> Objection:
        """Record an objection and end what hangs on the hop. Raises `HopUnknown`, and as `check_reason`."""
        ...


class LibraryLog(Protocol):
    """The record of looks at certificates (`certs.service.CertificateService`)."""

    def accesses(self, holder: HolderNumber, *, own: bool, before: datetime | None, limit: int) -> Sequence[Access]:
        """Return who looked at a holder's certificates before a moment, newest first, with their `own` or not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LooksServices:
    """What these pages are built on."""

    passing: PassingLog
    library: LibraryLog
    acting: ActingDesk
    names: SystemNames
    clock: Clock


class LooksPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: LooksServices) -> None:
        self._browser = browser
        self._services = services

    def overview(self, *, visitor: Visitor) -> Response:
        """List who looked, one page of it."""
        choices = self._choices(visitor)
        acting = self._services.acting.chosen(choices)
        own, before = request.args.get("own") == "1", _moment(request.args.get(_BEFORE, ""))
        page = self._read(acting, own=own, before=before)
        kept = acting.arguments | ({"own": "1"} if own else {})
        older = f"{LOOKS}?{urlencode({**kept, _BEFORE: page.before.isoformat()})}" if page.before is not None else ""
        return self._page(
            "looks.html",
            rows=page.rows,
            older=older,
            newest=f"{LOOKS}?{urlencode(kept)}" if before is not None else "",
            choices=choices,
            acting=acting,
            own=own,
        )

    def export(self, *, visitor: Visitor) -> Response:
        """Return every row as JSON, their own looks included."""
        acting = self._services.acting.chosen(self._choices(visitor))
        rows = [row.exported for row in self._every(acting, own=True)]
        text = json.dumps(
            {"made_at": self._services.clock.now().isoformat(), "rows": rows}, ensure_ascii=False, indent=2
        )
        answer = Response(text + "\n", mimetype="application/json")
        answer.headers["Content-Disposition"] = 'attachment; filename="who-looked.json"'
        return answer

    def objection_form(self, *, visitor: Visitor) -> Response:
        """Ask what the objection is."""
        return self._form(*self._meant(visitor), {})

    def object_to(self, *, visitor: Visitor) -> Response:
        """Record the objection."""
        acting, row = self._meant(visitor)
        if faults := missing(("text",), LOOKS_TEXTS[language()].missing):
            return self._form(acting, row, faults)
        text = request.form.get("text", "").strip()
        try:
            self._services.passing.object_to(row.hop, visitor.person.id, text, whose=acting.person.id)
        except InvalidInput as error:
            return self._form(acting, row, fault_of(error, ("text",), otherwise="text"))
        return self._browser.go(_DONE, arguments={"hop": row.hop, **acting.arguments})

    def objected(self, *, visitor: Visitor) -> Response:
        """Confirm the objection."""
        acting, row = self._meant(visitor)
        if not row.ended:
            raise HopUnknown(field="hop")
        return self._page("objected.html", row=row, acting=acting)

    def _choices(self, visitor: Visitor) -> Sequence[Acting]:
        """Return those whose whole record the person may see; an agent sees certificates, not who looked at them."""
        return [acting for acting in self._services.acting.choices(visitor) if acting.entire]

    def _read(self, acting: Acting, *, own: bool, before: datetime | None) -> LookPage:
        page = self._fetched(acting, own, before, FETCHED)
        return self._fetched(acting, own, before, FETCHED_MOST) if page.parted else page

    def _fetched(self, acting: Acting, own: bool, before: datetime | None, most: int) -> LookPage:
        passed = self._services.passing.of(acting.person.id, before=before, limit=most)
        looks = [
            self._services.library.accesses(holder, own=own, before=before, limit=most) for holder in acting.holders
        ]
        return page_of(passed, looks, self._services.names, language(), fetched=most)

    def _every(self, acting: Acting, *, own: bool) -> Iterator[LookRow]:
        """Return all rows there are, page by page."""
        page = self._read(acting, own=own, before=None)
        yield from page.rows
        while page.before is not None:
            page = self._read(acting, own=own, before=page.before)
            yield from page.rows

    def _meant(self, visitor: Visitor) -> tuple[Acting, LookRow]:
        """Return the hop that the request names. Raises `HopUnknown` for one that is not about this person."""
        acting, hop = self._services.acting.chosen(self._choices(visitor)), request.values.get("hop", "")
        for row in self._every(acting, own=False):
            if row.objectable and row.hop == hop:
                return acting, row
        raise HopUnknown(field="hop")

    def _form(self, acting: Acting, row: LookRow, faults: dict[str, str]) -> Response:
        return self._browser.page(
            "object.html",
            texts=LOOKS_TEXTS,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            row=row,
            acting=acting,
            faults=faults,
            text=request.form.get("text", ""),
        )

    def _page(self, template: str, **values: object) -> Response:
        return self._browser.page(template, texts=LOOKS_TEXTS, **values)  # type: ignore[arg-type]  # values of the template


def _moment(text: str) -> datetime | None:
    """Return the moment in an address that a page of ours wrote; for any other text None, which is the newest page."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def blueprint(browser: Browser, services: LooksServices) -> Blueprint:
    """Return the routes below `/my/looks`."""
    pages = LooksPages(browser, services)
    routes = browser.blueprint("looks")
    for path, view in ((LOOKS, pages.overview), (f"{LOOKS}/export", pages.export), (_DONE, pages.objected)):
        routes.add_url_rule(path, view_func=browser.signed_in(view))
    routes.add_url_rule(_OBJECT, view_func=browser.signed_in(pages.objection_form))
    routes.add_url_rule(_OBJECT, view_func=browser.signed_in(pages.object_to), methods=["POST"])
    return routes
