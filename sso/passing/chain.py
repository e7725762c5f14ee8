"""The chain of hops: the `act` claim that only ever grows, and the links that show a record altered afterwards.

A link is the SM3 of the link before and of the hop's facts in one canonical form. The newest link stands in the signed
token, so whoever holds one token of a chain can have the whole record of it recomputed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from sso.counters.domain import shown_clerk
from sso.passing.domain import Case, Hop
from sso.passing.errors import ChainBroken
from trust.gm.sm3 import sm3
from trust.kernel.encoding import canonical_json

NO_LINK: Final = ""
"""What stands for the link before the first hop."""

_FACTS = tuple(each.name for each in fields(Hop) if each.name != "link")


def linked(hop: Hop, previous_link: str) -> Hop:
    """Return the hop with its link."""
    return replace(hop, link=_link(hop, previous_link))


def check_chain(hops: Sequence[Hop]) -> None:
    """Check a whole chain, first hop first. Raises `ChainBroken`, naming the first hop that does not follow."""
    link, previous = NO_LINK, None
    for number, hop in enumerate(hops, start=1):
        if hop.number != number or hop.previous != previous or hop.link != _link(hop, link):
            raise ChainBroken(hop=hop.id, number=number)
        link, previous = hop.link, hop.id


def last_link(act: Mapping[str, Any] | None) -> str:
    """Return the link of the newest hop in an `act` claim of ours."""
    return NO_LINK if act is None else str(act["pass"]["link"])


def last_counter(act: Mapping[str, Any] | None) -> str | None:
    """Return the counter of the newest hop in an `act` claim of ours, None when it was online."""
    counter = None if act is None else act.get("counter")
    return None if counter is None else str(counter["id"])


def last_clerk(act: Mapping[str, Any] | None) -> str | None:
    """Return the clerk of the newest hop in an `act` claim of ours, as citizens see them; None when there was none."""
    clerk = None if act is None else act.get("clerk")
    return None if clerk is None else shown_clerk(clerk["name"], clerk["staff"])


def last_counter_name(act: Mapping[str, Any] | None) -> str | None:
    """Return the name of the counter of the newest hop in an `act` claim of ours, None when it was online."""
    counter = None if act is None else act.get("counter")
    return None if counter is None else str(counter["name"])


def purposes(act: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """Return the purpose of the newest hop in an `act` claim of ours, English and Chinese; None without a chain."""
    while act is not None:
        passed = act["pass"]
        if "purpose" in passed:
            return str(passed["purpose"]), str(passed["purpose_zh"])
        act = act.get("act")
    return None


def grown(hop: Hop, *, case: Case | None, clerk_sub: str | None, act: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the new outermost `act` (RFC 8693 section 4.1): who acts now, by which hop, with the old chain inside.

    A purpose is said once, at the hop that began it: four times two sentences would make a token too long to read.
    """
    passed = _pass(hop)
    if purposes(act) != (hop.purpose, hop.purpose_zh):
        passed |= {"purpose": hop.purpose, "purpose_zh": hop.purpose_zh}
    actor: dict[str, Any] = {"sub": hop.from_system, "channel": hop.channel.value, "pass": passed}
    if case is not None:
        actor["clerk"] = {"sub": clerk_sub, "name": case.clerk_name, "staff": case.clerk_staff}
        actor["counter"] = {"id": case.counter, "name": case.counter_name}
    if act is not None:
        actor["act"] = act
    return actor


def _pass(hop: Hop) -> dict[str, Any]:
    found: dict[str, Any] = {
        "hop": hop.id,
        "number": hop.number,
        "matter": hop.matter,
        "case": hop.case,
        "at": int(hop.at.timestamp()),
        "link": hop.link,
    }
    if hop.presence_method is not None and hop.presence_at is not None:
        found["presence"] = {"method": hop.presence_method.value, "at": int(hop.presence_at.timestamp())}
    return {name: value for name, value in found.items() if value is not None}


def _link(hop: Hop, previous_link: str) -> str:
    facts = {name: _plain(getattr(hop, name)) for name in _FACTS}
    return sm3(previous_link.encode() + b"\n" + canonical_json(facts)).hex()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
