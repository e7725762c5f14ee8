"""The served application with an invented citizen, to whom relying systems of others are registered one by one."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp

from portal.demo import data, people
from portal.demo.browser import Browser, Page
from portal.demo.people import Installed, populate
from portal.demo.server import served
from portal.wiring import Installation, open_installation
from sso.provider.domain import Registered, RelyingSystem, Scope
from sso.signin.desk import SignedIn
from sso.signin.devices import Device
from tests.integration.installation import Template
from tests.interop.relying.listener import Listener
from trust.config import load_settings

PASSWORD = "一个很长的密码 42"
SCOPES = "openid profile offline_access certs:read"
ASSIST = Scope.COUNTER_ASSIST.value
MATTER = people.RESIDENCE_MATTER
_RATE = 100_000


@dataclass(kw_only=True)
class House:
    """The provider under `issuer`; `listener` plays the addresses of the relying systems.

    `installation` is opened a second time in this process, as by an operator's command beside the server.
    """

    issuer: str
    listener: Listener
    installation: Installation
    counter: "CounterPlace | None" = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def register(self, scopes: str = SCOPES, **relying: Any) -> Registered:
        """Register a system at the listener; what `relying` does not say is usual."""
        number = next(self._numbers)
        usual = {
            "redirect_uris": (f"{self.listener.address}/callback",),
            "post_logout_redirect_uris": (f"{self.listener.address}/signed-out",),
            "resource": f"{self.listener.address}/systems/{number}",
            "sector": f"system-{number}.example",
            "matters": frozenset({MATTER.code}),
            "types": MATTER.types,
        }
        return self.installation.clients.register_relying(
            label=f"互通测试系统{number}",
            authority=data.AUTHORITY,
            scopes=scopes,
            relying=RelyingSystem(**usual | relying),
        )


@dataclass(frozen=True, kw_only=True)
class CounterPlace:
    """A counter of the house: its id, and the system that stands on it, which may pass trust to `onward`."""

    id: str
    system: Registered
    onward: Registered


class Citizen:
    """A person and their browser: signs in on the real pages and consents. Unless told otherwise, the citizen.

    `app` is the secret of the person's authenticator app: the one-time codes of a clerk.
    """

    def __init__(self, number: str = data.RESIDENT_NUMBER, app: str | None = None) -> None:
        self.browser = Browser()
        self._number = number
        self._app = app

    def go(self, address: str) -> Page:
        """Follow a relying system's request as far as it goes without a decision."""
        page = self.browser.get(address)
        if any("password" in form.fields for form in page.forms):
            values = {"number": self._number, "kind": "111", "password": PASSWORD}
            page = self.browser.submit(page, values)
            if self._app is not None:
                page = self.browser.submit(page, {"code": pyotp.TOTP(self._app).now()})
        return page

    def sign_in(self, address: str) -> str:
        """Follow the request, allow what is asked, and return the address that the browser ends up at."""
        return self.decide(self.go(address), "allow").url

    def decide(self, page: Page, decision: str) -> Page:
        """Answer the consent page if that is what is shown."""
        if any("decision" in dict(form.buttons) for form in page.forms):
            page = self.browser.submit(page, {"decision": decision})
        return page


@contextmanager
def opened(template: Template, folder: Path, listener: Listener) -> Iterator[House]:
    """Serve a populated copy of the template while the block runs."""
    settings = template.copy(folder / "home") | {"sign_in_rate_per_minute": _RATE, "workers": 1}
    installation = open_installation(load_settings(**settings))
    try:
        house = House(issuer=str(settings["public_url"]), listener=listener, installation=installation)
        _populate(house)
        with served(settings, folder / "server.log"):
            yield house
    finally:
        installation.close()


def _populate(house: House) -> None:
    """Make the invented people; the citizen and the clerk can sign in."""
    installation = house.installation
    onward = house.register()
    system = house.register(f"{SCOPES} {ASSIST}", pass_to=frozenset({onward.client.id}))
    everyone = populate(
        Installed(
            persons=installation.people.register,
            registers=installation.registers,
            clock=installation.foundation.clock,
        ),
        systems=(system.client.id, onward.client.id),
    )
    house.counter = CounterPlace(id=everyone.counters[0].id, system=system, onward=onward)
    for person in (everyone.citizen.id, everyone.clerk.person):
        installation.people.sign_ins.enrol_password(person, PASSWORD)


def clerk(house: House) -> Citizen:
    """Return the clerk, who has just set up an authenticator app.

    A code is good once in its half minute, and setting up uses the one before: sign in once with what is returned.
    """
    desk, device = house.installation.people.sign_ins, Device(address="127.0.0.1", label="test")
    signed_in = desk.with_password(people.resident(people.CLERK_NUMBER), PASSWORD, device)
    assert isinstance(signed_in, SignedIn)
    secret = desk.enrol_totp(signed_in.session).secret
    earlier = house.installation.foundation.clock.now() - timedelta(seconds=30)
    desk.confirm_totp(signed_in.session, pyotp.TOTP(secret).at(earlier), device)
    return Citizen(people.CLERK_NUMBER, secret)
