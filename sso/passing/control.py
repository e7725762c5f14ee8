"""A code on the phone of whoever holds an account shows a clerk that the account is that person's."""

import structlog

from sso.passing.domain import PresenceMethod
from sso.passing.store.presences import SqlPresences
from trust.kernel.bearer_secrets import secret_digest
from trust.kernel.clock import Clock

_log = structlog.get_logger("sso.passing")


class PresenceControl:
    """Control of accounts by the presence code of a signed-in session; a `sso.accounts.ports.AccountControl`."""

    def __init__(self, store: SqlPresences, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def is_shown(self, code: str, *, person: str) -> bool:
        """Whether the code comes from a living session of this person and is in time; showing it uses it up.

        A presence that a clerk attested shows no control: nobody was signed in.
        """
        now = self._clock.now()
        presence = self._store.take(secret_digest(code), method=PresenceMethod.QR, at=now)
        shown = presence is not None and presence.person == person and now < presence.expires_at
        if not shown:
            _log.warning("account-control-not-shown", person=person, known=presence is not None)
        return shown
