"""The served application with an invented citizen, to whom relying systems of others are registered one by one."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.demo import data, people
from portal.demo.browser import Browser, Page
from portal.demo.people import Installed, populate
from portal.demo.server import free_port, served
from portal.wiring import Installation, open_installation
from sso.provider.domain import Registered, RelyingSystem
from tests.integration.installation import Template
from tests.interop.relying.listener import Listener
from trust.config import load_settings

PASSWORD = "一个很长的密码 42"
SCOPES = "openid profile offline_access certs:read"
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


class Citizen:
    """The citizen and their browser: signs in on the real pages and consents."""

    def __init__(self) -> None:
        self.browser = Browser()

    def go(self, address: str) -> Page:
        """Follow a relying system's request as far as it goes without a decision."""
        page = self.browser.get(address)
        if any("password" in form.fields for form in page.forms):
            values = {"number": data.RESIDENT_NUMBER, "kind": "111", "password": PASSWORD}
            page = self.browser.submit(page, values)
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
    port = free_port()
    settings = template.copy(folder / "home") | {
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "sign_in_rate_per_minute": _RATE,
        "workers": 1,
    }
    installation = open_installation(load_settings(**settings))
    try:
        house = House(issuer=f"http://127.0.0.1:{port}", listener=listener, installation=installation)
        counters = (house.register().client.id, house.register().client.id)
        everyone = populate(
            Installed(
                persons=installation.people.register,
                registers=installation.registers,
                clock=installation.foundation.clock,
            ),
            systems=counters,
        )
        installation.people.sign_ins.enrol_password(everyone.citizen.id, PASSWORD)
        with served(settings, folder / "server.log"):
            yield house
    finally:
        installation.close()
