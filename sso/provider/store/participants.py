"""Which clients a session reached, and whether they have been told of its end (OIDC back-channel logout).

There is no queue of logouts: what is to be sent follows from a participant whose ties are cut. A participant is kept
in the commit that lets the client in (`add_within`), the tie is cut in the commit that ends the session; so nothing
that happened can be missed, whichever process dies when. `notice` is only an index over that: a moment at which a
participant became due, which makes finding the next one cheap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Index, Integer, Row, String, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import CutTieRow
from trust.db import Base, Database
from trust.kernel.clock import kept_moment
from trust.prepared import Prepared

KEPT_DAYS = 30
"""How long a participant is kept, days: past the longest session, and time enough for an officer to look."""

_POSTGRESQL = "postgresql"


class Outcome(StrEnum):
    """What became of telling a client; closed."""

    DELIVERED = "delivered"
    GIVEN_UP = "given-up"  # every attempt failed
    NOT_ASKED = "not-asked"  # the client is disabled or takes no logout tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A client that a session reached. `subject` and `sid` are what this client knows person and session by.

    `person_tie` is the id of the person's tie at that moment: ending all of a person ends this as well.
    """

    session: str
    person_tie: str
    client: str
    subject: str = field(repr=False)
    sid: str = field(repr=False)
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How telling one client stands; `outcome` is None while it goes on, `failure` the reason of the last attempt."""

    participant: Participant
    due_at: datetime | None
    attempts: int
    outcome: Outcome | None
    failure: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """An attempt that failed at `at`; the next is due at `again_at`, unless `most` attempts have been made."""

    at: datetime
    again_at: datetime
    reason: str
    most: int


class ParticipantRow(Base):
    """One client of one session. Moments are ISO 8601 text in UTC."""

    __tablename__ = "sso_participants"

    session: Mapped[str] = mapped_column(String(26), primary_key=True)
    client: Mapped[str] = mapped_column(String(26), primary_key=True)
    session_tie: Mapped[str] = mapped_column(String(80), index=True)
    person_tie: Mapped[str] = mapped_column(String(80), index=True)
    subject: Mapped[str] = mapped_column(String(43))
    sid: Mapped[str] = mapped_column(String(43))
    joined_at: Mapped[str] = mapped_column(String(32), index=True)
    due_at: Mapped[str | None] = mapped_column(String(32))
    leased_until: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    outcome: Mapped[str | None] = mapped_column(String(16))
    failure: Mapped[str | None] = mapped_column(String(80))
    finished_at: Mapped[str | None] = mapped_column(String(32))

    __table_args__ = (Index("ix_sso_participants_due", "outcome", "due_at"),)


_PARTICIPANTS = Base.metadata.tables["sso_participants"]
_CUT = Base.metadata.tables[CutTieRow.__tablename__]
# Executed at every exchange: made once, as building it costs more than running it.
_KEY = ["session", "client"]
_ADD_POSTGRESQL = Prepared(postgresql.insert(_PARTICIPANTS).on_conflict_do_nothing(index_elements=_KEY))
_ADD_SQLITE = Prepared(sqlite.insert(_PARTICIPANTS).on_conflict_do_nothing(index_elements=_KEY))
_NEW = {column.name: None for column in _PARTICIPANTS.columns} | {"attempts": 0}


def add_within(connection: Connection, *participants: Participant) -> None:
    """Keep participants inside another store's unit of work: no client is let in without being told of the end.

    A client that the session reached before stays as it is. The order of the rows is one for all: of two units that add
    the same, one waits for the other.
    """
    rows = [
        _NEW
        | {
            "session": participant.session,
            "client": participant.client,
            "session_tie": str(Tie(TieKind.SESSION, participant.session)),
            "person_tie": str(Tie(TieKind.PERSON, participant.person_tie)),
            "subject": participant.subject,
            "sid": participant.sid,
            "joined_at": participant.joined_at.isoformat(),
        }
        for participant in sorted(participants, key=lambda found: (found.session, found.client))
    ]
    if rows:
        add = _ADD_POSTGRESQL if connection.dialect.name == _POSTGRESQL else _ADD_SQLITE
        add.run(connection, *rows)


class DatabaseParticipants:
    """Participants in the database; each method is one unit of work."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def notice(self, now: datetime, *, since: datetime | None) -> int:
        """Make every participant due whose session or person was cut; return how many.

        `since` spares looking at ties that were cut earlier and have been looked at; None looks at all.
        """
        cut = select(_CUT.c.tie)
        if since is not None:
            cut = cut.where(_CUT.c.at >= since.isoformat())
        hanging = or_(_PARTICIPANTS.c.session_tie.in_(cut), _PARTICIPANTS.c.person_tie.in_(cut))
        waiting = _PARTICIPANTS.c.outcome.is_(None) & _PARTICIPANTS.c.due_at.is_(None)
        with self._database.begin() as connection:
            statement = update(_PARTICIPANTS).where(waiting, hanging).values(due_at=now.isoformat())
            return connection.execute(statement).rowcount

    def claim(self, now: datetime, *, lease: timedelta, most: int) -> Sequence[Delivery]:
        """Take up to `most` due deliveries for yourself, oldest first, until the lease is over."""
        free = or_(_PARTICIPANTS.c.leased_until.is_(None), _PARTICIPANTS.c.leased_until <= now.isoformat())
        due = (
            select(_PARTICIPANTS)
            .where(_PARTICIPANTS.c.outcome.is_(None), _PARTICIPANTS.c.due_at <= now.isoformat(), free)
            .order_by(_PARTICIPANTS.c.due_at)
            .limit(most)
            .with_for_update(skip_locked=True)  # PostgreSQL; in SQLite one writer works at a time
        )
        with self._database.begin() as connection:
            rows = connection.execute(due).all()
            for row in rows:
                same = (_PARTICIPANTS.c.session == row.session) & (_PARTICIPANTS.c.client == row.client)
                leased = update(_PARTICIPANTS).where(same).values(leased_until=(now + lease).isoformat())
                connection.execute(leased)
        return tuple(map(_delivery, rows))

    def finish(self, participant: Participant, outcome: Outcome, *, at: datetime, attempts: int) -> None:
        """Record what became of it; the first outcome stands."""
        values = {"outcome": outcome.value, "attempts": attempts, "finished_at": at.isoformat(), "leased_until": None}
        self._change(_same(participant), values)

    def fail(self, participant: Participant, attempt: FailedAttempt) -> None:
        """Record a failed attempt at one delivery."""
        self._change(_same(participant), _failure(attempt))

    def fail_client(self, client: str, attempt: FailedAttempt) -> None:
        """Record that a client does not answer: a failed attempt at everything that is due to it."""
        due = _PARTICIPANTS.c.due_at <= attempt.at.isoformat()
        self._change((_PARTICIPANTS.c.client == client) & due, _failure(attempt))

    def put_back(self, client: str, left: Sequence[Participant], *, at: datetime) -> None:
        """Give claimed deliveries of a client back untried, and put all that is due to it behind what is due to others.

        Claiming takes the oldest: without this a slow client with a long queue would be all that is ever claimed.
        """
        for participant in left:
            self._change(_same(participant), {"leased_until": None})
        due = _PARTICIPANTS.c.due_at <= at.isoformat()
        self._change((_PARTICIPANTS.c.client == client) & due, {"due_at": at.isoformat()})

    def deliveries(self, *, most: int, unfinished: bool = False) -> Sequence[Delivery]:
        """Return the newest deliveries for operators; only those that failed or go on when `unfinished`."""
        statement = select(_PARTICIPANTS).where(_PARTICIPANTS.c.due_at.is_not(None))
        if unfinished:
            open_or_lost = or_(_PARTICIPANTS.c.outcome.is_(None), _PARTICIPANTS.c.outcome == Outcome.GIVEN_UP.value)
            statement = statement.where(open_or_lost)
        with self._database.connect() as connection:
            rows = connection.execute(statement.order_by(_PARTICIPANTS.c.due_at.desc()).limit(most)).all()
        return tuple(map(_delivery, rows))

    def of_session(self, session: str) -> Sequence[Delivery]:
        """Return every client that a session reached."""
        statement = select(_PARTICIPANTS).where(_PARTICIPANTS.c.session == session)
        with self._database.connect() as connection:
            rows = connection.execute(statement.order_by(_PARTICIPANTS.c.client)).all()
        return tuple(map(_delivery, rows))

    def prune(self, now: datetime) -> int:
        """Forget participants older than `KEPT_DAYS`; return how many."""
        oldest = (now - timedelta(days=KEPT_DAYS)).isoformat()
        with self._database.begin() as connection:
            return connection.execute(delete(_PARTICIPANTS).where(_PARTICIPANTS.c.joined_at < oldest)).rowcount

    def _change(self, which: ColumnElement[bool], values: Mapping[str, Any]) -> None:
        statement = update(_PARTICIPANTS).where(which, _PARTICIPANTS.c.outcome.is_(None)).values(**values)
        with self._database.begin() as connection:
            connection.execute(statement)


def _same(participant: Participant) -> ColumnElement[bool]:
    return (_PARTICIPANTS.c.session == participant.session) & (_PARTICIPANTS.c.client == participant.client)


def _failure(attempt: FailedAttempt) -> dict[str, Any]:
    attempts = _PARTICIPANTS.c.attempts + 1
    last = attempts >= attempt.most
    return {
        "attempts": attempts,
        "due_at": attempt.again_at.isoformat(),
        "failure": attempt.reason,
        "leased_until": None,
        "outcome": case((last, Outcome.GIVEN_UP.value)),
        "finished_at": case((last, attempt.at.isoformat())),
    }


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        participant=Participant(
            session=row.session,
            person_tie=Tie.parse(row.person_tie).id,
            client=row.client,
            subject=row.subject,
            sid=row.sid,
            joined_at=datetime.fromisoformat(row.joined_at),
        ),
        due_at=kept_moment(row.due_at),
        attempts=row.attempts,
        outcome=Outcome(row.outcome) if row.outcome else None,
        failure=row.failure,
        finished_at=kept_moment(row.finished_at),
    )
