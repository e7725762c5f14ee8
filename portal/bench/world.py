"""What the figures are measured on: a temporary installation with authority, seal and client."""

import gc
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certs.routes import IssueBody
from portal.demo import data, world
from portal.demo.server import free_port
from portal.demo.world import ApiClient
from portal.setup import initialise
from portal.wiring import Installation
from seals.domain import SealRecord
from trust.config import load_settings
from trust.http.access import Principal
from trust.kernel.clock import calendar_day

_FIRST, _CHARACTERS = 0x4E00, 3000  # a range of common characters, so that each page needs glyphs of its own
_UNLIMITED = 100_000_000  # per minute: the figures are about the service, not about its brakes
_TOKEN_SECONDS = 3600  # the tokens that are asked about outlive the rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchWorld:
    """The opened installation, its settings for a server process, and who issues."""

    installation: Installation
    settings: dict[str, object]
    seal: SealRecord
    client: ApiClient
    folder: Path
    postgresql: str | None = None

    @property
    def principal(self) -> Principal:
        """The authority's client as an authenticated caller."""
        return Principal(client=self.client.id, authority=data.AUTHORITY, scopes=frozenset(), label="bench")

    def issue_body(self, number: int) -> IssueBody:
        """Return a food licence as its route parses it; every number gives other names, addresses and characters.

        typst remembers what it has set before: with the same texts each time the figure would be twice too good.
        """
        body = data.food_licence(calendar_day(self.installation.foundation.clock.now()))
        holder, face = dict(body["holder"]), dict(body["face"])  # type: ignore[call-overload]  # they are dicts
        holder["name"] = f"演示市{_varied(number, 6)}餐饮管理有限公司{_varied(number + 1, 2)}店"
        address = f"演示市{_varied(number + 2, 2)}区{_varied(number + 3, 3)}路{number % 900 + 1}号院"
        face |= {
            "representative": _varied(number + 4, 3),
            "domicile": f"{address}{number % 30 + 1}号楼1层101",
            "premises": f"{address}{number % 20 + 1}号楼2层",
            "supervisor": f"{_varied(number + 5, 2)}区市场监督管理局{_varied(number + 6, 2)}所",
            "complaints_phone": f"010-{60000000 + number % 9999999}",
            "signatory": _varied(number + 7, 3),
        }
        varied = body | {"holder": holder, "face": face, "number": f"JY{21101050000000 + number}"}
        return IssueBody.model_validate(varied, strict=False)


@contextmanager
def bench_world(postgresql: str | None = None) -> Iterator[BenchWorld]:
    """Make the installation and remove it afterwards; `postgresql` is the address of an empty database beside it."""
    folder = Path(tempfile.mkdtemp(prefix="yinxin-bench-"))
    port = free_port()
    settings: dict[str, object] = {
        "home": str(folder / "home"),
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "verify_rate_per_minute": _UNLIMITED,
        "token_rate_per_minute": _UNLIMITED,
        "sign_in_rate_per_minute": _UNLIMITED,
        "person_token_seconds": _TOKEN_SECONDS,
        "log_level": "error",
    }
    installation = initialise(load_settings(**settings), organization="印信基准测试")
    try:
        seal = world.make_seal(installation)
        world.onboard(installation, seal)
        client = world.register_client(installation)
        gc.collect()
        gc.freeze()  # as the served application does
        yield BenchWorld(
            installation=installation,
            settings=settings,
            seal=seal,
            client=client,
            folder=folder,
            postgresql=postgresql,
        )
    finally:
        installation.close()
        shutil.rmtree(folder, ignore_errors=True)


def _varied(number: int, length: int) -> str:
    """Return characters that follow from `number`; nearby numbers give unlike texts."""
    return "".join(chr(_FIRST + (number * 7919 + place * 104_729) % _CHARACTERS) for place in range(length))
