"""What counters did with my account: every row of it, to read and to take away; and “this was not me”.

While a recovery code from a counter can, or soon can, take the account over, every page of its holder says so and has
the one button that cancels it (docs/adr/0014).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from flask import Blueprint, Response, request

from portal.pages.browser import Browser, Visitor
from portal.pages.moments import minute_of
from portal.pages.rendering import language
from portal.pages.texts_account import ACCOUNT_TEXTS, AccountTexts
from sso.signin.clerk_acts import ClerkAct
from sso.signin.credentials import RecoveryCode
from sso.signin.domain import Session
from sso.signin.errors import CounterCodeUnknown
from trust.kernel.clock import Clock
from trust.kernel.errors import TrustError

ACCOUNT: Final = "/my/account"
_CANCEL: Final = f"{ACCOUNT}/cancel-code"

_log = structlog.get_logger("portal.account")


class AccountHistory(Protocol):
    """The history of accounts (`sso.signin.clerk_acts.ClerkActs`)."""

    def of(self, person_id: str) -> Sequence[ClerkAct]:
        """Return what was done with an account, newest first."""
        ...

    def clerk_name(self, clerk_id: str | None) -> str | None:
        """Return a clerk as citizens see them."""
        ...

    def counter_name(self, counter_id: str | None) -> str | None:
        """Return the name of a counter."""
        ...


class OpenCodes(Protocol):
    """Codes from counters (`sso.signin.service.SignInDesk`)."""

    def open_codes(self, person_id: str) -> Sequence[RecoveryCode]:
        """Return the codes with which somebody can, or soon can, take the account over."""
        ...

    def cancel_code(self, session: Session, code_id: str) -> None:
        """Make a code unusable. Raises `CounterCodeUnknown`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServices:
    """What these pages are built on."""

    history: AccountHistory
    codes: OpenCodes
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One row: what happened, when, and label and value of each fact that is known."""

    title: str
    at: str
    when: str
    facts: Sequence[tuple[str, str]]


class AccountPages:
    """The views, one method each."""

    def __init__(self, browser: Browser, services: AccountServices) -> None:
        self._browser = browser
        self._services = services

    def overview(self, *, visitor: Visitor) -> Response:
        """List what was done with the account."""
        texts = ACCOUNT_TEXTS[language()]
        rows = [_row(act, texts) for act in self._services.history.of(visitor.person.id)]
        return self._browser.page("account.html", texts=ACCOUNT_TEXTS, rows=rows)

    def export(self, *, visitor: Visitor) -> Response:
        """Return every row as JSON."""
        rows = [_exported(act) for act in self._services.history.of(visitor.person.id)]
        made_at = self._services.clock.now().isoformat()
        text = json.dumps({"made_at": made_at, "rows": rows}, ensure_ascii=False, indent=2)
        answer = Response(text + "\n", mimetype="application/json")
        answer.headers["Content-Disposition"] = 'attachment; filename="my-account.json"'
        return answer

    def cancel(self, *, visitor: Visitor) -> Response:
        """Cancel a code; one that is over already is as was wanted."""
        with suppress(CounterCodeUnknown):
            self._services.codes.cancel_code(visitor.session, request.form.get("code", ""))
        return self._browser.go(ACCOUNT, note="cancelled")

    def notices(self) -> Mapping[str, object]:
        """Give every template the codes that its reader must know of."""
        return {"notice": ACCOUNT_TEXTS[language()], "open_codes": self._open, "cancel_code": _CANCEL}

    def _open(self, visitor: Visitor) -> Sequence[tuple[str, str]]:
        """Return id and sentence of each code; none on the page that reports that the database is away."""
        try:
            found = self._services.codes.open_codes(visitor.person.id)
        except TrustError as error:
            _log.warning("notice not shown", code=error.code)
            return ()
        texts, history = ACCOUNT_TEXTS[language()], self._services.history
        return [
            (
                code.id,
                texts.code_open.format(
                    when=minute_of(code.created_at),
                    counter=history.counter_name(code.counter) or texts.unknown,
                    clerk=history.clerk_name(code.clerk) or texts.unknown,
                    good_from=minute_of(code.good_from or code.created_at),
                ),
            )
            for code in found
            if code.id is not None
        ]


def blueprint(browser: Browser, services: AccountServices) -> Blueprint:
    """Return the routes below `/my/account`, and give every page its notice."""
    pages = AccountPages(browser, services)
    routes = browser.blueprint("account")
    views: tuple[tuple[str, Callable[..., Response]], ...] = (
        (ACCOUNT, pages.overview),
        (f"{ACCOUNT}/export", pages.export),
    )
    for path, view in views:
        routes.add_url_rule(path, view_func=browser.signed_in(view))
    routes.add_url_rule(_CANCEL, view_func=browser.signed_in(pages.cancel), methods=["POST"])
    routes.app_context_processor(lambda: dict(pages.notices()))
    return routes


def _row(act: ClerkAct, texts: AccountTexts) -> HistoryRow:
    facts = (
        (texts.counter, act.counter),
        (texts.clerk, act.clerk),
        (texts.document, act.document_kind and texts.documents.get(act.document_kind, act.document_kind)),
        (texts.good_from, act.good_from and minute_of(act.good_from)),
        (texts.until, act.until and minute_of(act.until)),
    )
    return HistoryRow(
        title=texts.kinds[act.kind],
        at=act.at.isoformat(),
        when=minute_of(act.at),
        facts=[(label, value) for label, value in facts if value],
    )


def _exported(act: ClerkAct) -> dict[str, str]:
    values = {
        "kind": act.kind,
        "at": act.at.isoformat(),
        "counter": act.counter,
        "clerk": act.clerk,
        "document_kind": act.document_kind,
        "good_from": act.good_from and act.good_from.isoformat(),
        "until": act.until and act.until.isoformat(),
    }
    return {name: str(value) for name, value in values.items() if value}
