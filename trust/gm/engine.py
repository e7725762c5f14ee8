"""Chooses the SM2 engine once per process and says so in the log."""

import logging
from collections.abc import Sequence
from functools import lru_cache

from trust.gm.libcrypto import LibcryptoEngine, LibcryptoUnsuitable, library_names
from trust.gm.ports import Engine

_log = logging.getLogger(__name__)


def choose(names: Sequence[str] | None = None) -> Engine:
    """Return libcrypto under the first of `names` that has SM2, else the verify-only fallback.

    `names` defaults to what the platform calls libcrypto 3.
    """
    reasons = []
    for name in library_names() if names is None else names:
        try:
            engine = LibcryptoEngine(name)
        except LibcryptoUnsuitable as unsuitable:
            reasons.append(unsuitable.detail)
            continue
        _log.info("SM2 engine: %s, %s, %s", engine.name, engine.version, engine.location)
        return engine
    from trust.gm.fallback import GmsslEngine  # loaded only where it is needed

    fallback = GmsslEngine()
    _log.warning(
        "SM2 engine: %s, %s: verify-only, no signing, no decryption, slow. Because: %s",
        fallback.name,
        fallback.version,
        " ".join(reasons),
    )
    return fallback


@lru_cache(maxsize=1)
def current() -> Engine:
    """Return the engine of this process; the first call chooses it."""
    return choose()
