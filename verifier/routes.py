"""`POST /api/v1/verify`: open to anyone, rate-limited by address. A file, or an identifier, or the text of a QR code.

What was judged is answered with 200 and the report, whatever the verdict. Only what cannot be read is a problem
document. Files live in memory for the length of the request and are kept nowhere.
"""

from typing import Annotated, Any, Final

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import Field

from trust.http.parsing import StrictModel, described_contents, read_json
from trust.http.rate import RateLimiter, client_address
from verifier.api import Verifier
from verifier.errors import VerifyInput
from verifier.report import Report

_MAX_TEXT: Final = 1024  # characters: the longest text that a printed code of ours holds is a third of it
_MULTIPART = "multipart/form-data"
_Text = Annotated[str, Field(min_length=1, max_length=_MAX_TEXT)]
_ANSWERS: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {
        "description": "The report: verdict VALID, INVALID or INDETERMINATE, and one result per step.",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "verdict": "INVALID",
                    "code": "digest-mismatch",
                    "reason": {
                        "en": "The content was changed after it was signed.",
                        "zh": "文件内容在签章之后被改动。",
                    },
                },
            }
        },
    },
    400: {"description": "The file cannot be read: `not-a-document`, `pdf-malformed`, `pdf-encrypted`."},
    413: {"description": "`upload-too-large`, `pdf-bomb`."},
    422: {"description": "`verify-input`, or the part of the identifier that is wrong."},
    429: {"description": "`rate-limited`."},
}


class VerifyBody(StrictModel):
    """An identifier or the text of a QR code; exactly one."""

    identifier: _Text | None = None
    qr: _Text | None = None


_BODY = {
    _MULTIPART: {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "string", "format": "binary", "description": "The certificate's file"}},
            "required": ["file"],
        }
    },
    "application/json": {"schema": VerifyBody.model_json_schema(), "example": {"identifier": "1.2.156.3005.2.…"}},
}


def blueprint(verifier: Verifier, limiter: RateLimiter) -> APIBlueprint:
    """Return the routes over a ready verifier; `limiter` admits each client address."""
    routes = APIBlueprint("verify", __name__, url_prefix="/api/v1", tag="Verification")

    @routes.post("/verify")
    @routes.doc(
        summary="Verify a certificate",
        description="By its file (multipart form, field `file`), or by `identifier` or `qr` (JSON). No authentication.",
        responses=_ANSWERS,
        operation_id="verify",
    )
    @described_contents(_BODY)
    def verify() -> Response:
        limiter.admit(client_address())
        return jsonify(_judge(verifier).to_json())

    return routes


def _judge(verifier: Verifier) -> Report:
    if request.mimetype == _MULTIPART:
        return verifier.verify_file(_uploaded(verifier.max_bytes))
    body = read_json(VerifyBody)
    if body.identifier is not None and body.qr is None:
        return verifier.verify_identifier(body.identifier)
    if body.qr is not None and body.identifier is None:
        return verifier.verify_qr(body.qr)
    raise VerifyInput


def _uploaded(max_bytes: int) -> bytes:
    files = request.files.getlist("file")
    if len(files) != 1 or len(request.files) != 1 or request.form:
        raise VerifyInput("The form must hold exactly one part, the file, under the name `file`.", field="file")
    return files[0].stream.read(max_bytes + 1)
