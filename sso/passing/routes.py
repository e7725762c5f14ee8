"""Cases, presence and the offline form over HTTP, for the systems on counters.

Cases and presence are asked for with the clerk's own token; offline assertions, and the report of their use, with the
system's. A holder's number and a one-time code are only ever read from a body.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import AwareDatetime, Field

from sso.accounts.clerk_access import SCOPE, ClerkTokens, clerks_only
from sso.passing.cases import CaseDesk
from sso.passing.domain import Case
from sso.passing.errors import OfflineRefused
from sso.passing.offline import REPORTS_MAX, OfflineDesk, Report
from sso.passing.ports import Clients
from sso.passing.presence import CardCheck, IssuedCode, PresenceDesk
from sso.passing.request import MAX_CHARACTERS
from sso.provider.claims import ReadToken, TokenReader
from sso.provider.domain import Client
from trust.formats.holders import HolderNumber
from trust.http.access import Principal, ProofChecker, TokenChecker, protected
from trust.http.parsing import StrictModel, json_body
from trust.kernel.errors import NotAuthenticated

_Short = Annotated[str, Field(max_length=64)]


class CaseBody(StrictModel):
    """The counter at which the clerk sits, and the code of the matter (事项)."""

    counter: _Short
    matter: _Short


class HolderBody(StrictModel):
    """A holder's code: `kind` of GB/T 36903 annex A, and the number."""

    kind: str
    number: str = Field(repr=False)

    def parse(self) -> HolderNumber:
        """Return the checked number."""
        return HolderNumber(kind=self.kind, number=self.number)


class OtpBody(StrictModel):
    """The one-time code that the citizen typed at the counter."""

    counter: _Short
    holder: HolderBody
    code: str = Field(max_length=16, repr=False)


class CardBody(StrictModel):
    """What the clerk checked of the citizen's document; `document_expires` of null is a document without end."""

    counter: _Short
    holder: HolderBody
    name: str = Field(repr=False)
    document_kind: str
    document_expires: date | None
    read_by: Literal["reader", "eye"]
    portrait_matches: bool

    def parse(self) -> CardCheck:
        """Return the checked record."""
        return CardCheck(
            holder=self.holder.parse(),
            name=self.name,
            document_kind=self.document_kind,
            document_expires=self.document_expires,
            read_by=self.read_by,
            portrait_matches=self.portrait_matches,
        )


class AssertionBody(StrictModel):
    """The token of the case, and to which system the assertion will be shown: its client id or its resource."""

    token: Annotated[str, Field(max_length=MAX_CHARACTERS, repr=False)]
    audience: Annotated[str, Field(max_length=256)]


class UseBody(StrictModel):
    """One use of an assertion while there was no connection."""

    assertion: Annotated[str, Field(max_length=MAX_CHARACTERS, repr=False)]
    used_at: AwareDatetime


class ReconcileBody(StrictModel):
    """The uses to report."""

    uses: Annotated[list[UseBody], Field(min_length=1, max_length=REPORTS_MAX)]


_CASE_EXAMPLE = {"counter": "01M7YHX3002ZKENME2HXVAG8Y8", "matter": "M-RENEW"}
_OTP_EXAMPLE = {
    "counter": "01M7YHX3002ZKENME2HXVAG8Y8",
    "holder": {"kind": "111", "number": "11010519491231002X"},
    "code": "123456",
}
_CARD_EXAMPLE = {
    "counter": "01M7YHX3002ZKENME2HXVAG8Y8",
    "holder": {"kind": "111", "number": "11010519491231002X"},
    "name": "张示例",
    "document_kind": "111",
    "document_expires": "2036-11-20",
    "read_by": "reader",
    "portrait_matches": True,
}
_USES_EXAMPLE = {"uses": [{"assertion": "eyJ…", "used_at": "2026-11-21T08:05:00Z"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """What the routes call. `audience` is what clerks' tokens must be for: this service's own API."""

    cases: CaseDesk
    presence: PresenceDesk
    offline: OfflineDesk
    reader: TokenReader
    clients: Clients
    proofs: ProofChecker
    audience: str

    @property
    def clerks(self) -> ClerkTokens:
        """How the tokens of clerks are judged."""
        return ClerkTokens(tokens=self.reader, audience=self.audience, proofs=self.proofs)


def blueprint(desks: Desks, tokens: TokenChecker) -> APIBlueprint:
    """Return the routes below `/api/v1`; `tokens` judges the tokens of systems."""
    routes = APIBlueprint("passing", __name__, url_prefix="/api/v1", tag="Trust passing")
    _add_cases(routes, desks.cases, desks.clerks)
    _add_presence(routes, desks.presence, desks.clerks)
    _add_offline(routes, desks, tokens)
    return routes


def _add_cases(routes: APIBlueprint, cases: CaseDesk, clerks: ClerkTokens) -> None:
    @routes.post("/cases")
    @routes.doc(summary="Open a case at a counter", description="With the clerk's access token.", responses=_OPENED)
    @clerks_only(clerks)
    @json_body(CaseBody, example=_CASE_EXAMPLE)
    def open_case(*, token: ReadToken, body: CaseBody) -> Response:
        response = jsonify(_shown(cases.open(token, body.counter, body.matter)))
        response.status_code = 201
        return response

    @routes.post("/cases/<case>/close")
    @routes.doc(summary="Close a case", description="With the clerk's access token; every token of the case ends.")
    @clerks_only(clerks)
    def close_case(case: str, *, token: ReadToken) -> Response:
        cases.close(token, case)
        return jsonify({"case": case, "closed": True})


def _add_presence(routes: APIBlueprint, presence: PresenceDesk, clerks: ClerkTokens) -> None:
    @routes.post("/presence/otp")
    @routes.doc(summary="Confirm presence by a one-time code", description=_PRESENCE, responses=_PRESENT)
    @clerks_only(clerks)
    @json_body(OtpBody, example=_OTP_EXAMPLE)
    def by_otp(*, token: ReadToken, body: OtpBody) -> Response:
        return _issued(presence.by_otp(token, body.counter, body.holder.parse(), body.code))

    @routes.post("/presence/card")
    @routes.doc(summary="Confirm presence by a checked document", description=_PRESENCE, responses=_PRESENT)
    @clerks_only(clerks)
    @json_body(CardBody, example=_CARD_EXAMPLE)
    def by_card(*, token: ReadToken, body: CardBody) -> Response:
        return _issued(presence.by_card(token, body.counter, body.parse()))


def _add_offline(routes: APIBlueprint, desks: Desks, tokens: TokenChecker) -> None:
    @routes.post("/offline/assertions")
    @routes.doc(summary="Obtain an offline assertion", description=_OFFLINE)
    @protected(tokens, SCOPE)
    @json_body(AssertionBody, example={"token": "eyJ…", "audience": "https://next.example.gov.cn/api"})
    def assertion(*, principal: Principal, body: AssertionBody) -> Response:
        client = _own_system(desks, principal)
        return jsonify({"assertion": desks.offline.issue(_of_case(desks, body.token), client, body.audience)})

    @routes.post("/offline/reconcile")
    @routes.doc(summary="Report what was used offline", description="With the counter system's own token.")
    @protected(tokens, SCOPE)
    @json_body(ReconcileBody, example=_USES_EXAMPLE)
    def reconcile(*, principal: Principal, body: ReconcileBody) -> Response:
        client = _own_system(desks, principal)
        reports = [Report(assertion=use.assertion, used_at=use.used_at) for use in body.uses]
        answers = desks.offline.reconcile(client, reports)
        return jsonify({"uses": [{"id": each.id, "status": each.status.value, "hop": each.hop} for each in answers]})


_PRESENCE = "With the clerk's access token. The code is exchanged once, as `subject_token`, within `expires_in`."
_OFFLINE = (
    "With the counter system's own token, for a case's token that was issued to this very system: the systems that it "
    "was passed on to hold the token as well, and may not pass it to whomever this one may."
)
_OPENED: dict[int | str, Any] = {201: {"description": "The case, with the facts of the registers"}}
_PRESENT: dict[int | str, Any] = {201: {"description": "A presence code"}}


def _own_system(desks: Desks, principal: Principal) -> Client:
    """Return the system that calls for itself. Raises `OfflineRefused` for one that calls with a person's token."""
    client = desks.clients.find(principal.client)
    if client is None or principal.bound is not None:
        raise OfflineRefused
    return client


def _of_case(desks: Desks, text: str) -> ReadToken:
    """Return the token of a case. Raises `OfflineRefused` for one that is not alive; the log says why."""
    try:
        return desks.reader.read(text)
    except NotAuthenticated as error:
        raise OfflineRefused(field="token", why=error.code) from None


def _shown(case: Case) -> dict[str, Any]:
    return {
        "case": case.id,
        "matter": case.matter,
        "purpose": case.purpose,
        "purpose_zh": case.purpose_zh,
        "types": sorted(case.types),
        "counter": {"id": case.counter, "name": case.counter_name},
        "opened_at": _text(case.opened_at),
        "closes_at": _text(case.closes_at),
    }


def _issued(issued: IssuedCode) -> Response:
    presence = issued.presence
    response = jsonify(
        {
            "presence": issued.code,
            "method": presence.method.value,
            "expires_in": int((presence.expires_at - presence.at).total_seconds()),
        }
    )
    response.status_code = 201
    response.headers["Cache-Control"] = "no-store"
    return response


def _text(moment: datetime) -> str:
    return moment.isoformat()
