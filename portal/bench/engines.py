"""Figures of the cryptography: SM2 against `openssl speed`, guarded against bare signing."""

import shutil
import subprocess
from collections.abc import Iterator

from portal.bench.measure import Figure, Target, cpu_rate, figure, wall_rate
from portal.bench.world import BenchWorld
from portal.wiring import active_keys
from trust.gm.sm2 import PrivateKey
from trust.keys import KeyPurpose, SigningRequest, UseContext

_MESSAGE = bytes(range(32))
_BATCH = 256  # what a province's bulk issue asks for at once


def sm2_figures() -> Iterator[Figure]:
    """SM2 through `trust.gm`, ZA and SM3 inside, against OpenSSL's own loop over the same library."""
    key = PrivateKey.generate()
    signature = key.sign(_MESSAGE)
    public = key.public_key
    target = Target(ratio=0.85)
    has_openssl = shutil.which("openssl") is not None
    yield figure(
        "SM2 sign",
        "1/s",
        lambda: cpu_rate(lambda: key.sign(_MESSAGE)),
        reference=("openssl speed sm2", lambda: _openssl_speed()[0]) if has_openssl else None,
        target=target if has_openssl else None,
        note="CPU time" if has_openssl else "no reference: the openssl command is missing",
    )
    yield figure(
        "SM2 verify",
        "1/s",
        lambda: cpu_rate(lambda: public.verify(_MESSAGE, signature)),
        reference=("openssl speed sm2", lambda: _openssl_speed()[1]) if has_openssl else None,
        target=target if has_openssl else None,
        note="CPU time" if has_openssl else "no reference: the openssl command is missing",
    )


def guard_figures(world: BenchWorld) -> Iterator[Figure]:
    """The guard with its self-verification and ledger entry, against the device alone."""
    base = world.installation.foundation
    info = active_keys(base, KeyPurpose.SEALING)[0]
    request = SigningRequest(message=_MESSAGE, context=UseContext(principal="system:bench", why="benchmark"))

    def guarded(count: int) -> float:
        requests = (request,) * count
        return count * wall_rate(lambda: base.signer.sign_many(info.ref, requests, purpose=KeyPurpose.SEALING))

    def bare(count: int) -> float:
        return count * wall_rate(lambda: base.keys.token.sign_batch(info.ref, (_MESSAGE,) * count))

    def measured(count: int, name: str) -> Figure:
        return figure(
            name,
            "1/s",
            lambda: guarded(count),
            reference=("bare device", lambda: bare(count)),
            note="elapsed; includes self-verification and a durable ledger entry",
        )

    yield measured(1, "guarded sign, one at a time")
    yield measured(_BATCH, f"guarded sign, {_BATCH} at once")


def _openssl_speed() -> tuple[float, float]:
    """Return signs and verifies per CPU second, as `openssl speed` measures them itself."""
    done = subprocess.run(
        ["openssl", "speed", "-mr", "-seconds", "1", "sm2"],  # noqa: S607  the system's own command is the reference
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("+F7:"))
    sign, verify = line.rsplit(":", 2)[1:]
    return float(sign), float(verify)
