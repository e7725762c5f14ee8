"""Recovery codes over HTTP, for the system at a counter with its clerk's token."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify

from sso.accounts.clerk_access import ClerkAccess, clerks_only
from sso.accounts.counter_desk import CheckedDocument
from sso.accounts.routes import DocumentBody, HolderBody, checked_document
from sso.provider.claims import ReadToken
from sso.signin.handing_out import HandOutDesk
from trust.http.parsing import StrictModel, json_body

_EXAMPLE = {
    "holder": {"kind": "111", "number": "11010519491231002X", "name": "孙示例"},
    "document": {"kind": "111", "expires": "2036-11-20"},
    "counter": "01KAJ3W8Q0H1F6W0M3V9B5T2ZC",
}
_ANSWER = {
    "code": "0ABCD-1EFGH-2JKMN-3PQRS-4TVWX",
    "good_from": "2026-11-22T08:00:00+00:00",
    "expires_at": "2026-11-23T08:00:00+00:00",
}
_RELEASED = {"expires_at": "2026-11-22T08:00:00+00:00"}
_RESPONSES: dict[int | str, Any] = {
    201: {"description": "The code, shown this once", "content": {"application/json": {"example": _ANSWER}}},
}
_RELEASES: dict[int | str, Any] = {
    200: {"description": "The code is good now", "content": {"application/json": {"example": _RELEASED}}},
}


class RecoveryCodeBody(StrictModel):
    """Whose document the clerk has checked, and at which counter."""

    holder: HolderBody
    document: DocumentBody
    counter: str


def blueprint(desk: HandOutDesk, access: ClerkAccess) -> APIBlueprint:
    """Return the route below `/api/v1/persons`."""
    routes = APIBlueprint("recovery_codes", __name__, url_prefix="/api/v1/persons", tag="Persons")

    @routes.post("/recovery-code")
    @routes.doc(
        summary="Hand out a recovery code to a person whose document a clerk has checked",
        description=(
            "Needs a clerk's own token for this API with the scope `counter:assist`, from a sign-in with a second "
            "factor. Give the code to the person alone: with it they choose a new password from `good_from` on, "
            "within a day, and every other credential and session of the account ends. Where somebody can sign in to "
            "the account, `good_from` lies a waiting time ahead, the holder is told on every page and can cancel; a "
            "second clerk can release the code at once. A code handed out earlier ends."
        ),
        responses=_RESPONSES,
    )
    @clerks_only(access)
    @json_body(RecoveryCodeBody, example=_EXAMPLE)
    def recovery_code(*, token: ReadToken, body: RecoveryCodeBody) -> Response:
        handed = desk.hand_out(_document(access, token, body))
        response = jsonify(
            {
                "code": handed.code,
                "good_from": handed.good_from.isoformat(),
                "expires_at": handed.expires_at.isoformat(),
            }
        )
        response.status_code = 201
        response.headers["Cache-Control"] = "no-store"
        return response

    @routes.post("/recovery-code/release")
    @routes.doc(
        summary="Make a recovery code good at once that another clerk of the counter handed out",
        description=(
            "Needs a clerk's own token as handing out does, of another person than the one who handed out, posted to "
            "the same counter, who has checked the document too. The holder of the account sees both clerks."
        ),
        responses=_RELEASES,
    )
    @clerks_only(access)
    @json_body(RecoveryCodeBody, example=_EXAMPLE)
    def release(*, token: ReadToken, body: RecoveryCodeBody) -> Response:
        until = desk.release(_document(access, token, body))
        response = jsonify({"expires_at": until.isoformat()})
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def _document(access: ClerkAccess, token: ReadToken, body: RecoveryCodeBody) -> CheckedDocument:
    """Return what the clerk of the token checked. Raises as `ClerkDuty.stand` and `checked_document`."""
    standing = access.duty.stand(token, body.counter)
    return checked_document(body.holder, body.document, clerk=standing.clerk, counter=body.counter)
