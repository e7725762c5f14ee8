"""Errors as problem documents (RFC 9457), and the one table that turns a family of errors into an HTTP status.

What leaves: the error class's fixed sentences, its public `detail`, the `field`, and the correlation id. What is
logged, once per refusal: code, status, correlation id and the error's `facts`. Neither ever holds a body, a query
string, the text of an unexpected exception, or a personal number (law 7).
"""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import structlog
from apiflask import HTTPError
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from trust.http import correlation
from trust.http.errors import (
    AddressUnknown,
    BodyTooLarge,
    FieldInvalid,
    MediaTypeUnsupported,
    MethodUnsupported,
    ProofRefused,
    ScopeMissing,
    TokenMissing,
)
from trust.kernel.errors import (
    Conflict,
    InternalFault,
    InvalidInput,
    MalformedInput,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NotReady,
    RateLimited,
    TooLarge,
    TrustError,
    Unavailable,
)
from trust.kernel.randomness import Randomness

MEDIA_TYPE = "application/problem+json"
TYPE_PATH = "/problems/"
"""A problem's `type` is this path with the code behind it; the address shows the page that explains the problem."""

STATUS: Mapping[type[TrustError], int] = MappingProxyType(
    {
        MethodUnsupported: 405,
        MediaTypeUnsupported: 415,
        MalformedInput: 400,
        InvalidInput: 422,
        TooLarge: 413,
        NotAuthenticated: 401,
        NotAllowed: 403,
        NotFound: 404,
        Conflict: 409,
        RateLimited: 429,
        Unavailable: 503,
        NotReady: 503,
        InternalFault: 500,
    }
)
"""Closed: the families, and the two refusals for which HTTP itself prescribes a number."""

_RETRY_SECONDS = 5  # for an unavailable part, when nothing better is known: longer than a restart of a worker
_INTERNAL = 500
_CHALLENGE = 'Bearer realm="yinxin"'
_PROOF_CHALLENGE = 'DPoP realm="yinxin", algs="ES256 RS256 PS256", error="invalid_dpop_proof"'

_log = structlog.get_logger("trust.http")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem document. `instance` is the correlation id of the request as a URN."""

    type: str
    title: str
    title_zh: str
    status: int
    detail: str
    code: str
    remedy: str
    remedy_zh: str
    instance: str
    field: str | None

    def document(self) -> dict[str, object]:
        """Return the members as JSON has them; `field` is absent when no field is at fault."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def status_of_class(kind: type[TrustError]) -> int:
    """Return the HTTP status of a class of errors; 500 when it belongs to no family."""
    return next((STATUS[base] for base in kind.__mro__ if base in STATUS), _INTERNAL)


def status_of(error: TrustError) -> int:
    """Return the HTTP status of an error."""
    return status_of_class(type(error))


def problem_of(error: TrustError, instance: str) -> Problem:
    """Return what the caller may know of `error`."""
    return Problem(
        type=TYPE_PATH + error.code,
        title=error.title,
        title_zh=error.title_zh,
        status=status_of(error),
        detail=error.detail,
        code=error.code,
        remedy=error.remedy,
        remedy_zh=error.remedy_zh,
        instance=f"urn:uuid:{instance}",
        field=error.field,
    )


def install(
    app: Flask,
    *,
    randomness: Randomness | None = None,
    page: Callable[[Problem], str] | None = None,
) -> None:
    """Make every error of `app` a logged problem document with a correlation id.

    `page` renders the problem as HTML for a browser: for requests that prefer `text/html`.
    """
    correlation.install(app, randomness)

    def respond(error: TrustError) -> Response:
        problem = problem_of(error, correlation.correlation_id())
        _record(error, problem)
        response = _page(problem, page) if page is not None and _wants_page() else _document(problem)
        response.headers.update(_headers(error, problem.status))
        return response

    def http(error: HTTPException) -> Response:
        response = respond(_from_werkzeug(error))
        if allow := dict(error.get_headers()).get("Allow"):
            response.headers["Allow"] = allow
        return response

    def unexpected(error: Exception) -> Response:
        fault = InternalFault()
        fault.__cause__ = error
        return respond(fault)

    app.register_error_handler(TrustError, respond)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(HTTPError, lambda error: respond(_from_apiflask(error)))
    app.register_error_handler(Exception, unexpected)


def _from_werkzeug(error: HTTPException) -> TrustError:
    """Translate what Flask and Werkzeug raise; the sentences are ours, as theirs may repeat the input."""
    if isinstance(error, RequestEntityTooLarge):
        limit = request.max_content_length
        return BodyTooLarge(f"This operation reads at most {limit} bytes." if limit else "")
    status = error.code or _INTERNAL
    fixed: dict[int, type[TrustError]] = {404: AddressUnknown, 405: MethodUnsupported, 415: MediaTypeUnsupported}
    if status in fixed:
        return fixed[status]()
    if status < _INTERNAL:
        return MalformedInput()
    fault = InternalFault()
    fault.__cause__ = getattr(error, "original_exception", None)
    return fault


def _from_apiflask(error: HTTPError) -> TrustError:
    """Translate a refusal by APIFlask's own validation: `{location: {field: [message, …]}}`."""
    if isinstance(error.detail, dict):
        for fields in error.detail.values():
            if isinstance(fields, dict) and fields:
                field, messages = next(iter(fields.items()))
                return FieldInvalid(f"{messages[0]}." if messages else "", field=str(field))
    return MalformedInput() if error.status_code < _INTERNAL else InternalFault()


def _document(problem: Problem) -> Response:
    body = json.dumps(problem.document(), ensure_ascii=False)
    return Response(body, status=problem.status, content_type=MEDIA_TYPE)


def _page(problem: Problem, page: Callable[[Problem], str]) -> Response:
    return Response(page(problem), status=problem.status, content_type="text/html; charset=utf-8")


def _wants_page() -> bool:
    best = request.accept_mimetypes.best_match(("application/json", "text/html"), default="application/json")
    return best == "text/html"


def _headers(error: TrustError, status: int) -> dict[str, str]:
    """Return the headers that HTTP demands with a status (RFC 9110 section 15, RFC 6750 section 3)."""
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, ProofRefused):
        headers["WWW-Authenticate"] = _PROOF_CHALLENGE
    elif isinstance(error, NotAuthenticated):
        reason = "" if isinstance(error, TokenMissing) else ', error="invalid_token"'
        headers["WWW-Authenticate"] = _CHALLENGE + reason
    elif isinstance(error, ScopeMissing):
        headers["WWW-Authenticate"] = f'{_CHALLENGE}, error="insufficient_scope", scope="{error.facts["scope"]}"'
    if error.retryable and status in {429, 503}:
        headers["Retry-After"] = str(error.facts.get("retry_after_seconds", _RETRY_SECONDS))
    return headers


def _record(error: TrustError, problem: Problem) -> None:
    facts: dict[str, Any] = {"code": problem.code, "status": problem.status, "facts": error.facts}
    if problem.status < _INTERNAL:
        _log.info("refused", **facts)
    elif error.retryable or isinstance(error, NotReady):
        _log.warning("refused", **facts)
    else:
        _log.error("failed", **facts, **_origin(error.__cause__ or error))


def _origin(error: BaseException) -> dict[str, object]:
    """Return kind and place of an exception. Its text stays out: a driver's message may quote the data it choked on."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "exception": f"{type(error).__module__}.{type(error).__qualname__}",
        "frames": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
