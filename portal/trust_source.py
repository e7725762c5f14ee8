"""The service's own PKI as the verifier's trust source."""

import threading
from datetime import datetime, timedelta
from typing import Final

from trust.authority.service import AuthorityService
from trust.kernel.clock import Clock
from verifier.ports import TrustMaterial

KEPT: Final = timedelta(seconds=5)  # how long a new CRL may stay unnoticed by a process that did not publish it


class AuthorityTrust:
    """Implements `verifier.ports.TrustSource`: read anew every few seconds, the same object while nothing changed."""

    def __init__(self, authority: AuthorityService, clock: Clock) -> None:
        self._authority = authority
        self._clock = clock
        self._lock = threading.Lock()
        self._material: TrustMaterial | None = None
        self._read_at: datetime | None = None

    def material(self) -> TrustMaterial:
        """Return anchors, CAs and CRLs. Raises `AuthorityNotEstablished`."""
        with self._lock:
            now = self._clock.now()
            if self._material is None or self._read_at is None or not now - KEPT < self._read_at <= now:
                self._material, self._read_at = self._fresh(self._material), now
            return self._material

    def _fresh(self, known: TrustMaterial | None) -> TrustMaterial:
        found = self._authority.material()
        fresh = TrustMaterial(roots=found.roots, intermediates=found.intermediates, crls=found.crls)
        return known if known == fresh else fresh
