"""Relying parties in Python: Authlib's Flask client (the demonstration's example system), and python-keycloak.

python-keycloak speaks to addresses of Keycloak's shape only, so a small proxy of the tests maps them to our endpoints;
see `tests.interop.relying.facade` for where that is more than a map. The authorization endpoint is our own.
"""

import hashlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakPostError

from portal.demo import data
from portal.demo.people import CITIZEN_NAME
from portal.demo.relying import Registration
from portal.demo.server import free_port
from sso.provider.domain import Registered
from tests.integration.door import Door
from tests.interop.relying import facade
from tests.interop.relying.house import Citizen, House
from trust.config import child_environment
from trust.kernel.encoding import base64url

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default::ResourceWarning")]

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
_SECONDS = 20
_PAUSE_SECONDS = 0.1


@contextmanager
def flask_system(house: House, folder: Path) -> Iterator[str]:
    """Run the demonstration's relying system in a process of its own; yields its address."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    registered = house.register(
        "openid profile",
        redirect_uris=(f"{here}/callback",),
        post_logout_redirect_uris=(f"{here}/",),
        backchannel_logout_uri=f"{here}/backchannel-logout",
    )
    file = folder / f"{port}.json"
    registration = Registration(house.issuer, registered.client.id, registered.secret, port, "openid profile")
    file.write_text(json.dumps(registration._asdict()))
    with (folder / f"{port}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.demo.relying", file],
            env=child_environment({}) | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: process.poll() is not None or answers(here))
        yield here
    finally:
        process.terminate()
        process.wait(_SECONDS)


def answers(address: str) -> bool:
    try:
        return Door(address).ask("GET", "/").status == 200
    except OSError:
        return False


def wait_until(done: Any) -> None:
    deadline = time.monotonic() + _SECONDS
    pause = threading.Event()
    while not done():
        assert time.monotonic() < deadline, "it did not come about in time"
        pause.wait(_PAUSE_SECONDS)


def shown(citizen: Citizen, system: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(citizen.browser.get(f"{system}/").text)
    return found


@pytest.fixture(scope="module")
def systems(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("flask")
    with flask_system(house, folder) as first, flask_system(house, folder) as second:
        yield first, second


def test_authlib_signs_a_citizen_in_and_out_of_both_systems(systems: tuple[str, str], citizen: Citizen) -> None:
    """One sign-in serves both; leaving by one ends the other as well, by back-channel logout."""
    for system in systems:
        citizen.sign_in(f"{system}/login")
        assert shown(citizen, system)["signed_in"]
    first, second = (shown(citizen, system)["claims"] for system in systems)
    assert first["sub"] != second["sub"]
    assert citizen.browser.get(f"{systems[0]}/logout").url == f"{systems[0]}/"
    wait_until(lambda: not shown(citizen, systems[1])["signed_in"])
    assert not shown(citizen, systems[0])["signed_in"]


@pytest.fixture(scope="module")
def realm(house: House) -> Iterator[str]:
    with facade.before(house.issuer) as address:
        yield address


class KeycloakSystem:
    """A relying system that believes to have a Keycloak before it."""

    def __init__(self, house: House, realm: str, **relying: Any) -> None:
        self.registered: Registered = house.register(**relying)
        self.callback = f"{house.listener.address}/callback"
        self.library = KeycloakOpenID(
            server_url=f"{realm}/",
            realm_name=facade.REALM,
            client_id=self.registered.client.id,
            client_secret_key=self.registered.secret,
        )

    def signed_in(self, citizen: Citizen) -> dict[str, Any]:
        verifier, state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        address = self.library.auth_url(
            redirect_uri=self.callback,
            scope="openid+profile+offline_access",
            state=state,
            nonce="once",
            code_challenge=challenge(verifier),
            code_challenge_method="S256",
        )
        answer = parse_qs(urlsplit(citizen.sign_in(address)).query)
        assert answer["state"] == [state]
        tokens: dict[str, Any] = self.library.token(
            grant_type="authorization_code",
            code=answer["code"][0],
            redirect_uri=self.callback,
            code_verifier=verifier,
        )
        return tokens


def challenge(verifier: str) -> str:
    return base64url(hashlib.sha256(verifier.encode()).digest())


def test_python_keycloak_signs_a_citizen_in(house: House, realm: str, citizen: Citizen) -> None:
    system = KeycloakSystem(house, realm)
    tokens = system.signed_in(citizen)
    library = system.library
    claims = library.decode_token(tokens["id_token"])
    assert (claims["nonce"], claims["aud"]) == ("once", system.registered.client.id)
    assert library.userinfo(tokens["access_token"])["name"] == CITIZEN_NAME
    assert library.introspect(tokens["access_token"])["active"] is True
    assert data.RESIDENT_NUMBER not in json.dumps(claims)
    key = ECKey.import_key(library.certs()["keys"][0])
    assert library.public_key() == "".join(key.as_pem(private=False).decode().splitlines()[1:-1])


def test_python_keycloak_renews_and_leaves(house: House, realm: str, citizen: Citizen) -> None:
    library = (system := KeycloakSystem(house, realm)).library
    tokens = system.signed_in(citizen)
    renewed = library.refresh_token(tokens["refresh_token"])
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert library.logout(renewed["refresh_token"]) == {}
    assert library.introspect(renewed["access_token"]) == {"active": False}
    with pytest.raises(KeycloakPostError, match="invalid_grant"):
        library.refresh_token(renewed["refresh_token"])


def test_python_keycloak_passes_trust_on(house: House, realm: str, citizen: Citizen) -> None:
    second = KeycloakSystem(house, realm)
    first = KeycloakSystem(house, realm, pass_to=frozenset({second.registered.client.id}))
    passed = first.library.exchange_token(
        first.signed_in(citizen)["access_token"],
        audience=second.registered.client.id,
        subject_token_type=ACCESS_TOKEN,
        requested_token_type=ACCESS_TOKEN,
    )
    facts = second.library.introspect(passed["access_token"])
    assert facts["active"] is True
    assert facts["act"]["sub"] == first.registered.client.id
