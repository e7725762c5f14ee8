"""All pages for people who sign in, over the real sign-in desk on SQLite; what other contexts say comes from tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient

from portal.pages import consent, joining, leaving, security, signin, stepping
from portal.pages.asking import Asking
from portal.pages.browser import Browser
from portal.pages.consent import ConsentServices
from portal.pages.entering import SignInServices
from portal.pages.joining import JoiningServices
from portal.pages.security import SecurityServices
from sso.accounts.domain import Person
from sso.accounts.errors import ProofingSourceResting
from sso.accounts.ports import Claims
from sso.counters.domain import Matter
from sso.counters.errors import MatterRetired
from sso.keycloak.domain import UpstreamOrigin, UpstreamSignIn
from sso.keycloak.errors import UpstreamDeclined, UpstreamUnknown
from sso.mandates.domain import Mandate, MandateKind
from sso.provider.authorize import Need, Pending
from sso.provider.domain import Client, RelyingSystem, Scope
from sso.provider.errors import (
    AuthorizationExpired,
    AuthorizationNotReady,
    AuthorizationRefused,
    AuthorizationUnusable,
    MandateNotUsable,
)
from sso.provider.logout import LogoutRequest
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.requests import AuthorizationRequest, Prompt
from sso.signin.domain import Method, Session, Strength
from sso.signin.passwords import check_new_password
from sso.signin.service import SignInDesk, Site
from sso.signin.sessions import Sessions
from tests.fakes import MOMENT
from tests.portal.people import PUBLIC_URL, plain_app
from tests.sso.signin import world as signing
from tests.sso.signin.world import PASSWORD, ZHANG
from trust.formats.holders import HolderNumber
from trust.http import parsing
from trust.http.rate import RateLimiter
from trust.kernel.identifiers import Uscc

CALLBACK = "https://counter.example/callback"
TYPE = "11100000000013127D001"
MATTER = Matter(
    code="350100-FOOD-01",
    name="Food business licence",
    name_zh="食品经营许可",
    purpose="To check your business licence while handling your application for a food business licence.",
    purpose_zh="办理食品经营许可申请时核对您的营业执照。",
    types=frozenset({TYPE}),
)
RELYING = RelyingSystem(
    redirect_uris=(CALLBACK,), matters=frozenset({MATTER.code}), types=frozenset({TYPE}), sector="counter.example"
)
CLIENT = Client(
    id="01JCLIENT00000000000000001",
    label="示范区政务服务窗口系统",
    authority=Uscc.parse("91350100M000100Y43"),
    scopes=frozenset({Scope.OPENID, Scope.PROFILE, Scope.CERTS_READ, Scope.OFFLINE_ACCESS}),
    created_at=MOMENT,
    relying=RELYING,
)
FIRM = replace(signing.FIRM, name="示例食品有限公司")
MANDATE = Mandate(
    id="01JMANDATE0000000000000001",
    kind=MandateKind.STANDING_AGENT,
    principal=FIRM.id,
    agent=ZHANG.id,
    granted_by=ZHANG.id,
    matters=frozenset({MATTER.code}),
    types=frozenset(),
    valid_from=MOMENT - timedelta(days=1),
    valid_until=MOMENT + timedelta(days=90),
    created_at=MOMENT,
)


@dataclass
class TableDesk:
    """Answers authorization requests from memory, by the rules of the real desk's docstrings."""

    callback: str = CALLBACK
    pending: dict[str, Pending] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    remembered: bool = False
    stale: bool = False
    answers: list[tuple[str, str | None]] = field(default_factory=list)

    def open(self, parameters: Mapping[str, Sequence[str]]) -> Pending:
        if parameters.get("client_id") != [CLIENT.id]:
            raise AuthorizationUnusable("The system is not registered for sign-in.", field="client_id")
        if "code_challenge" not in parameters:
            raise AuthorizationRefused("invalid_request", redirect_to=f"{self.callback}?error=invalid_request")
        asked = {name: values[0] for name, values in parameters.items()}
        request = AuthorizationRequest(
            client=CLIENT.id,
            redirect_uri=self.callback,
            scopes=CLIENT.scopes,
            challenge=asked["code_challenge"],
            matter=asked.get("matter") or None,
            acr=Strength.find(asked.get("acr_values", "")),
            prompt=frozenset(Prompt(name) for name in asked.get("prompt", "").split()),
            ui_locales=tuple(asked.get("ui_locales", "").split()),
        )
        number = len(self.pending)
        pending = Pending(
            id=f"{number:043d}",
            client=CLIENT,
            relying=RELYING,
            request=request,
            created_at=MOMENT,
            expires_at=MOMENT + timedelta(minutes=30),
        )
        self.pending[pending.id] = pending
        return pending

    def find(self, pending_id: str) -> Pending:
        if pending_id not in self.pending:
            raise AuthorizationExpired
        return self.pending[pending_id]

    def need(self, pending: Pending, session: Session | None) -> Need:
        need = self._need(pending, session)
        if need is not Need.NOTHING and Prompt.NONE in pending.prompt:
            raise AuthorizationRefused("login_required", redirect_to=self.refuse(pending, "login_required"))
        if need is Need.CONSENT and session is not None:
            self.seen[pending.id] = session.id
        return need

    def approve(self, pending: Pending, session: Session, *, represents: str | None = None) -> str:
        need = self._need(pending, session)
        if need is not Need.NOTHING and self.seen.get(pending.id) != session.id:
            raise AuthorizationNotReady
        if represents not in {None, MANDATE.id}:
            raise MandateNotUsable(field="represents")
        self.find(pending.id)
        del self.pending[pending.id]
        self.answers.append(("approved", represents))
        return f"{self.callback}?code=c"

    def refuse(self, pending: Pending, error: str = "access_denied") -> str:
        del self.pending[pending.id]
        self.answers.append((error, None))
        return f"{self.callback}?error={error}"

    def _need(self, pending: Pending, session: Session | None) -> Need:
        if session is None or self.stale:
            return Need.SIGN_IN
        if pending.acr is not None and session.strength < pending.acr:
            return Need.STEP_UP
        return Need.NOTHING if self.remembered else Need.CONSENT


AFTERWARDS = "https://counter.example/bye"


@dataclass
class LogoutTable:
    """Judges by three words: `hint` is `ours` (no question), `bad` (refused) or anything else."""

    sessions: Sessions

    def open(self, parameters: Mapping[str, Sequence[str]], session: Session | None) -> LogoutRequest:
        hint = parameters.get("id_token_hint", [""])[0]
        if hint == "bad":
            raise OAuthRefused("invalid_request", "The id_token_hint is not an ID token of this service.")
        address = parameters.get("post_logout_redirect_uri", [None])[0]
        return LogoutRequest(
            client=CLIENT if address else None,
            redirect_to=address,
            confirm=session is not None and hint != "ours",
            parameters={name: values[0] for name, values in parameters.items() if name != "csrf"},
        )

    def complete(self, request: LogoutRequest, session: Session | None) -> str | None:
        if session is not None:
            self.sessions.end(session.id, by=session.person)
        return request.redirect_to


@dataclass
class Tables:
    """Mandates, matters, names, other platforms and registrations, from memory."""

    mandates: list[Mandate] = field(default_factory=list)
    registered: list[tuple[str, str, str]] = field(default_factory=list)
    bound: list[str] = field(default_factory=list)
    opened_sessions: list[str] = field(default_factory=list)
    registers_down: bool = False
    matter_retired: bool = False

    def usable(self, agent: str, matter: str | None, now: datetime) -> Sequence[Mandate]:
        return [mandate for mandate in self.mandates if mandate.agent == agent and mandate.covers(matter, now=now)]

    def matter(self, code: str) -> Matter:
        assert code == MATTER.code
        if self.matter_retired:
            raise MatterRetired(field="matter")
        return MATTER

    def type_name(self, code: str, *, english: bool) -> str:
        return "Business licence" if english else "营业执照"

    def authority_name(self, uscc: str, *, english: bool) -> str:
        return "Demonstration District Bureau" if english else "示范区市场监督管理局"

    def register(self, code: HolderNumber, claims: Claims, password: str) -> None:
        if self.registers_down:
            raise ProofingSourceResting(retry_after_seconds=30)
        check_new_password(password, replace(ZHANG, code=code, name=claims.name))
        self.registered.append((code.text, claims.name, password))

    def sources(self) -> Sequence[object]:
        return (UPSTREAM,)

    def begin(self, source: str, browser_binding: str, *, fresh: bool = False) -> str:
        if source != UPSTREAM.name:
            raise UpstreamUnknown
        self.bound.append(browser_binding)
        return f"https://province.example/auth?prompt={'login' if fresh else ''}"

    def finish(self, source: str, parameters: Mapping[str, Sequence[str]], browser_binding: str) -> UpstreamSignIn:
        assert browser_binding in self.bound
        if "error" in parameters:
            raise UpstreamDeclined
        origin = UpstreamOrigin(source=source, subject=b"s", session=None)
        return UpstreamSignIn(
            person=ZHANG, strength=Strength.PASSWORD, methods=(Method.UPSTREAM,), auth_time=MOMENT, origin=origin
        )

    def opened(self, sign_in: UpstreamSignIn, session: Session) -> None:
        self.opened_sessions.append(session.id)


@dataclass(frozen=True)
class Upstream:
    name: str
    title: str
    title_zh: str


UPSTREAM = Upstream("province", "Provincial platform", "省政务服务平台")


@dataclass
class Office:
    """Everything together, with a browser."""

    app: Flask
    browser: Browser
    signing: signing.World
    desk: SignInDesk
    asked: TableDesk
    tables: Tables
    client: FlaskClient

    def page(self, path: str, **arguments: str) -> str:
        answer = self.client.get(path + (f"?{urlencode(arguments)}" if arguments else ""))
        assert answer.status_code == 200, (path, answer.status_code, answer.location)
        return answer.get_data(as_text=True)

    def send(self, page: str, action: str | None = None, *, headers: Mapping[str, str] | None = None, **fields: str):
        """Fill in the form of `page` that goes to `action` (the page's own address by default) and send it."""
        text = self.page(page)
        target = action or page
        return self.client.post(target, data=hidden_fields(text, target) | fields, headers=headers)

    def sign_in(self, password: str = PASSWORD):
        return self.send("/sign-in", kind="111", number=ZHANG.code.number, password=password)

    def authorize(self, **arguments: str) -> str:
        """Bring a request of the relying system; return the address at which it goes on."""
        query = {"client_id": CLIENT.id, "code_challenge": "x" * 43, "matter": MATTER.code, **arguments}
        answer = self.client.get(f"/oauth/authorize?{urlencode(query)}")
        assert answer.status_code == 303
        return answer.location


def hidden_fields(text: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form that goes to `action`."""
    path = re.escape(action.partition("?")[0])
    form = re.search(rf'<form[^>]* action="{path}[^"]*".*?</form>', text, re.DOTALL)
    assert form is not None, f"no form goes to {action}"
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))


def open_office(folder: Path, public_url: str = PUBLIC_URL, *, rate: int = 1000) -> Office:
    built = signing.build(folder)
    built.persons.people[FIRM.id] = FIRM
    workshop = replace(built.workshop, site=Site.of(public_url))
    desk = SignInDesk(workshop)
    desk.enrol_password(ZHANG.id, PASSWORD)
    people = _People(built)
    app, browser = plain_app(people, public_url)
    parsing.install(app, max_json_bytes=64 * 1024, max_upload_bytes=64 * 1024)
    asked, tables = TableDesk(), Tables()
    limiter = RateLimiter(rate, built.clock)
    asking = Asking(browser, asked)
    entering = SignInServices(desk=desk, sessions=built.sessions, upstreams=tables, limiter=limiter)
    app.register_blueprint(signin.blueprint(browser, asking, entering))
    app.register_blueprint(stepping.blueprint(browser, asking, entering))
    app.register_blueprint(
        joining.blueprint(browser, asking, JoiningServices(registration=tables, signing_in=entering))
    )
    app.register_blueprint(leaving.blueprint(browser, LogoutTable(built.sessions)))
    app.register_blueprint(security.blueprint(browser, SecurityServices(desk=desk, clock=built.clock)))
    services = ConsentServices(
        desk=asked,
        persons=people,
        mandates=tables,
        matters=tables,
        names=tables,
        limiter=limiter,
        clock=built.clock,
    )
    app.register_blueprint(consent.blueprint(browser, asking, services))
    return Office(
        app=app, browser=browser, signing=built, desk=desk, asked=asked, tables=tables, client=app.test_client()
    )


class _People:
    """Sessions by their secret and persons by their id, from the real register of sessions."""

    def __init__(self, built: signing.World) -> None:
        self._built = built

    def find(self, secret: str) -> Session | None:
        return self._built.sessions.find(secret)

    def get(self, person_id: str) -> Person:
        return self._built.persons.get(person_id)
