"""A frame with one page inside and one outside, and people from memory."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType, SimpleNamespace

from flask import Flask
from flask.testing import FlaskClient
from jinja2 import DictLoader

from portal.pages.browser import Browser, BrowserServices, Visitor
from portal.pages.rendering import Pages
from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.signin.domain import Method, Session, Strength
from tests.fakes import MOMENT, CountingRandomness
from trust.formats.holders import HolderNumber
from trust.http import headers, problems
from trust.kernel.errors import NotFound, Unavailable
from trust.sealing import BlindIndex

PUBLIC_URL = "https://trust.example"
SESSION_COOKIE = "__Host-yinxin"
SECRET = "secret-of-zhang"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

ZHANG = Person(
    id="01JPERSON0000000000000ZHAN",
    code=HolderNumber(kind="111", number="11010519491231002X"),
    name="张三",
    level=ProofingLevel.TWO_ELEMENT_MATCH,
    state=PersonState.ACTIVE,
    epoch=0,
    created_at=MOMENT,
)


def session_of(person: Person, name: str = "01JSESSION", strength: Strength = Strength.PASSWORD) -> Session:
    return Session(
        id=name,
        person=person.id,
        person_epoch=person.epoch,
        strength=strength,
        methods=(Method.PASSWORD,),
        auth_time=MOMENT,
        created_at=MOMENT,
        last_seen_at=MOMENT,
        expires_at=MOMENT + timedelta(hours=8),
        client="Chromium · Linux",
    )


VISITOR = Visitor(session=session_of(ZHANG), person=ZHANG)


@dataclass
class People:
    """Sessions by their secret, persons by their id."""

    sessions: dict[str, Session] = field(default_factory=dict)
    persons: dict[str, Person] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    disabled: bool = False
    broken: bool = False

    def find(self, secret: str) -> Session | None:
        self.asked.append(secret)
        if self.broken:
            raise Unavailable
        return self.sessions.get(secret)

    def get(self, person_id: str) -> Person:
        if person_id not in self.persons:
            raise NotFound
        person = self.persons[person_id]
        return replace(person, state=PersonState.DISABLED) if self.disabled else person


def zhang() -> People:
    return People(
        sessions={SECRET: VISITOR.session, "other-secret": session_of(ZHANG, "01JOTHER")}, persons={ZHANG.id: ZHANG}
    )


def plain_app(people: People, public_url: str = PUBLIC_URL) -> tuple[Flask, Browser]:
    """Return an application with the frame in it, as the factory will make it."""
    app = Flask("portal")
    app.config["PREFERRED_URL_SCHEME"], _, app.config["SERVER_NAME"] = public_url.partition(
        "://"
    )  # for the test client
    pages = Pages(app)
    headers.install(app, https=public_url.startswith("https://"))
    problems.install(
        app,
        randomness=CountingRandomness(),
        page=lambda problem: pages.render(
            "problem.html", kind=problem, code=problem.code, status=problem.status, problem=problem
        ),
    )
    services = BrowserServices(
        sessions=people,
        persons=people,
        marks=BlindIndex(hashlib.sha256(b"tests").digest()),
        randomness=CountingRandomness(),
        public_url=public_url,
    )
    browser = Browser(app, pages, services)
    return app, browser


@dataclass
class World:
    app: Flask
    browser: Browser
    people: People
    client: FlaskClient
    done: list[str] = field(default_factory=list)

    def sign_in(self, secret: str = SECRET) -> FlaskClient:
        client = self.app.test_client()
        client.set_cookie(SESSION_COOKIE, secret, domain="trust.example")
        return client


def frame_app(public_url: str = PUBLIC_URL) -> World:
    people = zhang()
    app, browser = plain_app(people, public_url)
    app.jinja_loader = DictLoader(
        {
            name: app.jinja_loader.get_source(app.jinja_env, name)[0]
            for name in ("base.html", "problem.html", "_fields.html")
        }
        | {
            "small.html": '{% extends "base.html" %}{% from "_fields.html" import csrf %}{% block content %}<h1>x</h1>'
            '<form method="post">{{ csrf(form_token()) }}</form>{% endblock %}'
        }
    )
    world = World(app=app, browser=browser, people=people, client=app.test_client())
    texts = MappingProxyType(
        {
            "zh": SimpleNamespace(notes={"done": "已完成。"}),
            "en": SimpleNamespace(notes={"done": "Done."}),
        }
    )
    routes = browser.blueprint("small")

    @routes.route("/inside", methods=["GET", "POST"])
    @browser.signed_in
    def inside(*, visitor):
        from flask import request

        if request.method == "POST":
            world.done.append(visitor.person.id)
            return browser.go("/inside", note="done")
        return browser.page("small.html", texts=texts)

    @routes.route("/open", methods=["GET", "POST"])
    def outside():
        from flask import request

        return browser.go("/open") if request.method == "POST" else browser.page("small.html", texts=texts)

    app.register_blueprint(routes)
    return world


def token_in(answer) -> str:
    """Return a form token of the page's own form (the last one: the head has one too)."""
    return re.findall(r'name="csrf" value="([^"]+)"', answer.get_data(as_text=True))[-1]
