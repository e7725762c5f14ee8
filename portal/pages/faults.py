"""Forms that were filled in wrongly: refusals of the services as sentences next to the fields they are about."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

import structlog
from flask import request

from portal.pages.rendering import language
from trust.http.problems import status_of
from trust.kernel.errors import (
    Conflict,
    InvalidInput,
    MalformedInput,
    NotAllowed,
    NotAuthenticated,
    RateLimited,
    TrustError,
)

MENDABLE: Final = (InvalidInput, MalformedInput, NotAuthenticated, NotAllowed, Conflict, RateLimited)
"""What the person can do something about: the form is shown again. Everything else is a problem page."""

FORM: Final = "form"
"""Stands for the form as a whole, where no single field is at fault."""

_log = structlog.get_logger("portal.forms")


def fault_of(error: TrustError, fields: Iterable[str], *, otherwise: str = FORM) -> dict[str, str]:
    """Return the sentence for the field that `error` names, or for `otherwise`; the refusal is logged."""
    _log.info("refused", code=error.code, endpoint=request.endpoint)
    chinese = language() == "zh"
    sentences = (error.title_zh, error.remedy_zh) if chinese else (error.title, error.remedy)
    named = (error.field or "").rpartition(".")[2]
    return {named if named in fields else otherwise: ("" if chinese else " ").join(sentences)}


def missing(fields: Iterable[str], sentence: str) -> dict[str, str]:
    """Return a fault for each of `fields` that the form left empty."""
    return {name: sentence for name in fields if not request.form.get(name, "").strip()}


def status_for(error: TrustError | None) -> HTTPStatus:
    """Return the status of the form shown again: 429 when the person has to wait, else 422."""
    waits = isinstance(error, RateLimited)
    return HTTPStatus(status_of(error)) if error is not None and waits else HTTPStatus.UNPROCESSABLE_ENTITY


def retry_headers(error: TrustError | None) -> Mapping[str, str]:
    """Return `Retry-After` when the service says how long to wait (RFC 9110 section 10.2.3)."""
    seconds = error.facts.get("retry_after_seconds") if isinstance(error, RateLimited) else None
    return {} if seconds is None else {"Retry-After": str(seconds)}
