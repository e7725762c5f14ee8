"""One id per request, shown to the caller and written in every log line of the request.

The id is ours alone: an id taken from the caller would let it forge or merge entries of the log.
"""

import uuid

from flask import Flask, Response, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from trust.kernel.randomness import Randomness, SystemRandomness

HEADER = "X-Correlation-Id"
_PLACE = "yinxin.correlation"


def correlation_id() -> str:
    """Return the id of the present request."""
    return str(request.environ[_PLACE])


def install(app: Flask, randomness: Randomness | None = None) -> None:
    """Give every request of `app` an id: UUID version 4, in the log context and in `X-Correlation-Id`."""
    source = randomness or SystemRandomness()

    def begin() -> None:
        identifier = str(uuid.UUID(bytes=source.token(16), version=4))
        request.environ[_PLACE] = identifier
        clear_contextvars()
        bind_contextvars(correlation=identifier)

    def finish(response: Response) -> Response:
        response.headers[HEADER] = correlation_id()
        return response

    app.before_request(begin)
    app.after_request(finish)
