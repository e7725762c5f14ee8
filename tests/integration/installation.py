"""A finished installation to copy from: making one costs seconds, a copy of its folder costs nothing."""

import shutil
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from nacl.pwhash import argon2id

from hsm_adapter.note_key import create_note_key
from hsm_adapter.software import Argon2Cost, create_software_token
from portal.demo import data, world
from portal.demo.server import free_port
from portal.demo.world import ApiClient
from portal.home import prepare_home
from portal.setup import initialise
from trust.config import load_settings
from trust.kernel.randomness import SystemRandomness

ORGANIZATION = "测试运营单位"
OTHER_AUTHORITY = "12000000DEM0YX002B"
PURPOSE = "integration test"
CHEAP = Argon2Cost(operations=argon2id.OPSLIMIT_MIN, memory=argon2id.MEMLIMIT_MIN)


def today() -> date:
    """The calendar day of the issuing authorities."""
    return datetime.now(timezone(timedelta(hours=8))).date()


@dataclass(frozen=True, kw_only=True)
class Template:
    """An initialised home with authority, seal and clients; nothing in it is open. Copy it, never work in it.

    `full` has every scope, `reader` only `certs:read`, `other` belongs to an authority that has issued nothing.
    """

    home: Path
    settings: dict[str, object]
    full: ApiClient
    reader: ApiClient
    other: ApiClient

    def copy(self, home: Path) -> dict[str, object]:
        """Return the settings of a copy at `home`, with a port of its own: two services at one would share callers."""
        shutil.copytree(self.home, home)
        return self.settings | {"home": str(home)} | at(free_port())


def at(port: int) -> dict[str, object]:
    """Return the settings of a service at a port of the loopback interface."""
    return {"port": port, "public_url": f"http://127.0.0.1:{port}"}


_made: list[Template] = []


def template(folders: pytest.TempPathFactory) -> Template:
    """Return the one template of this process, which lies among the folders of its test run."""
    if not _made:
        _made.append(make(folders.mktemp("template") / "home"))
    return _made[0]


def make(home: Path, **more: object) -> Template:
    """Make an installation at `home`, with more settings."""
    settings: dict[str, object] = {
        "home": str(home),
        **at(free_port()),
        "verify_rate_per_minute": 100_000,
        "token_rate_per_minute": 100_000,
        **more,
    }
    loaded = load_settings(**settings)
    prepare_home(loaded, SystemRandomness())
    create_software_token(home / "keys", loaded.passphrase_path, randomness=SystemRandomness(), cost=CHEAP)
    create_note_key(home / "keys", loaded.passphrase_path, randomness=SystemRandomness(), cost=CHEAP)
    installation = initialise(loaded, organization=ORGANIZATION)
    try:
        world.onboard(installation, world.make_seal(installation))
        return Template(
            home=home,
            settings=settings,
            full=world.register_client(installation),
            reader=_client(installation, data.AUTHORITY, "certs:read"),
            other=_client(installation, OTHER_AUTHORITY, data.SCOPES),
        )
    finally:
        installation.close()


def _client(installation, authority, scopes):
    registered = installation.clients.register(label="测试业务系统", authority=authority, scopes=scopes)
    return ApiClient(id=registered.client.id, secret=registered.secret)
