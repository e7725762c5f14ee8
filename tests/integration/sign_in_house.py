"""People who sign in, two relying systems and what they do with each other, over any served application.

`settle` fills an installation before it is served; `Visitor` is one person at the first system, step by step as real
systems and browsers go, so that a test can stop, repeat or break each step.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp

from portal.demo import data, people
from portal.demo.browser import Browser, Page
from portal.demo.people import Installed, People, populate
from portal.wiring import Installation
from sso.mandates.domain import GrantCommand, MandateKind
from sso.provider.domain import RelyingSystem
from sso.signin.devices import Device
from sso.signin.domain import Strength
from tests.integration.door import FORM, JSON, Answer, Door, basic, bearer

PASSWORD = "seventeen lanterns over the harbour"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PRESENCE = "urn:yinxin:params:oauth:token-type:presence"
FOOD, RESIDENCE = people.FOOD_MATTER.code, people.RESIDENCE_MATTER.code
PLAIN, PASSING = "openid profile offline_access", "openid profile certs:read offline_access"
_DEVICE = Device(address="127.0.0.1", label="test")


class System(NamedTuple):
    """A relying system as its operator knows it."""

    client: str
    secret: str
    callback: str
    goodbye: str
    logout: str


@dataclass(frozen=True, kw_only=True)
class House:
    """What `settle` made. `mandates` are the agent's, one for each withdrawal; `app` is the clerk's authenticator."""

    issuer: str
    first: System
    second: System
    everyone: People
    mandates: tuple[str, ...]
    app: str

    @property
    def door(self) -> Door:
        return Door(self.issuer)


def settle(installation: Installation, listener, *, mandates: int = 0) -> House:
    """Fill an installation with people who have a password, systems at the listener, and mandates of the agent."""
    second = _register(installation, listener, "second", pass_to={"api"})
    first = _register(installation, listener, "first", pass_to={second.client, "api"})
    everyone = populate(
        Installed(
            persons=installation.people.register, registers=installation.registers, clock=installation.foundation.clock
        ),
        systems=(first.client, second.client),
    )
    desk = installation.people.sign_ins
    for person in (everyone.citizen.id, everyone.representative.id, everyone.agent.id, everyone.clerk.person):
        desk.enrol_password(person, PASSWORD)
    session = desk.with_password(people.resident(people.CLERK_NUMBER), PASSWORD, _DEVICE).session
    app = desk.enrol_totp(session).secret
    # The code of the last half minute: each is good once, and the present one is needed for signing in.
    desk.confirm_totp(session, pyotp.TOTP(app).at(installation.foundation.clock.now() - timedelta(seconds=30)), _DEVICE)
    return House(
        issuer=installation.foundation.settings.public_url,
        first=first,
        second=second,
        everyone=everyone,
        mandates=tuple(_mandate(installation, everyone) for _ in range(mandates)),
        app=app,
    )


def _register(installation, listener, label, *, pass_to) -> System:
    logout = listener.logout_uri()
    here = f"{listener.address}/{label}"
    registered = installation.clients.register_relying(
        label=f"测试系统 {label}",
        authority=data.AUTHORITY,
        scopes="openid profile identity certs:read counter:assist mandates offline_access",
        relying=RelyingSystem(
            redirect_uris=(f"{here}/callback",),
            post_logout_redirect_uris=(f"{here}/goodbye",),
            backchannel_logout_uri=logout,
            resource=f"{here}/api",
            sector=f"{label}.example",
            pass_to=frozenset(pass_to),
            matters=frozenset({FOOD, RESIDENCE}),
            types=frozenset({data.FOOD_LICENCE, data.RESIDENCE_PERMIT}),
        ),
    )
    client = registered.client
    return System(client.id, registered.secret, f"{here}/callback", f"{here}/goodbye", logout)


def _mandate(installation, everyone) -> str:
    desk = installation.registers.mandates
    command = GrantCommand(
        kind=MandateKind.STANDING_AGENT,
        principal=everyone.enterprise.id,
        agent=everyone.agent.id,
        matters=frozenset({FOOD}),
        valid_until=installation.foundation.clock.now() + timedelta(days=30),
    )
    offer = desk.grant(command, by=everyone.representative.id, strength=Strength.ONE_TIME_CODE)
    return desk.accept(offer.id, by=everyone.agent.id).id


@dataclass(kw_only=True)
class Tokens:
    """What the token endpoint answered, and for whom: the code, the session's name at the client."""

    access: str
    refresh: str | None = None
    id_token: str | None = None

    @classmethod
    def of(cls, answer: Answer) -> "Tokens":
        assert answer.status == 200, answer.body
        found = answer.json
        return cls(access=found["access_token"], refresh=found.get("refresh_token"), id_token=found.get("id_token"))

    @property
    def every(self) -> list[str]:
        return [token for token in (self.access, self.id_token) if token]


@dataclass(kw_only=True)
class Visitor:
    """One person in front of the first system, with the browser they use."""

    house: House
    number: str
    browser: Browser = field(default_factory=Browser)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def ask(self, scope: str, *, matter: str = RESIDENCE, system: System | None = None, **more: str) -> str:
        """Return the address of an authorization request."""
        system = system or self.house.first
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": system.client,
            "redirect_uri": system.callback,
            "scope": scope,
            "state": "the-state",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "matter": matter,
            **more,
        }
        return f"{self.house.issuer}/oauth/authorize?{urlencode(query)}"

    def password(self, page: Page) -> Page:
        """Send number and password."""
        return self.browser.submit(page, {"number": self.number, "kind": "111", "password": PASSWORD})

    def second_factor(self, page: Page) -> Page:
        return self.browser.submit(page, {"code": pyotp.TOTP(self.house.app).now()})

    def allow(self, page: Page, *, represents: str | None = None) -> Page:
        """Allow what the consent page asks, if it asks."""
        if not any("decision" in dict(form.buttons) for form in page.forms):
            return page
        chosen = {} if represents is None else {"represents": represents}
        return self.browser.submit(page, {"decision": "allow", **chosen})

    def sign_in(self, scope: str = PASSING, *, represents: str | None = None, **more: str) -> str:
        """Go the whole way and return the code."""
        page = self.browser.get(self.ask(scope, **more))
        if any("password" in form.fields for form in page.forms):
            page = self.password(page)
        if any("code" in form.fields for form in page.forms):
            page = self.second_factor(page)
        return code_of(self.allow(page, represents=represents))

    @staticmethod
    def claims(token: str) -> dict[str, object]:
        """Return what a token says, unchecked."""
        middle = token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))

    def goodbye(self, tokens: Tokens) -> str:
        """Return the address at which the first system signs the person out."""
        query = {"id_token_hint": tokens.id_token, "post_logout_redirect_uri": self.house.first.goodbye}
        return f"{self.house.issuer}/oauth/logout?{urlencode(query)}"


def code_of(page: Page) -> str:
    """Return the code with which the browser came back. Fails with the page's own words where it did not."""
    found = parse_qs(urlsplit(page.url).query)
    assert "code" in found, (page.url, page.status, page.text[-2000:])
    assert found["state"] == ["the-state"]
    return found["code"][0]


def posted(door: Door, system: System, path: str, headers=None, **form: str) -> Answer:
    """Post a form to an OAuth endpoint as a system."""
    sent = {name: value for name, value in form.items() if value is not None}
    own = basic(system.client, system.secret) | FORM | dict(headers or {})
    return door.ask("POST", path, urlencode(sent).encode(), own)


def redeem(visitor: Visitor, code: str, headers=None) -> Answer:
    """Send the code of the first system to the token endpoint."""
    first = visitor.house.first
    form = {"redirect_uri": first.callback, "code_verifier": visitor.verifier, "code": code}
    return posted(visitor.house.door, first, "/oauth/token", headers, grant_type="authorization_code", **form)


def refreshed(house: House, refresh: str, headers=None) -> Answer:
    return posted(house.door, house.first, "/oauth/token", headers, grant_type="refresh_token", refresh_token=refresh)


def exchanged(house: House, access: str, headers=None, **more: str) -> Answer:
    """Pass the trust on from the first system, to the second unless told otherwise."""
    form = {"subject_token": access, "subject_token_type": ACCESS_TOKEN, "audience": house.second.client} | more
    return posted(house.door, house.first, "/oauth/token", headers, grant_type=EXCHANGE, **form)


def is_active(house: House, token: str, system: System | None = None) -> bool:
    answer = posted(house.door, system or house.first, "/oauth/introspect", token=token)
    assert answer.status == 200, answer.body
    return bool(answer.json["active"])


def called(house: House, path: str, token: str, body=None, headers=None) -> Answer:
    """Call the API with a person's token."""
    content = json.dumps(body or {}).encode()
    return house.door.ask("POST", f"/api/v1{path}", content, JSON | bearer(token) | dict(headers or {}))
