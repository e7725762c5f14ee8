"""Assembles the served application from ready parts; it makes no decision of its own and opens nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from apiflask import APIFlask
from flask import Blueprint, Flask
from prometheus_client.registry import Collector
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import telemetry
from portal.pages import description, operations, reference, verification
from portal.pages.operations import Check
from portal.pages.rendering import Pages
from portal.pages.verification import Judge
from trust.config import Settings
from trust.http import headers, parsing, problems
from trust.http.problems import Problem
from trust.http.rate import RateLimiter
from trust.kernel.randomness import Randomness

VERSION = "1"
"""Version of the API as its addresses have it: `/api/v1`."""

_STATIC_SECONDS = 24 * 3600  # our pages name a static file together with its digest, so it may be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the application is assembled from; `blueprints` are the routes of the contexts with their services.

    `person_pages` makes the routes of the pages of signed-in people over the application's frame.
    """

    settings: Settings
    randomness: Randomness
    judge: Judge
    verify_limiter: RateLimiter
    blueprints: Sequence[Blueprint]
    checks: Sequence[Check]
    person_pages: Callable[[Flask, Pages], Sequence[Blueprint]] = lambda _app, _pages: ()
    collectors: Sequence[Collector] = ()


def create_app(parts: Parts) -> APIFlask:
    """Return the application, ready to be served."""
    settings = parts.settings
    app = APIFlask("portal", title=description.TITLE, version=VERSION, docs_path=None)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = _STATIC_SECONDS
    if settings.trusted_proxies:  # rate limits are kept by address: behind a proxy all callers would share one
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    pages = Pages(app)

    # Flask runs what is installed first before the others on the way in, and after the others on the way out.
    telemetry.install(app, telemetry.Metrics(parts.collectors))
    headers.install(app, https=settings.public_url.startswith("https://"))
    problems.install(app, randomness=parts.randomness, page=lambda problem: _problem_page(pages, problem))
    parsing.install(app, max_json_bytes=settings.max_body_bytes, max_upload_bytes=settings.max_upload_bytes)
    description.install(app, public_url=settings.public_url)

    app.register_blueprint(operations.blueprint(parts.checks))
    app.register_blueprint(reference.blueprint(pages, cache(partial(description.document, app))))
    app.register_blueprint(
        verification.blueprint(pages, parts.judge, parts.verify_limiter, public_url=settings.public_url)
    )
    for blueprint in (*parts.person_pages(app, pages), *parts.blueprints):
        app.register_blueprint(blueprint)
    return app


def _problem_page(pages: Pages, problem: Problem) -> str:
    return pages.render("problem.html", kind=problem, code=problem.code, status=problem.status, problem=problem)
