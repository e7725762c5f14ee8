"""Proofing in person over HTTP, for the system at a counter with its clerk's token."""

from datetime import date
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

from sso.accounts.clerk_access import ClerkAccess, clerks_only
from sso.accounts.counter_desk import CheckedDocument, CounterDesk, Proofed
from sso.accounts.proofing import Sighting
from sso.counters.domain import Clerk
from sso.provider.claims import ReadToken
from trust.formats.holders import HolderNumber
from trust.http.parsing import StrictModel, json_body

_EXAMPLE = {
    "holder": {"kind": "111", "number": "11010519491231002X", "name": "孙示例"},
    "document": {"kind": "111", "expires": "2036-11-20"},
    "counter": "01KAJ3W8Q0H1F6W0M3V9B5T2ZC",
}


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

    def document_at(self, clerk: Clerk) -> CheckedDocument:
        """Return the checked document. Raises as `HolderNumber`, `Sighting`, `CheckedDocument`."""
        return checked_document(self.holder, self.document, clerk=clerk, counter=self.counter)


def checked_document(holder: HolderBody, document: DocumentBody, *, clerk: Clerk, counter: str) -> CheckedDocument:
    """Return what a clerk read off a document. Raises as `HolderNumber`, `Sighting`, `CheckedDocument`."""
    return CheckedDocument(
        code=HolderNumber(kind=holder.kind, number=holder.number),
        name=holder.name,
        sighting=Sighting(clerk=clerk, counter=counter, document_kind=document.kind, document_expires=document.expires),
    )


def blueprint(desk: CounterDesk, access: ClerkAccess) -> APIBlueprint:
    """Return the routes below `/api/v1/persons`."""
    routes = APIBlueprint("persons", __name__, url_prefix="/api/v1/persons", tag="Persons")

    @routes.post("/proofing")
    @routes.doc(
        summary="Keep that a clerk has checked a person's document in person",
        description=(
            "Needs a clerk's own token for this API with the scope `counter:assist`, from a sign-in with a second "
            "factor. Registers a person who has no account. An account that no document stood behind, and that "
            "somebody can sign in to, needs `presence` to show that it is this person's (`account-control-needed`). "
            "`enrolment` is the ticket, to be handed to the person alone, with which they choose a password where "
            "the account has none. The person sees each proofing under /my/looks."
        ),
        responses=_RESPONSES,
    )
    @clerks_only(access)
    @json_body(ProofingBody, example=_EXAMPLE)
    def proofing(*, token: ReadToken, body: ProofingBody) -> Response:
        standing = access.duty.stand(token, body.counter)
        proofed = desk.proof(body.document_at(standing.clerk), shown=body.presence)
        response = jsonify(_shown(proofed))
        response.status_code = 201 if proofed.registered else 200
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


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
