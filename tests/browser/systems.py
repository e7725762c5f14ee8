"""Relying systems beside the house: the demonstration's, in threads, each with a stock client of OpenID Connect."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from flask import Flask
from werkzeug.serving import make_server

from portal.demo import data, people, relying
from portal.demo.relying import Registration
from portal.demo.server import free_port
from portal.sandbox import SandboxWish, open_sandbox
from portal.wiring import Installation
from sso.provider.domain import RelyingSystem
from tests.browser.serving import served

MATTERS = (people.RESIDENCE_MATTER, people.FOOD_MATTER)
_SCOPES = "openid profile certs:read"


@dataclass(frozen=True, kw_only=True)
class System:
    """A registered system and where it listens."""

    registration: Registration
    label: str

    @property
    def id(self) -> str:
        return self.registration.client_id

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.registration.port}"

    def login(self, **asked: str) -> str:
        """Return the address at which a person begins to sign in to it."""
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return f"{self.url}/login?{query}"


def register(
    installation: Installation, issuer: str, label: str, *, assist: bool = False, onward: str = "api"
) -> System:
    """Register a system as an officer would."""
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    registered = installation.clients.register_relying(
        label=label,
        authority=data.AUTHORITY,
        scopes=f"{_SCOPES}{' counter:assist' if assist else ''}",
        relying=RelyingSystem(
            redirect_uris=(f"{here}/callback",),
            post_logout_redirect_uris=(f"{here}/",),
            backchannel_logout_uri=f"{here}/backchannel-logout",
            resource=f"{here}/api",
            pass_to=frozenset({onward}),
            matters=frozenset(matter.code for matter in MATTERS),
            types=frozenset({data.FOOD_LICENCE, data.RESIDENCE_PERMIT}),
            contact="tests",
        ),
    )
    return _system(registered.client.id, registered.secret, issuer, label, port)


def register_sandbox(installation: Installation, issuer: str, label: str) -> System:
    """Register a developer's system, which only invented people can sign in to."""
    port = free_port()
    wish = SandboxWish(label=label, redirect_uris=(f"http://127.0.0.1:{port}/callback",), public=False)
    randomness = installation.foundation.randomness
    made = open_sandbox(installation.systems, installation.people, wish, randomness=randomness)
    return _system(made.client.id, made.secret, issuer, label, port, scopes="openid profile")


@contextmanager
def running(*systems: System) -> Iterator[None]:
    """Serve the systems while the block runs; the provider must answer already."""
    with ExitStack() as stack:
        for system in systems:
            app = relying.create(system.registration)
            _add_pages(app)
            stack.enter_context(served(make_server("127.0.0.1", system.registration.port, app, threaded=True)))
        yield


def _system(client: str, secret: str, issuer: str, label: str, port: int, scopes: str = _SCOPES) -> System:
    registration = Registration(issuer=issuer, client_id=client, client_secret=secret, port=port, scopes=scopes)
    return System(registration=registration, label=label)


def _add_pages(app: Flask) -> None:
    """Answer what browsers ask of every site, which is nothing that a console should complain about."""

    @app.get("/favicon.ico")
    def icon() -> tuple[str, int]:
        return "", 204
