"""What a person has allowed clients: they can see it, and take it back."""

from collections.abc import Sequence

import structlog

from sso.provider.errors import ConsentUnknown
from sso.provider.grants import Consent
from sso.provider.ports import ConsentStore
from trust.kernel.clock import Clock

_log = structlog.get_logger("sso.consents")


class Consents:
    """The consents of persons, for their own pages."""

    def __init__(self, store: ConsentStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def of(self, person: str) -> Sequence[Consent]:
        """Return the consents of a person that hold, newest first."""
        now = self._clock.now()
        return tuple(consent for consent in self._store.of(person) if now < consent.expires_at)

    def withdraw(self, consent_id: str, *, person: str) -> None:
        """Take a consent back: every token that rests on it ends with the same commit. Raises `ConsentUnknown`."""
        # Ids are letters and digits: PostgreSQL fails on a NUL in a text.
        if not consent_id.isalnum() or not self._store.withdraw(consent_id, person, self._clock.now()):
            raise ConsentUnknown(field="consent")
        _log.info("consent withdrawn", consent=consent_id)
