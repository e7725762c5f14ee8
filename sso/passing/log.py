"""Who looked: what the citizen sees of every hop, failed presentation and introspection at a counter (law 8)."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from sso.passing.chain import check_chain, last_clerk, last_counter, last_counter_name
from sso.passing.domain import Channel, Event, EventKind, Hop, Objection, PresenceMethod
from sso.passing.errors import HopUnknown
from sso.passing.ports import Clients
from sso.passing.store.hops import SqlHops
from sso.passing.store.presences import SqlPresences
from sso.passing.targets import API
from sso.provider.claims import ReadToken
from sso.provider.domain import Client
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_reason

ROWS_MAX: Final = 1000
"""Rows in one answer, as the library's own log gives them; `before` leads to the older ones."""

NOTED_MAX: Final = 10_000
"""Introspections remembered per process, about 2 MB: a system that asks about one token again leaves no second row."""

HOP: Final = "hop"
_API_LABEL: Final = "印信证照库"

_log = structlog.get_logger("sso.passing")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRow:
    """One row as the citizen sees it. `kind` is `hop` or an `EventKind`; `who` is the masked clerk, None online.

    `hop` names what can be objected to; `ended` says that an objection has ended it.
    """

    id: str
    kind: str
    at: datetime
    system: str
    to_system: str | None = None
    who: str | None = None
    counter: str | None = None
    channel: Channel | None = None
    purpose: str | None = None
    purpose_zh: str | None = None
    matter: str | None = None
    case: str | None = None
    what: tuple[str, ...] = ()
    method: PresenceMethod | None = None
    represents: str | None = None
    hop: str | None = None
    ended: bool = False


class AccessLog:
    """The citizen's record of passed trust."""

    def __init__(
        self, *, hops: SqlHops, events: SqlPresences, clients: Clients, clock: Clock, randomness: Randomness
    ) -> None:
        self._hops = hops
        self._events = events
        self._clients = clients
        self._clock = clock
        self._randomness = randomness
        self._noted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, person_id: str, *, before: datetime | None = None, limit: int = ROWS_MAX) -> tuple[AccessRow, ...]:
        """Return the rows about a person, also what an agent did in their name, before a moment, newest first."""
        hops = self._hops.about(person_id, before=before, limit=limit)
        objections = self._hops.objections([hop.id for hop in hops])
        events = self._events.about(person_id, before=before, limit=limit)
        labels = self._labels(hops, events)
        rows = [_hop_row(hop, labels, ended=hop.id in objections) for hop in hops]
        rows += [_event_row(event, labels) for event in events]
        return tuple(sorted(rows, key=lambda row: (row.at, row.id), reverse=True)[:limit])

    def object_to(self, hop_id: str, person_id: str, text: str, *, whose: str | None = None) -> Objection:
        """Record an objection and end every token that hangs on the hop, in one commit; the first one stands.

        `whose` is the person that the hop is about when they are not who objects: an organisation's representative may.

        Raises `HopUnknown` for another person's hop, and as `check_reason` for the text.
        """
        check_reason(text, field="text")
        hop = self._hops.find(hop_id)
        if hop is None or (whose or person_id) not in {hop.subject, hop.represents}:
            raise HopUnknown(field="hop")
        objection = Objection(hop=hop.id, person=person_id, text=text, at=self._clock.now())
        self._hops.object_to(objection, hop.tie)
        _log.warning("hop-objected-to", hop=hop.id, system=hop.from_system, clerk=hop.clerk, counter=hop.counter)
        return objection

    def check(self, hop_id: str) -> tuple[Hop, ...]:
        """Return the whole chain up to a hop after recomputing its links. Raises `HopUnknown`, `ChainBroken`."""
        chain = self._hops.chain(hop_id)
        if not chain:
            raise HopUnknown(field="hop")
        check_chain(chain)
        return chain

    def note_introspection(self, token: ReadToken, by: Client) -> None:
        """Keep that a system asked about a token that was passed on: one row for each token, system and process.

        Sign-in tokens leave none: only the system that the person signed in to may ask about those.
        """
        contents = token.contents
        if contents.hop is None or not self._first(token.jti, by.id):
            return
        self._events.note(
            Event(
                id=new_id(self._clock, self._randomness),
                person=contents.person,
                kind=EventKind.INTROSPECTION,
                at=self._clock.now(),
                system=by.id,
                counter=last_counter(contents.act),
                counter_name=last_counter_name(contents.act),
                clerk=contents.clerk,
                clerk_name=last_clerk(contents.act),
                hop=contents.hop,
            )
        )

    def _first(self, jti: str, system: str) -> bool:
        key = (jti, system)
        with self._lock:
            if key in self._noted:
                return False
            self._noted[key] = None
            if len(self._noted) > NOTED_MAX:
                self._noted.popitem(last=False)
            return True

    def _labels(self, hops: Sequence[Hop], events: Sequence[Event]) -> dict[str, str]:
        """Return the names of systems as people know them; an id whose registration is gone stands for itself."""
        ids = {each for hop in hops for each in (hop.from_system, hop.to_system)} | {event.system for event in events}
        found = {each: self._clients.find(each) for each in ids if each != API}
        return {API: _API_LABEL} | {each: each if client is None else client.label for each, client in found.items()}


def _hop_row(hop: Hop, labels: dict[str, str], *, ended: bool) -> AccessRow:
    return AccessRow(
        id=hop.id,
        kind=HOP,
        at=hop.at,
        system=labels[hop.from_system],
        to_system=labels[hop.to_system],
        who=hop.clerk_name,
        counter=hop.counter_name,
        channel=hop.channel,
        purpose=hop.purpose,
        purpose_zh=hop.purpose_zh,
        matter=hop.matter,
        case=hop.case,
        what=hop.scopes,
        method=hop.presence_method,
        represents=hop.represents,
        hop=hop.id,
        ended=ended,
    )


def _event_row(event: Event, labels: dict[str, str]) -> AccessRow:
    return AccessRow(
        id=event.id,
        kind=event.kind.value,
        at=event.at,
        system=labels[event.system],
        who=event.clerk_name,
        counter=event.counter_name,
        channel=None if event.counter is None else Channel.COUNTER,
        method=event.method,
        hop=event.hop,
    )
