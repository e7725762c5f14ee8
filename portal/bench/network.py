"""Figures over HTTP, with wrk against the served application on the same machine."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from portal.bench.load import WrkFailed
from portal.bench.measure import Figure, Target, figure
from portal.bench.world import BenchWorld
from portal.demo.server import served

_SECONDS = 3
_CONNECTIONS = 32


def network_figures(world: BenchWorld) -> Iterator[Figure]:
    """Verification by identifier and token grants; nothing when wrk is missing."""
    if shutil.which("wrk") is None:
        return
    certificate = world.installation.certs.issue(world.principal, world.issue_body(1).parse("bench-http"))
    verify = _script(
        world.folder / "verify.lua", "application/json", f'{{"identifier":"{certificate.identifier}"}}', {}
    )
    basic = base64.b64encode(f"{world.client.id}:{world.client.secret}".encode()).decode()
    grant = _script(
        world.folder / "grant.lua",
        "application/x-www-form-urlencoded",
        "grant_type=client_credentials",
        {"Authorization": f"Basic {basic}"},
    )
    with served(world.settings, world.folder / "server.log") as address:
        reference = ("GET /healthz", lambda: _wrk(f"{address}/healthz", None))
        yield figure(
            "verify by identifier, HTTP",
            "req/s",
            lambda: _wrk(f"{address}/api/v1/verify", verify),
            reference=reference,
            target=Target(rate=2000),
            note=f"wrk -t1 -c{_CONNECTIONS} on the same two cores",
        )
        yield figure(
            "client-credentials grant, HTTP",
            "req/s",
            lambda: _wrk(f"{address}/oauth/token", grant),
            reference=reference,
            note="each grant is a guarded ES256 signature with its own durable ledger entry",
        )


def _script(path: Path, media_type: str, body: str, headers: dict[str, str]) -> Path:
    lines = ['wrk.method = "POST"', f"wrk.body = [[{body}]]", f'wrk.headers["Content-Type"] = "{media_type}"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    path.write_text("\n".join(lines), "utf-8")
    path.chmod(0o600)
    return path


def _wrk(address: str, script: Path | None) -> float:
    command = ["wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", *(["-s", str(script)] if script else []), address]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  fixed arguments
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise WrkFailed(output=done.stdout[-500:])
    return float(rate.group(1))
