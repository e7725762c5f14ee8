"""What the figures are measured on: a temporary installation with authority, seal and client."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certs.domain import calendar_day
from certs.routes import IssueBody
from portal.demo import data, world
from portal.demo.server import free_port
from portal.demo.world import ApiClient
from portal.setup import initialise
from portal.wiring import Installation
from seals.domain import SealRecord
from trust.config import load_settings
from trust.http.access import Principal

_UNLIMITED = 100_000_000  # per minute: the figures are about the service, not about its brakes


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchWorld:
    """The opened installation, its settings for a server process, and who issues."""

    installation: Installation
    settings: dict[str, object]
    seal: SealRecord
    client: ApiClient
    folder: Path

    @property
    def principal(self) -> Principal:
        """The authority's client as an authenticated caller."""
        return Principal(client=self.client.id, authority=data.AUTHORITY, scopes=frozenset(), label="bench")

    def issue_body(self) -> IssueBody:
        """Return the food licence of the demonstration, as its route parses it."""
        return IssueBody.model_validate(data.food_licence(calendar_day(self.installation.foundation.clock.now())))


@contextmanager
def bench_world() -> Iterator[BenchWorld]:
    """Make the installation and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="yinxin-bench-"))
    port = free_port()
    settings: dict[str, object] = {
        "home": str(folder / "home"),
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "verify_rate_per_minute": _UNLIMITED,
        "token_rate_per_minute": _UNLIMITED,
        "log_level": "error",
    }
    installation = initialise(load_settings(**settings), organization="印信基准测试")
    try:
        seal = world.make_seal(installation)
        world.onboard(installation, seal)
        client = world.register_client(installation)
        yield BenchWorld(installation=installation, settings=settings, seal=seal, client=client, folder=folder)
    finally:
        installation.close()
        shutil.rmtree(folder, ignore_errors=True)
