"""What an exchange reads and writes: one reading unit, one writing unit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from sso.passing.domain import Case, Channel, Hop, Objection, Presence, PresenceMethod
from sso.passing.store.cases import case_within
from sso.passing.store.presences import presence_within
from sso.passing.store.tables import CASES, HOPS, OBJECTIONS, PRESENCES
from sso.provider.store.participants import Participant, add_within
from sso.revocation.domain import Tie
from sso.revocation.store import cut_within, first_cut_within
from trust.db import Database
from trust.prepared import Prepared
from trust.upserts import insert_into

_ADD = Prepared(insert(HOPS))
_BY_ID = Prepared(select(HOPS).where(HOPS.c.id == bindparam("id")))
_USE_PRESENCE = Prepared(
    update(PRESENCES)
    .where(PRESENCES.c.id == bindparam("presence"), PRESENCES.c.used_at.is_(None))
    .values(used_at=bindparam("moment"))
)
_TAKE_CASE = Prepared(
    update(CASES)
    .where(
        CASES.c.id == bindparam("number"),
        CASES.c.closed_at.is_(None),
        or_(CASES.c.subject.is_(None), CASES.c.subject == bindparam("person")),
    )
    .values(subject=bindparam("person"))
)
_COLUMNS = tuple(column.name for column in HOPS.columns)
_MOMENTS = ("at", "expires_at", "presence_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What an exchange must know beside its tokens: the case, the presence, and a tie that was cut, each or None."""

    case: Case | None
    presence: Presence | None
    presence_used: bool
    cut: Tie | None


class Outcome(StrEnum):
    """What became of a hop that was to be kept."""

    KEPT = "kept"
    PRESENCE_USED = "presence-used"
    CASE_TAKEN = "case-taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHop:
    """A hop to keep, with what it uses up in the same commit.

    `presence` is the presence used up, `case` the case that becomes the subject's, `participant` the system that the
    citizen's session reaches by it.
    """

    hop: Hop
    presence: str | None = None
    case: str | None = None
    participant: Participant | None = None


class _Lost(Exception):
    """What the hop would have used up is gone."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


class SqlHops:
    """Hops, and the facts that an exchange rests on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def situation(self, *, case: str | None, presence: bytes | None) -> Situation:
        """Return case, presence (by the digest of its code) and a tie of theirs that was cut: one reading unit."""
        if case is None and presence is None:
            return Situation(case=None, presence=None, presence_used=False, cut=None)
        with self._database.connect() as connection:
            found = None if case is None else case_within(connection, case)
            shown, used = (None, False) if presence is None else presence_within(connection, presence)
            every = {*(found.ties if found else ()), *(shown.ties if shown else ())}
            cut = first_cut_within(connection, every)
        return Situation(case=found, presence=shown, presence_used=used, cut=cut)

    def keep(self, new: NewHop) -> Outcome:
        """Keep a hop, or nothing of it.

        It is on the disk with the ledger's entry of its token, which follows and without which nothing is released.
        """
        try:
            with self._database.begin(durable=False) as connection:
                _use_up(connection, new)
                _ADD.run(connection, hop_values(new.hop))
                if new.participant is not None:
                    add_within(connection, new.participant)
        except _Lost as lost:
            return lost.outcome
        return Outcome.KEPT

    def find(self, hop_id: str) -> Hop | None:
        """Return a hop, or None."""
        row = self._database.first(_BY_ID, {"id": hop_id})
        return None if row is None else _hop(row)

    def chain(self, hop_id: str) -> tuple[Hop, ...]:
        """Return the hops up to and with `hop_id`, first hop first; empty when there is none."""
        found: list[Hop] = []
        with self._database.connect() as connection:
            following: str | None = hop_id
            while following is not None:
                row = _BY_ID.first(connection, {"id": following})
                if row is None:
                    break
                found.append(_hop(row))
                following = row.previous
        return tuple(reversed(found))

    def about(self, person: str, *, before: datetime | None = None, limit: int) -> tuple[Hop, ...]:
        """Return the newest hops before a moment whose subject is `person`, or in which they were represented."""
        query = select(HOPS).where(or_(HOPS.c.subject == person, HOPS.c.represents == person))
        if before is not None:
            query = query.where(HOPS.c.at < before.isoformat())
        with self._database.connect() as connection:
            return tuple(map(_hop, connection.execute(query.order_by(HOPS.c.at.desc(), HOPS.c.id.desc()).limit(limit))))

    def object_to(self, objection: Objection, tie: Tie) -> None:
        """Keep an objection and cut what hangs on its hop, in one commit; the first objection to a hop stands."""
        values = {"hop": objection.hop, "person": objection.person, "text": objection.text}
        with self._database.begin() as connection:
            connection.execute(
                insert_into(connection, OBJECTIONS).on_conflict_do_nothing(), {**values, "at": objection.at.isoformat()}
            )
            cut_within(connection, {tie}, reason="objection", at=objection.at)

    def objections(self, hops: Collection[str]) -> dict[str, Objection]:
        """Return the objections to these hops, by hop."""
        query = select(OBJECTIONS).where(OBJECTIONS.c.hop.in_(list(hops)))
        with self._database.connect() as connection:
            rows = connection.execute(query).all()
        return {
            row.hop: Objection(hop=row.hop, person=row.person, text=row.text, at=datetime.fromisoformat(row.at))
            for row in rows
        }


def add_hop_within(connection: Connection, hop: Hop) -> None:
    """Keep a hop inside another unit of work."""
    _ADD.run(connection, hop_values(hop))


def hop_of(values: Mapping[str, Any]) -> Hop:
    """Return the hop that `hop_values` wrote."""
    moments = {name: datetime.fromisoformat(values[name]) for name in _MOMENTS if values[name] is not None}
    method = values["presence_method"]
    return Hop(
        **{
            **values,
            **moments,
            "scopes": tuple(values["scopes"].split()),
            "channel": Channel(values["channel"]),
            "presence_method": None if method is None else PresenceMethod(method),
        }
    )


def hop_values(hop: Hop) -> dict[str, Any]:
    """Return the hop as its row holds it."""
    values = {name: getattr(hop, name) for name in _COLUMNS}
    moments = {name: values[name].isoformat() for name in _MOMENTS if values[name] is not None}
    return {**values, **moments, "scopes": " ".join(hop.scopes)}


def _use_up(connection: Connection, item: NewHop) -> None:
    """Use up what the hop uses, the presence first. Raises `_Lost`, with which the unit of work is taken back."""
    presence, case = (
        {"presence": item.presence, "moment": item.hop.at.isoformat()},
        {"number": item.case, "person": item.hop.subject},
    )
    if item.presence is not None and _USE_PRESENCE.run(connection, presence) != 1:
        raise _Lost(Outcome.PRESENCE_USED)
    if item.case is not None and _TAKE_CASE.run(connection, case) != 1:
        raise _Lost(Outcome.CASE_TAKEN)


def _hop(row: Row[Any]) -> Hop:
    return hop_of(row._asdict())
