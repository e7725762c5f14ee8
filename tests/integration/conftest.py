"""One installation and one served application for all integration tests of a worker: made as the demonstration does."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from portal.demo import data
from portal.demo.client import ServiceClient
from portal.demo.server import served
from portal.demo.world import ApiClient
from tests.integration import installation
from tests.integration.door import Door
from tests.integration.installation import PURPOSE, today


@dataclass(frozen=True, kw_only=True)
class Served:
    """A served application: its address, its home and log, and the client that may call it."""

    address: str
    home: Path
    log: Path
    client: ApiClient
    settings: dict[str, object]

    def service(self) -> ServiceClient:
        return ServiceClient(self.address, self.client)

    def door(self) -> Door:
        return Door(self.address)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """The installation that others are copies of; see `tests.integration.installation.Template`."""
    return installation.template(tmp_path_factory)


@pytest.fixture
def own(template, tmp_path):
    """Settings of an installation of one test's own, which it may break."""
    return template.copy(tmp_path / "home")


@pytest.fixture(scope="session")
def installed(template, tmp_path_factory):
    """Settings of an initialised installation with authority, seal and client; nothing is open."""
    return template.copy(tmp_path_factory.mktemp("installation") / "home"), template.full


@pytest.fixture(scope="session")
def server(installed, tmp_path_factory):
    settings, client = installed
    log = tmp_path_factory.mktemp("log") / "server.log"
    with served(settings, log) as address:
        yield Served(address=address, home=Path(settings["home"]), log=log, client=client, settings=settings)


@pytest.fixture(scope="session")
def certificates(server):
    """One certificate of each type, issued over HTTP: {"food": (answer, pdf), "permit": (answer, pdf)}."""
    service = server.service()
    bodies = {"food": data.food_licence(today()), "permit": data.residence_permit(today())}
    issued = {}
    for name, body in bodies.items():
        answer = service.issue(body, key=f"fixture-{name}")
        issued[name] = (answer, service.file(answer["identifier"], purpose=PURPOSE))
    return issued
