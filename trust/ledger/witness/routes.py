"""The witness over HTTP: two addresses, as C2SP tlog-witness has them, and nothing else."""

import re

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from trust.kernel.errors import TrustError
from trust.ledger.witness.protocol import MAX_REQUEST_BYTES
from trust.ledger.witness.service import Witness

_ORIGIN_HASH = re.compile("[0-9a-f]{64}")
_PLAIN = "text/plain; charset=utf-8"
_log = structlog.get_logger("trust.ledger.witness")


def witness_application(witness: Witness) -> Flask:
    """Return the application that serves a witness; submission and monitoring prefix are the same."""
    application = Flask("trust.ledger.witness", static_folder=None)
    application.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES

    @application.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        answer = witness.add_checkpoint(request.get_data(cache=False))
        return Response(answer.body, status=answer.status, content_type=answer.content_type)

    @application.get("/<origin_hash>/checkpoint")
    def checkpoint(origin_hash: str) -> Response:
        found = witness.checkpoint(origin_hash) if _ORIGIN_HASH.fullmatch(origin_hash) else None
        if found is None:
            return _plain("No checkpoint of this log was cosigned.", 404)
        response = Response(found, content_type=_PLAIN)
        response.headers["Cache-Control"] = "no-cache"
        return response

    @application.errorhandler(TrustError)
    def broken(error: TrustError) -> Response:
        """The witness cannot read or keep its state: the log is told to come back, not why."""
        _log.error("witness-broken", code=error.code, detail=error.detail)
        return _plain("The witness cannot work at present.", 503)

    @application.errorhandler(RequestEntityTooLarge)
    def too_large(_error: RequestEntityTooLarge) -> Response:
        return _plain(f"A request has at most {MAX_REQUEST_BYTES} bytes.", 400)

    return application


def _plain(text: str, status: int) -> Response:
    return Response(f"{text}\n", status=status, content_type=_PLAIN)
