"""Showing a certificate (亮证): the holder's phone has a code that lives a minute, and whoever scans it sees a verdict.

1 the holder begins a show of one certificate, which is a look of their own · 2 their page fetches one code after the
other until the show ends · 3 whoever scans a code gets file and contents, and leaves a row for the holder (law 8).
A code is 256 random bits, kept as its SHA-256; it opens this one certificate and nothing else.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from certs.access_log import OwnLook, Purpose, Release, ShownLook
from certs.library import Opened, Shown
from certs.library_errors import ShowOver
from certs.ports import Principal
from sso.revocation.domain import Tie
from trust.kernel.bearer_secrets import may_be_secret, new_secret, secret_digest
from trust.kernel.clock import Clock
from trust.kernel.identifiers import CertificateIdentifier
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness

CODE_SECONDS: Final = 60
"""Life of a code, seconds: long enough to hold it under a scanner, too short to pass a screenshot on."""

SHOW_SECONDS: Final = 300
"""How long one show goes on fetching codes, seconds: a phone left lying shows nothing more after that."""


_log = structlog.get_logger("certs.showing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """One certificate being shown. `session` is the sign-in that shows it, `ties` what must hold for that to go on."""

    id: str
    identifier: str
    session: str
    ties: frozenset[Tie]
    ends_at: datetime
    voided_at: datetime | None = None

    def goes_on(self, now: datetime) -> bool:
        """Whether codes may still be fetched and used."""
        return self.voided_at is None and now < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCode:
    """A fresh code at the only moment at which it is known."""

    code: str = field(repr=False)
    expires_at: datetime
    show: Show


class Certificates(Protocol):
    """The certificates (`certs.service.CertificateService`)."""

    def get(
        self, principal: Principal, identifier: CertificateIdentifier, purpose: Purpose, release: Release | None = None
    ) -> Opened:
        """Return a certificate. Raises `CertificateUnknown`, also for one outside `release`."""
        ...

    def show(self, principal: Principal, identifier: CertificateIdentifier, purpose: Purpose) -> Shown:
        """Return contents and file in one look."""
        ...


class ShowStore(Protocol):
    """Where shows are kept. Each method is one unit of work."""

    def add(self, show: Show) -> None:
        """Keep a new show."""
        ...

    def find(self, show_id: str) -> Show | None:
        """Return a show, or None."""
        ...

    def add_code(self, show_id: str, digest: bytes, *, expires_at: datetime, now: datetime) -> bool:
        """Keep the digest of a code and drop those of the show that expired; False when the show is over at `now`."""
        ...

    def by_code(self, digest: bytes, *, now: datetime) -> Show | None:
        """Return the show of a code that has not expired, or None."""
        ...

    def void(self, show_id: str, *, at: datetime) -> None:
        """End a show; the first time stands."""
        ...

    def forget(self, *, before: datetime) -> int:
        """Delete the shows that ended before a moment, with their codes; return how many."""
        ...


class CutTies(Protocol):
    """The register of cut ties (`sso.revocation.store.DatabaseRevocations`)."""

    def first_cut(self, ties: Collection[Tie]) -> Tie | None:
        """Return one of `ties` that has been cut, or None."""
        ...


class ShowDesk:
    """Begins and ends shows, makes codes and opens what they lead to."""

    def __init__(
        self, certificates: Certificates, store: ShowStore, ties: CutTies, *, clock: Clock, randomness: Randomness
    ) -> None:
        self._certificates = certificates
        self._store = store
        self._ties = ties
        self._clock = clock
        self._randomness = randomness

    def begin(
        self, identifier: CertificateIdentifier, release: Release, *, session: str, ties: Collection[Tie]
    ) -> Show:
        """Begin a show of a certificate that `release` admits; a look of the person's own. Raises `CertificateUnknown`.

        `ties` are those of the sign-in, and of the mandate of one who shows another's certificate.
        """
        self._certificates.get(OwnLook(), identifier, release.purpose_zh, release)
        show = Show(
            id=new_id(self._clock, self._randomness),
            identifier=identifier.value,
            session=session,
            ties=frozenset(ties),
            ends_at=self._clock.now() + timedelta(seconds=SHOW_SECONDS),
        )
        self._store.add(show)
        _log.info("show begun", show=show.id, session=session)
        return show

    def find(self, show_id: str, *, session: str) -> Show:
        """Return a show of this session, also one that is over. Raises `ShowOver` for any other."""
        # Ids are letters and digits; PostgreSQL fails on a NUL in a text.
        show = self._store.find(show_id) if show_id.isalnum() else None
        if show is None or show.session != session:
            raise ShowOver
        return show

    def code(self, show_id: str, *, session: str) -> ShowCode:
        """Return a fresh code; the one before lives on until its minute is over. Raises `ShowOver`."""
        show, now = self.find(show_id, session=session), self._clock.now()
        expires_at = now + timedelta(seconds=CODE_SECONDS)
        code = new_secret(self._randomness)
        if not self._store.add_code(show.id, secret_digest(code), expires_at=expires_at, now=now):
            raise ShowOver
        return ShowCode(code=code, expires_at=expires_at, show=show)

    def void(self, show_id: str, *, session: str) -> Show:
        """End a show and every code of it at once. Raises `ShowOver` for a show of another session."""
        show = self.find(show_id, session=session)
        self._store.void(show.id, at=self._clock.now())
        _log.info("show voided", show=show.id)
        return show

    def scan(self, code: str) -> Shown:
        """Return what a code shows, leaving a row for the holder. Raises `ShowOver`: late, void, ended or unknown."""
        known = may_be_secret(code)
        show = self._store.by_code(secret_digest(code), now=self._clock.now()) if known else None
        if show is None or show.voided_at is not None or self._ties.first_cut(show.ties) is not None:
            _log.info("scan refused", show=show.id if show else None)
            raise ShowOver
        look = ShownLook()
        shown = self._certificates.show(look, CertificateIdentifier.parse(show.identifier), look.purpose)
        _log.info("scanned", show=show.id)
        return shown

    def forget_over(self) -> int:
        """Delete shows that are over and no code of which lives; return how many. Housekeeping calls it."""
        return self._store.forget(before=self._clock.now() - timedelta(seconds=CODE_SECONDS))
