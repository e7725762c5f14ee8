"""The served application in this process, with people, systems and browsers that attack it and each other."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import pyotp
from apiflask import APIFlask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.demo import data, people
from portal.demo.people import Installed, People
from portal.demo.world import ApiClient
from portal.foundation import open_foundation
from portal.wiring import Installation, application, open_installation
from sso.provider.domain import Registered, RelyingSystem
from sso.signin.desk import SignedIn
from sso.signin.devices import Device
from tests.fakes import FixedClock
from tests.integration.installation import Template
from trust.config import load_settings
from trust.kernel.clock import SystemClock

EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
PRESENCE: Final = "urn:yinxin:params:oauth:token-type:presence"
VERIFIER: Final = "v" * 43
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PASSWORD: Final = "Correct-Horse-Battery-9"
FOOD: Final = people.FOOD_MATTER.code
RESIDENCE: Final = people.RESIDENCE_MATTER.code
SCOPES: Final = "openid profile certs:read"


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """An installation with a clock that the tests move."""

    installation: Installation
    app: APIFlask
    clock: FixedClock
    people: People
    first: Registered
    second: Registered
    department: ApiClient
    issuer: str

    @property
    def database(self) -> Any:
        return self.installation.foundation.database

    def register(self, scopes: str = SCOPES, **changes: Any) -> Registered:
        return register(self.installation, scopes, **changes)

    def browser(self) -> "Browser":
        return Browser(self)

    def post(
        self,
        path: str,
        form: Mapping[str, str],
        who: Registered | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        credentials = {} if who is None else {"client_id": who.client.id}
        if who is not None and who.secret:
            credentials["client_secret"] = who.secret
        return self.app.test_client().post(path, data={**credentials, **form}, headers=headers)

    def api(self, method: str, path: str, token: str, body: object = None, **headers: str) -> TestResponse:
        return self.app.test_client().open(
            path, method=method, json=body, headers={"Authorization": f"Bearer {token}", **headers}
        )

    def exchange(self, who: Registered, token: str, audience: str, **more: str) -> TestResponse:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
            **more,
        }
        return self.post("/oauth/token", form, who)

    def introspect(self, who: Registered, token: str) -> dict[str, Any]:
        return dict(self.post("/oauth/introspect", {"token": token}, who).get_json())

    def issue(self, number: str, name: str) -> str:
        """Issue a residence permit to a person and return its identifier."""
        form = {"client_id": self.department.id, "client_secret": self.department.secret}
        answer = self.post("/oauth/token", {**form, "grant_type": "client_credentials", "scope": "certs:issue"})
        body = data.residence_permit(self.clock.now().date())
        body["holder"] = {"kind": "111", "number": number, "name": name}
        issued = self.api(
            "POST", "/api/v1/certs", answer.get_json()["access_token"], body, **{"Idempotency-Key": f"test-{number}"}
        )
        assert issued.status_code == 201, issued.get_data(as_text=True)
        return str(issued.get_json()["identifier"])

    def case(self, clerk_token: str, *, counter: int = 0, matter: str = FOOD) -> str:
        body = {"counter": self.people.counters[counter].id, "matter": matter}
        answer = self.api("POST", "/api/v1/cases", clerk_token, body)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return str(answer.get_json()["case"])


class Browser:
    """One person's browser, or an attacker's."""

    def __init__(self, house: Attacked) -> None:
        self.house = house
        self.client: FlaskClient = house.app.test_client()

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={"Accept": "text/html", **headers})

    def submit(self, page: TestResponse, action: str, values: Mapping[str, str], **headers: str) -> TestResponse:
        """Send the form of `page` that goes to `action`, with what it came with and `values`."""
        fields = hidden(page.get_data(as_text=True), action)
        return self.client.post(action, data={**fields, **values}, headers={"Accept": "text/html", **headers})

    def sign_in(self, number: str, *, app: str | None = None, onward: str | None = None) -> TestResponse:
        page = self.get("/sign-in" + (f"?{urlencode({'next': onward})}" if onward else ""))
        answer = self.submit(page, "/sign-in", {"kind": "111", "number": number, "password": PASSWORD})
        if app is not None:
            page = self.get(answer.headers["Location"])
            answer = self.submit(page, "/sign-in/code", {"code": pyotp.TOTP(app).at(self.house.clock.now())})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return answer

    def authorize(self, who: Registered, **changes: str | None) -> TestResponse:
        """Bring an authorization request of a system."""
        return self.get(f"/oauth/authorize?{urlencode(parameters(who, **changes))}")

    def code(self, who: Registered, *, represents: str = "", **changes: str | None) -> dict[str, str]:
        """Return what the system finds in its redirect address after the person has allowed everything."""
        answer = self.authorize(who, **changes)
        page = self.get(answer.headers["Location"])
        if page.status_code == 200:
            values = {"decision": "allow", "represents": represents}
            page = self.submit(page, "/oauth/consent", values)
        return dict(parse_qsl(urlsplit(page.headers["Location"]).query))

    def tokens(self, who: Registered, *, represents: str = "", **changes: str | None) -> dict[str, Any]:
        """Return the tokens of a whole authorization."""
        found = self.code(who, represents=represents, **changes)
        answer = redeem(self.house, who, found["code"])
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return dict(answer.get_json())


def redeem(house: Attacked, who: Registered, code: str, **changes: str) -> TestResponse:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_of(who),
        "code_verifier": VERIFIER,
    }
    return house.post("/oauth/token", {**form, **changes}, who)


def redirect_of(who: Registered) -> str:
    assert who.client.relying is not None
    return who.client.relying.redirect_uris[0]


def parameters(who: Registered, **changes: str | None) -> dict[str, str]:
    values: dict[str, str | None] = {
        "response_type": "code",
        "client_id": who.client.id,
        "redirect_uri": redirect_of(who),
        "scope": SCOPES,
        "state": "st4te",
        "nonce": "n0nce",
        "matter": FOOD,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def hidden(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form that goes to `action`."""
    for found in re.finditer(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", page, re.DOTALL):
        if html.unescape(found[1]).partition("?")[0] == action:
            pairs = re.findall(r"<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\"", found[2])
            return {name: html.unescape(value) for name, value in pairs}
    raise AssertionError(f"no form to {action}")


def register(installation: Installation, scopes: str, *, label: str = "测试系统", **changes: Any) -> Registered:
    number = len(installation.clients.clients())
    here = f"https://s{number}.example"
    values: dict[str, Any] = {
        "redirect_uris": (f"{here}/cb",),
        "post_logout_redirect_uris": (f"{here}/bye",),
        "resource": f"{here}/api",
        "matters": frozenset({FOOD}),
        "types": frozenset({data.FOOD_LICENCE}),
    }
    return installation.clients.register_relying(
        label=label, authority=data.AUTHORITY, scopes=scopes, relying=RelyingSystem(**(values | changes))
    )


@contextmanager
def attacked(template: Template, folder: Path) -> Iterator[Attacked]:
    """Open an installation of one test's own, with the demonstration's people."""
    with populated(template.copy(folder / "home"), template.full) as house:
        yield house


@contextmanager
def populated(settings: Mapping[str, object], department: ApiClient) -> Iterator[Attacked]:
    """Open an initialised installation, with a clock of its own, and let the people in."""
    loaded = load_settings(**{**settings, "sign_in_rate_per_minute": 100_000, "token_rate_per_minute": 100_000})
    clock = FixedClock(SystemClock().now())
    installation = open_installation(loaded, open_foundation(loaded, clock))
    try:
        second = register(installation, SCOPES, label="第二系统", pass_to=frozenset({"api"}))
        first = register(
            installation,
            f"{SCOPES} counter:assist offline_access",
            label="第一系统",
            pass_to=frozenset({second.client.id}),
        )
        everyone = people.populate(
            Installed(persons=installation.people.register, registers=installation.registers, clock=clock),
            systems=(first.client.id, second.client.id),
        )
        yield Attacked(
            installation=installation,
            app=application(installation),
            clock=clock,
            people=everyone,
            first=first,
            second=second,
            department=department,
            issuer=loaded.public_url,
        )
    finally:
        installation.close()


def give_password(house: Attacked, person: str) -> None:
    house.installation.people.sign_ins.enrol_password(person, PASSWORD)


def give_app(house: Attacked, person: str, number: str) -> str:
    """Give a person a password and an app; return its secret."""
    desk, device = house.installation.people.sign_ins, Device(address="203.0.113.9", label="test")
    give_password(house, person)
    signed_in = desk.with_password(people.resident(number), PASSWORD, device)
    assert isinstance(signed_in, SignedIn)
    secret = desk.enrol_totp(signed_in.session).secret
    desk.confirm_totp(signed_in.session, pyotp.TOTP(secret).at(house.clock.now() - timedelta(seconds=30)), device)
    return secret


def resident_number(serial: int, *, born: str = "19900101") -> str:
    """Return a number of nobody with its check digit (GB 11643): region 119999 does not exist."""
    body = f"119999{born}{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
