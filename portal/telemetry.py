"""Logs and metrics: one JSON line and two measurements per request.

A line names the route's template, never the path or the query string: those may hold what a person typed (law 7).
"""

import logging
import sys
import time
from collections.abc import Sequence
from typing import Final

import structlog
from flask import Blueprint, Flask, Response, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from typing_extensions import override

UNMATCHED: Final = "unmatched"
"""The route of a request that matched none; the path itself would let anyone fill the metrics store."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds by machines
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
_STARTED = "yinxin.started"
_FAULT = 500


_PLAIN_LOGGERS = ("trust.gm",)
"""What logs by the standard library, to be taken elsewhere as it is: which engine was chosen, and its self-test."""


def configure_logging(level: str) -> None:
    """Write events of at least `level` (debug, info, warning, error) as JSON lines to standard error."""
    for name in _PLAIN_LOGGERS:
        plain = logging.getLogger(name)
        plain.setLevel(level.upper())
        plain.handlers = [_ToStructlog()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )


class _ToStructlog(logging.Handler):
    """Hands a record of the standard library on, so that all lines are of one form."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name)


class Metrics:
    """The measurements of one application. With `PROMETHEUS_MULTIPROC_DIR` set, all processes are counted together."""

    def __init__(self, collectors: Sequence[Collector] = ()) -> None:
        """`collectors` are asked each time the measurements are; what they tell is not added up over processes."""
        self._registry = CollectorRegistry()
        self._collected = CollectorRegistry()
        for collector in collectors:
            self._collected.register(collector)
        self._requests = Counter(
            "yinxin_http_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "yinxin_http_request_seconds",
            "Time to answer, in seconds.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def count(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """Return the measurements in the Prometheus text format."""
        shared = CollectorRegistry()
        try:
            MultiProcessCollector(shared)  # type: ignore[no-untyped-call]
        except ValueError:  # the launcher set no folder: there is one process
            return generate_latest(self._registry) + generate_latest(self._collected)
        return generate_latest(shared) + generate_latest(self._collected)


def install(app: Flask, metrics: Metrics) -> None:
    """Log and measure every request of `app`, and serve `/metrics`."""
    log = structlog.get_logger("portal.requests")

    def begin() -> None:
        request.environ[_STARTED] = time.perf_counter()

    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - request.environ[_STARTED]
        rule = request.url_rule
        route = UNMATCHED if rule is None else rule.rule
        method = request.method if request.method in _METHODS else "OTHER"
        status = response.status_code
        metrics.count(method=method, route=route, status=status, seconds=seconds)
        write = log.debug if route in _QUIET else log.error if status >= _FAULT else log.info
        write("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))
        return response

    def show() -> Response:
        return Response(metrics.text(), content_type=CONTENT_TYPE_LATEST)

    app.before_request(begin)
    app.after_request(finish)
    routes = Blueprint("metrics", __name__)
    routes.add_url_rule("/metrics", "metrics", show)
    app.register_blueprint(routes)
