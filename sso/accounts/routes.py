"""Proofing in person over HTTP, for the system at a counter with its clerk's token."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import Any, Final, Protocol

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

from sso.accounts.counter_desk import CheckedDocument, CounterDesk, Proofed
from sso.accounts.proofing import Sighting
from sso.counters.domain import Clerk
from sso.provider.claims import ReadToken, TokenReader
from sso.provider.domain import Scope
from sso.provider.errors import TokenForeign
from trust.formats.holders import HolderNumber
from trust.http.access import SCOPE_ATTRIBUTE, ProofChecker, check_possession, presented_token
from trust.http.errors import ScopeMissing
from trust.http.parsing import StrictModel, json_body

_SCOPE: Final = Scope.COUNTER_ASSIST.value
_EXAMPLE = {
    "holder": {"kind": "111", "number": "11010519491231002X", "name": "孙示例"},
    "document": {"kind": "111", "expires": "2036-11-20"},
    "counter": "01KAJ3W8Q0H1F6W0M3V9B5T2ZC",
}


class Standing(Protocol):
    """A clerk at a counter."""

    @property
    def clerk(self) -> Clerk:
        """The clerk."""
        ...


class ClerkDuty(Protocol):
    """Judges whether a token's own holder stands at a counter as its clerk (`sso.passing.duty.Duty`)."""

    def stand(self, token: ReadToken, counter_id: str) -> Standing:
        """Return the clerk at the counter, in the system of the token.

        Raises `NotAClerk`, `ClerkStrengthTooLow`, `ClerkElsewhere`, `SystemElsewhere`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClerkAccess:
    """How a clerk's token is judged: `audience` is what it must be for, `proofs` judges tokens bound to a key."""

    tokens: TokenReader
    duty: ClerkDuty
    audience: str
    proofs: ProofChecker | None = None


class HolderBody(StrictModel):
    """The number with its kind (GB/T 36903 annex A), and the name, as the document shows them."""

    kind: str
    number: str = Field(repr=False)
    name: str = Field(repr=False)


class DocumentBody(StrictModel):
    """The document that the clerk holds: its kind (GB/T 36903 annex A), and its last day or null for 长期."""

    kind: str
    expires: date | None


class ProofingBody(StrictModel):
    """One check of a document in person. `presence` is the code on the screen of the person's own phone, if shown."""

    holder: HolderBody
    document: DocumentBody
    counter: str
    presence: str | None = Field(None, repr=False)


def blueprint(desk: CounterDesk, access: ClerkAccess) -> APIBlueprint:
    """Return the routes below `/api/v1/persons`."""
    routes = APIBlueprint("persons", __name__, url_prefix="/api/v1/persons", tag="Persons")

    @routes.post("/proofing")
    @routes.doc(
        summary="Keep that a clerk has checked a person's document in person",
        description=(
            "Needs a clerk's own token for this API with the scope `counter:assist`, from a sign-in with a second "
            "factor. Registers a person who has no account. An account that no document stood behind loses its "
            "sessions and credentials, unless `presence` shows that it is this person's; `enrolment` is then the "
            "ticket, to be handed to the person alone, with which they choose a password."
        ),
        responses=_RESPONSES,
    )
    @_clerks_only(access)
    @json_body(ProofingBody, example=_EXAMPLE)
    def proofing(*, token: ReadToken, body: ProofingBody) -> Response:
        standing = access.duty.stand(token, body.counter)
        holder = HolderNumber(kind=body.holder.kind, number=body.holder.number)
        sighting = Sighting(
            clerk=standing.clerk,
            counter=body.counter,
            document_kind=body.document.kind,
            document_expires=body.document.expires,
        )
        document = CheckedDocument(code=holder, name=body.holder.name, sighting=sighting)
        proofed = desk.proof(document, shown=body.presence)
        response = jsonify(_shown(proofed))
        response.status_code = 201 if proofed.registered else 200
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def _clerks_only(access: ClerkAccess) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let only living tokens with the scope reach the view, and hand it the keyword argument `token`."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            presented = presented_token()
            token = access.tokens.read(presented.token)
            if token.contents.audience != access.audience:
                raise TokenForeign("The token is for another resource.")
            check_possession(presented, token.contents.confirmation, access.proofs)
            if _SCOPE not in token.contents.scopes:
                raise ScopeMissing(f"This operation needs the scope {_SCOPE}.", scope=_SCOPE)
            return view(*args, token=token, **kwargs)

        setattr(guarded, SCOPE_ATTRIBUTE, _SCOPE)
        return guarded

    return decorate


_ANSWER = {
    "level": 3,
    "ial": "urn:yinxin:ial:3",
    "holder": {"kind": "111", "number": "1****************X", "name": "孙**"},
    "document_expires": "2036-11-20",
    "registered": True,
    "enrolment": {"ticket": "…", "expires_at": "2026-11-21T08:30:00+00:00"},
}
_RESPONSES: dict[int | str, Any] = {
    200: {"description": "The account was there", "content": {"application/json": {"example": _ANSWER}}},
    201: {"description": "The person was registered", "content": {"application/json": {"example": _ANSWER}}},
}


def _shown(proofed: Proofed) -> dict[str, object]:
    person, enrolment = proofed.person, proofed.enrolment
    expires = person.document_expires
    return {
        "level": person.level.value,
        "ial": person.level.urn,
        "holder": {"kind": person.code.kind, "number": person.code.masked, "name": person.masked_name},
        "document_expires": None if expires is None else expires.isoformat(),
        "registered": proofed.registered,
        "enrolment": None
        if enrolment is None
        else {"ticket": enrolment.ticket, "expires_at": enrolment.expires_at.isoformat()},
    }
