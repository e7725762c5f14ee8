"""Sessions: opened by a proof, found by the secret in the cookie, listed and ended by the person.

The secret is 256 random bits, kept as its SHA-256. It changes whenever the strength of the session does, and every
sign-in opens a session of its own: a secret that somebody planted or saw before is worth nothing afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from sso.accounts.domain import Person
from sso.signin.credentials import SessionChange
from sso.signin.domain import Method, Session, SessionTerms, Strength
from sso.signin.errors import SessionOver, SessionUnknown
from sso.signin.ports import SessionStore
from trust.kernel.bearer_secrets import new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly a session's last use is known: within it, requests write nothing."""

_log = structlog.get_logger("sso.signin")


class Sessions:
    """All sessions of the service."""

    def __init__(self, store: SessionStore, terms: SessionTerms, clock: Clock, randomness: Randomness) -> None:
        self._store = store
        self._terms = terms
        self._clock = clock
        self._randomness = randomness

    def open(
        self,
        person: Person,
        strength: Strength,
        methods: Sequence[Method],
        client_label: str,
        *,
        proved_at: datetime | None = None,
    ) -> tuple[Session, str]:
        """Open a session for a person who was recognised elsewhere (upstream); return it and its secret.

        `proved_at` is when they proved there who they are: a browser that is let in there again has proved nothing now.
        Whoever signs in here gets a session from `SignInDesk`, which opens it in the commit that uses up the proof.
        """
        change, secret = self.opening(person, strength, methods, client_label)
        if proved_at is not None:
            session = replace(change.session, auth_time=min(proved_at, change.session.auth_time))
            change = replace(change, session=session)
        self._store.change(change)
        _log.info(
            "session opened", session=change.session.id, person=person.id, methods=[method.value for method in methods]
        )
        return change.session, secret

    def find(self, secret: str) -> Session | None:
        """Return the living session of a cookie's secret, or None.

        None also when a tie is cut (session or person ended), and when the longest pause or life is over.
        """
        return self._used(self._store.find_by_digest(secret_digest(secret)))

    def find_by_id(self, session_id: str) -> Session | None:
        """Return the living session, or None; like `find` it counts as a use: a refreshed token keeps it awake."""
        return self._used(self._store.find(session_id))

    def of(self, person_id: str) -> tuple[Session, ...]:
        """Return the living sessions of a person, newest first."""
        now = self._clock.now()
        return tuple(found for found in self._store.of(person_id) if found.lives(now=now, idle=self._terms.idle))

    def end(self, session_id: str, by: str, *, reason: str = "signed-out") -> None:
        """End a session of the person `by` and cut its tie. Raises `SessionUnknown`, also for others' sessions."""
        # Ids are letters and digits; PostgreSQL fails on a NUL in a text.
        if not session_id.isalnum() or not self._store.end(session_id, by, reason=reason, at=self._clock.now()):
            _log.warning("session not ended", person=by, reason="unknown, ended or of another person")
            raise SessionUnknown(field="session")
        _log.info("session ended", session=session_id, person=by, reason=reason)

    def end_all(self, person_id: str, *, keep: str | None = None, reason: str = "signed-out-everywhere") -> int:
        """End all sessions of a person, but `keep`, and cut their ties; return how many."""
        ended = self._store.end_all(person_id, keep=keep, reason=reason, at=self._clock.now())
        _log.info("sessions ended", person=person_id, count=ended, reason=reason)
        return ended

    def end_expired(self) -> int:
        """End a batch of sessions whose life or longest pause is over, so that their tokens and systems learn of it.

        Housekeeping calls it until it returns 0.
        """
        return self._store.end_expired(idle=self._terms.idle, now=self._clock.now())

    def opening(
        self, person: Person, strength: Strength, methods: Sequence[Method], client_label: str
    ) -> tuple[SessionChange, str]:
        """Return a session to open and its secret; nothing is kept yet."""
        now = self._clock.now()
        session = Session(
            id=new_id(self._clock, self._randomness),
            person=person.id,
            person_epoch=person.epoch,
            strength=strength,
            methods=tuple(methods),
            auth_time=now,
            created_at=now,
            last_seen_at=now,
            expires_at=now + self._terms.absolute,
            client=client_label,
        )
        return self._with_secret(session, opens=True)

    def renewing(self, session: Session, strength: Strength, methods: Sequence[Method]) -> tuple[SessionChange, str]:
        """Return a session with a fresh proof of this strength and its new secret; nothing is kept yet."""
        now = self._clock.now()
        merged = tuple(dict.fromkeys((*session.methods, *methods)))
        renewed = replace(session, strength=strength, methods=merged, auth_time=now, last_seen_at=now)
        return self._with_secret(renewed, opens=False)

    def rotating(self, session: Session) -> tuple[SessionChange, str]:
        """Return the same session with a new secret; nothing is kept yet."""
        return self._with_secret(replace(session, last_seen_at=self._clock.now()), opens=False)

    def living(self, session_id: str) -> Session:
        """Return the living session. Raises `SessionOver`."""
        session = self.find_by_id(session_id)
        if session is None:
            _log.warning("sign-in refused", code=SessionOver.code, reason="session over", session=session_id)
            raise SessionOver
        return session

    def _used(self, session: Session | None) -> Session | None:
        now = self._clock.now()
        if session is None or not session.lives(now=now, idle=self._terms.idle):
            return None
        if now - session.last_seen_at < SEEN_EVERY:
            return session
        self._store.touch(session.id, now)
        return replace(session, last_seen_at=now)

    def _with_secret(self, session: Session, *, opens: bool) -> tuple[SessionChange, str]:
        secret = new_secret(self._randomness)
        return SessionChange(session=session, digest=secret_digest(secret), opens=opens), secret
