"""The library over HTTP: parse into a frozen command, call one service method, render.

A holder's number is only ever read from a body, never from an address, and never written in full into an answer.
"""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from apiflask import APIBlueprint
from flask import Response, jsonify, request, url_for
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from certs.access_log import Purpose, Release
from certs.domain import (
    IDEMPOTENCY_KEY,
    Action,
    Certificate,
    ChangeCommand,
    Contents,
    Holder,
    IssueCommand,
)
from certs.library import Opened
from certs.service import CertificateService
from trust.formats.holders import HolderNumber
from trust.http.access import Principal, TokenChecker, protected
from trust.http.headers import private
from trust.http.parsing import StrictModel, described_headers, json_body, query_string
from trust.kernel.errors import FieldMissing
from trust.kernel.identifiers import CertificateIdentifier

FACE_FIELDS_MAX = 100  # members of `face`: the fullest type of the national catalogue has about 60 fields
IDEMPOTENCY_HEADER = "Idempotency-Key"

_ISSUE, _READ, _REVOKE = "certs:issue", "certs:read", "certs:revoke"
_CHANGES = {
    Action.REVOKE: "Revoke a certificate for good",
    Action.SUSPEND: "Suspend a certificate",
    Action.RESUME: "Lift the suspension of a certificate",
}


def _text_or_number(value: object) -> object:
    """Refuse other kinds here: a refusal by the union names its branch as if it were a member."""
    if type(value) not in (str, int):
        raise PydanticCustomError("face_value", "A value of the face is text or a whole number")
    return value


FaceValue = Annotated[str | int, BeforeValidator(_text_or_number)]


class HolderNumberBody(StrictModel):
    """A holder's code: `kind` of GB/T 36903 annex A (001 credit code, 111 resident identity number), and the number."""

    kind: str
    number: str = Field(repr=False)

    def parse(self) -> HolderNumber:
        """Return the checked number."""
        return HolderNumber(kind=self.kind, number=self.number)


class HolderBody(HolderNumberBody):
    """The holder with its name."""

    name: str = Field(repr=False)


class IssueBody(StrictModel):
    """One certificate to issue. `number` is the authority's licence number, `face` what the type prints, by key."""

    type: str
    holder: HolderBody
    number: str
    face: Annotated[dict[str, FaceValue], Field(max_length=FACE_FIELDS_MAX, repr=False)]
    valid_from: date
    valid_to: date | None = None
    supersedes: str | None = None

    def parse(self, idempotency_key: str) -> IssueCommand:
        """Return the frozen command."""
        holder = Holder(code=self.holder.parse(), name=self.holder.name)
        replaced = self.supersedes
        return IssueCommand(
            type_code=self.type,
            contents=Contents(holder=holder, number=self.number, face=self.face),
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            idempotency_key=idempotency_key,
            supersedes=None if replaced is None else CertificateIdentifier.parse(replaced, field="supersedes"),
        )


class PurposeQuery(StrictModel):
    """Why the certificate is looked at, 2 to 200 characters, without numbers of persons."""

    purpose: str | None = Field(
        None,
        description="Why the certificate is looked at; kept, and shown to its holder. A person's token brings its own",
    )


class IssueHeaders(StrictModel):
    """The header that makes a repeated request safe."""

    idempotency_key: str = Field(
        alias=IDEMPOTENCY_HEADER, pattern=f"^{IDEMPOTENCY_KEY.pattern}$", description="The same key never issues twice"
    )


class SearchBody(StrictModel):
    """Whose certificates are looked for, and why. With a person's token both may be left out."""

    holder: HolderNumberBody | None = None
    purpose: str | None = None


class ChangeBody(StrictModel):
    """Why the state changes, and the two clerks who asked for it and approved it."""

    reason: str
    requested_by: str
    approved_by: str


_ISSUE_EXAMPLE = {
    "type": "11000000DEM0YX001B001",
    "holder": {"kind": "001", "number": "91350100M000100Y43", "name": "福州示例餐饮管理有限公司"},
    "number": "JY13501020000001",
    "face": {"representative": "林示例", "domicile": "福州市鼓楼区示例路1号"},
    "valid_from": "2026-11-21",
    "valid_to": "2031-11-20",
}
_SEARCH_EXAMPLE = {
    "holder": {"kind": "001", "number": "91350100M000100Y43"},
    "purpose": "办理延续许可，核对已有证照",
}
_CHANGE_EXAMPLE = {"reason": "经营者申请注销", "requested_by": "王经办", "approved_by": "李审批"}


def blueprint(service: CertificateService, tokens: TokenChecker) -> APIBlueprint:
    """Return the routes below `/api/v1/certs`."""
    routes = APIBlueprint("certs", __name__, url_prefix="/api/v1/certs", tag="Certificates")
    _add_issue(routes, service, tokens)
    _add_looks(routes, service, tokens)
    for action, summary in _CHANGES.items():
        _add_change(routes, service, tokens, action, summary)
    return routes


def _add_issue(routes: APIBlueprint, service: CertificateService, tokens: TokenChecker) -> None:
    @routes.post("")
    @routes.doc(
        summary="Issue a certificate",
        description=(
            f"Needs the header `{IDEMPOTENCY_HEADER}`: 8 to 128 letters, digits and . _ : - signs. The same key with "
            "the same body returns the first result in its present state."
        ),
        responses=_ISSUED,
    )
    @protected(tokens, _ISSUE)
    @json_body(IssueBody, example=_ISSUE_EXAMPLE)
    @described_headers(IssueHeaders)
    def issue(*, principal: Principal, body: IssueBody) -> Response:
        command = body.parse(request.headers.get(IDEMPOTENCY_HEADER, ""))
        certificate = service.issue(principal, command)
        response = private(jsonify(_shown(service, certificate)))
        response.status_code = 201
        response.headers["Location"] = url_for("certs.show", identifier=certificate.identifier)
        return response


def _add_looks(routes: APIBlueprint, service: CertificateService, tokens: TokenChecker) -> None:
    @routes.get("/<identifier>")
    @routes.doc(summary="Look at a certificate for a purpose")
    @protected(tokens, _READ)
    @query_string(PurposeQuery)
    def show(identifier: str, *, principal: Principal, query: PurposeQuery) -> Response:
        release = _release(principal)
        opened = service.get(principal, _identifier(identifier), _purpose(query.purpose, release), release)
        return private(jsonify(_shown(service, opened.certificate) | _shown_contents(opened)))

    @routes.get("/<identifier>/file")
    @routes.doc(summary="Download the signed file for a purpose", responses=_PDF)
    @protected(tokens, _READ)
    @query_string(PurposeQuery)
    def file(identifier: str, *, principal: Principal, query: PurposeQuery) -> Response:
        release = _release(principal)
        issued = service.file(principal, _identifier(identifier), _purpose(query.purpose, release), release)
        name = quote(f"{service.type_name_zh(issued.certificate)}-{issued.certificate.identifier}.pdf")
        response = private(Response(issued.content, mimetype="application/pdf"))
        response.headers["Content-Disposition"] = (  # RFC 6266 with the extended form of RFC 5987
            f"attachment; filename=\"{issued.certificate.identifier}.pdf\"; filename*=UTF-8''{name}"
        )
        return response

    @routes.post("/search")
    @routes.doc(summary="Find the certificates of a holder for a purpose")
    @protected(tokens, _READ)
    @json_body(SearchBody, example=_SEARCH_EXAMPLE)
    def search(*, principal: Principal, body: SearchBody) -> Response:
        release = _release(principal)
        holder = None if body.holder is None else body.holder.parse()
        purpose = _purpose(body.purpose, release)
        if release is not None:
            found = service.find_released(principal, holder, purpose, release)
        elif holder is not None:
            found = service.find_by_holder(principal, holder, purpose)
        else:
            raise FieldMissing(field="holder")
        return private(jsonify({"certificates": [_shown(service, certificate) for certificate in found]}))


def _add_change(
    routes: APIBlueprint, service: CertificateService, tokens: TokenChecker, action: Action, summary: str
) -> None:
    @routes.post(f"/<identifier>/{action.value}", endpoint=action.value)
    @routes.doc(summary=summary, description="Only the issuing authority may, and two different clerks take part.")
    @protected(tokens, _REVOKE)
    @json_body(ChangeBody, example=_CHANGE_EXAMPLE)
    def change(identifier: str, *, principal: Principal, body: ChangeBody) -> Response:
        command = ChangeCommand(
            identifier=_identifier(identifier),
            action=action,
            reason=body.reason,
            requested_by=body.requested_by,
            approved_by=body.approved_by,
        )
        return private(jsonify(_shown(service, service.change(principal, command))))


_ISSUED: dict[int | str, Any] = {201: {"description": "Issued now, or earlier under the same key"}}
_PDF: dict[int | str, Any] = {
    200: {
        "description": "The file as issued, byte for byte",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _identifier(text: str) -> CertificateIdentifier:
    return CertificateIdentifier.parse(text, field="identifier")


def _release(principal: Principal) -> Release | None:
    """Return what a person's token opens; None for a department's own token."""
    bound = principal.bound
    if bound is None:
        return None
    return Release(
        holders=bound.holders,
        types=bound.types,
        purpose=Purpose(text=bound.purpose),
        purpose_zh=Purpose(text=bound.purpose_zh),
        hop=bound.hop,
        clerk=bound.clerk,
        counter=bound.counter,
    )


def _purpose(given: str | None, release: Release | None) -> Purpose:
    """Return the stated purpose, or that of the person's token. Raises `FieldMissing`, `PurposeMismatch`."""
    if release is not None:
        return release.for_purpose(given)
    if given is None:
        raise FieldMissing(field="purpose")
    return Purpose(text=given)


def _shown(service: CertificateService, certificate: Certificate) -> dict[str, Any]:
    state, since = service.state(certificate)
    return {
        "identifier": certificate.identifier,
        "status": state.value,
        "since": since.isoformat(),
        "type": certificate.type_code,
        "type_name_zh": service.type_name_zh(certificate),
        "authority": certificate.authority,
        "issued_at": certificate.issued_at.isoformat(),
        "valid_from": certificate.valid_from.isoformat(),
        "valid_to": certificate.valid_to.isoformat() if certificate.valid_to else None,
        "supersedes": certificate.supersedes,
        "superseded_by": certificate.superseded_by,
        "file_sm3": certificate.file_sm3.hex(),
        "links": {
            "self": url_for("certs.show", identifier=certificate.identifier),
            "file": url_for("certs.file", identifier=certificate.identifier),
            "verification": service.verification_link(certificate).text,
        },
    }


def _shown_contents(opened: Opened) -> dict[str, Any]:
    contents = opened.contents
    code = contents.holder.code
    return {
        "holder": {"kind": code.kind, "number": code.masked, "name": contents.holder.name},
        "number": contents.number,
        # The face may repeat the holder's number in a field of its own.
        "face": {
            key: value.replace(code.number, code.masked) if isinstance(value, str) else value
            for key, value in contents.face.items()
        },
    }
