"""Debian's Apache with mod_auth_openidc as a relying party: pages behind the sign-in, signing out either way."""

import threading
import time
from collections.abc import Iterator

import pytest

from portal.demo.browser import Page
from portal.demo.people import CITIZEN_NAME
from portal.demo.server import free_port
from sso.accounts.domain import ProofingLevel
from sso.signin.domain import Strength
from tests.interop.relying.apache import Site, addresses, check_present, running
from tests.interop.relying.house import Citizen, House

pytestmark = pytest.mark.integration

_SECONDS = 20  # notices are sent every second; the machine may be busy
_PAUSE_SECONDS = 0.1


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site of one test's own: what a citizen once allowed it is not asked again."""
    check_present()
    house: House = request.getfixturevalue("house")
    port = free_port()
    registered = house.register("openid profile", **addresses(port))
    made = Site(port=port, issuer=house.issuer, client=registered.client.id, secret=registered.secret)
    with running(made):
        yield made


@pytest.fixture
def page(site: Site, citizen: Citizen) -> Page:
    """The protected page after the citizen signed in on the way to it."""
    return citizen.decide(citizen.go(f"{site.address}/protected/claims.shtml"), "allow")


def claims(page: Page) -> dict[str, str]:
    return dict(line.split("=", 1) for line in page.text.splitlines())


def is_inside(site: Site, citizen: Citizen) -> bool:
    """Whether the protected page is shown; who is out is sent to the sign-in page."""
    return citizen.browser.get(f"{site.address}/protected/claims.shtml").url.startswith(site.address)


def test_the_protected_page_shows_who_signed_in(site: Site, page: Page) -> None:
    assert page.url == f"{site.address}/protected/claims.shtml"
    shown = claims(page)
    assert shown["name"] == CITIZEN_NAME
    assert shown["user"].startswith(shown["sub"])
    assert shown["acr"] == Strength.PASSWORD.urn
    assert shown["ial"] == ProofingLevel.IN_PERSON.urn


def test_a_citizen_who_declines_does_not_get_in(site: Site, citizen: Citizen) -> None:
    declined = citizen.decide(citizen.go(f"{site.address}/protected/claims.shtml"), "refuse")
    assert CITIZEN_NAME not in declined.text
    assert not is_inside(site, citizen)


def test_signing_out_of_the_service_ends_the_session_in_apache(site: Site, page: Page, citizen: Citizen) -> None:
    """Back-channel: the browser never comes by at Apache, whose session ends all the same."""
    assert is_inside(site, citizen)
    question = citizen.browser.get(f"{site.issuer}/oauth/logout")
    citizen.browser.submit(question, {"decision": "yes"})
    deadline = time.monotonic() + _SECONDS
    pause = threading.Event()
    while is_inside(site, citizen) and time.monotonic() < deadline:
        pause.wait(_PAUSE_SECONDS)
    assert not is_inside(site, citizen)


def test_signing_out_of_apache_ends_the_session_of_the_service(site: Site, page: Page, citizen: Citizen) -> None:
    out = f"{site.address}/out.txt"
    assert citizen.browser.get(f"{site.address}/protected/callback?logout={out}").url == out
    assert not is_inside(site, citizen)
