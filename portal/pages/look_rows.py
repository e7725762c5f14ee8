"""The rows of “who looked” in the words of one language, out of two records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import groupby
from typing import Final, Protocol

from certs.access_log import Access, Look, OwnLook, ShownLook, Visit
from portal.pages.consent import Names
from portal.pages.moments import minute_of
from portal.pages.texts_looks import LOOKS_TEXTS, LooksTexts
from sso.passing.domain import EventKind
from sso.passing.log import HOP, AccessRow
from trust.kernel.identifier_errors import CertificateIdentifierInvalid
from trust.kernel.identifiers import CertificateIdentifier
from verifier.report import Language

PAGE_ROWS: Final = 20
"""Rows on a page: some months of most people, and soon set by the server."""

FETCHED: Final = 2 * PAGE_ROWS
"""Rows asked of each record for a page: one search leaves a row for each certificate that it found."""

FETCHED_MOST: Final = 1000
"""Rows asked of each record where one search alone left more than that."""

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_CLIENT = "client:"
_COUNTER_ICON, _ONLINE_ICON = "counter", "online"


class SystemNames(Names, Protocol):
    """Names of types, authorities and registered systems."""

    def system_name(self, client: str) -> str:
        """Return the name of a registered system by its client id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One row: what happened, when, and label and value of each fact that is known. `exported` is it for machines.

    `kind` is the stable word for what happened, `icon` its picture. `hop` can be objected to when `objectable`.
    """

    kind: str
    icon: str
    title: str
    at: datetime
    when: str
    facts: Sequence[tuple[str, str]]
    exported: dict[str, object]
    hop: str = ""
    objectable: bool = False
    ended: bool = False


def merged(passed: Iterable[AccessRow], looks: Iterable[Access], names: SystemNames, lang: Language) -> list[LookRow]:
    """Return both records as one, newest first; the certificates of one search are one row."""
    writer = _Writer(names, lang)
    rows = [writer.passed(row) for row in passed]
    ordered = sorted(looks, key=lambda look: (look.visit.at, look.visit.client, look.visit.look), reverse=True)
    rows += [writer.looked(visit, list(group)) for visit, group in groupby(ordered, key=lambda look: look.visit)]
    return sorted(rows, key=lambda row: row.at, reverse=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPage:
    """One page of rows, newest first. The next one holds what was `before` this moment; None on the last page.

    `parted` tells that more rows of its only moment may be there than were read.
    """

    rows: Sequence[LookRow]
    before: datetime | None
    parted: bool


def page_of(
    passed: Sequence[AccessRow],
    looks: Sequence[Sequence[Access]],
    names: SystemNames,
    lang: Language,
    *,
    fetched: int = FETCHED,
) -> LookPage:
    """Return the newest rows of records of which at most `fetched` rows each were read.

    A record that was not read to its end is known down to the moment of its last row, and only after that moment as a
    whole. Rows of one moment are never parted, so that nothing is lost between two pages.
    """
    moments = [[row.at for row in passed], *([look.visit.at for look in each] for each in looks)]
    known = max((each[-1] for each in moments if len(each) >= fetched), default=_BEGINNING)
    every = merged(passed, [look for each in looks for look in each], names, lang)
    certain = [row for row in every if row.at > known]
    whole = certain or every
    last = whole[:PAGE_ROWS][-1].at if whole else known
    shown = [row for row in whole if row.at >= last]
    return LookPage(
        rows=shown,
        before=last if len(shown) < len(every) or known > _BEGINNING else None,
        parted=not certain and known > _BEGINNING,
    )


class _Writer:
    """Writes rows in one language."""

    def __init__(self, names: SystemNames, lang: Language) -> None:
        self._names = names
        self._english = lang == "en"
        self._authority_name = cache(names.authority_name)  # the same few stand in many rows
        self._texts: LooksTexts = LOOKS_TEXTS[lang]

    def passed(self, row: AccessRow) -> LookRow:
        """Write a hop, a presence or an introspection."""
        texts = self._texts
        exported = {
            "kind": row.kind,
            "at": row.at.isoformat(),
            "system": row.system,
            "to_system": row.to_system,
            "clerk": row.who,
            "counter": row.counter,
            "channel": row.channel.value if row.channel else None,
            "purpose": row.purpose,
            "purpose_zh": row.purpose_zh,
            "matter": row.matter,
            "case": row.case,
            "scopes": list(row.what),
            "presence": row.method.value if row.method else None,
            "hop": row.hop,
            "by_mandate": row.represents is not None,
            "ended": row.ended,
        }
        facts = (
            (texts.system, f"{row.system} → {row.to_system}" if row.to_system else row.system),
            (texts.counter, row.counter),
            (texts.clerk, row.who),
            (texts.channel, texts.channels[row.channel] if row.channel else None),
            (texts.why, row.purpose if self._english else row.purpose_zh),
            (texts.what, texts.between.join(texts.scopes.get(name, name) for name in row.what)),
            (texts.how, texts.methods[row.method] if row.method else None),
            (texts.case, row.case),
            (texts.mandate, texts.by_mandate if row.represents else None),
        )
        return LookRow(
            kind=row.kind,
            icon="fail" if row.kind == EventKind.PRESENCE_FAILED else _COUNTER_ICON if row.counter else _ONLINE_ICON,
            title=texts.kinds[row.kind],
            at=row.at,
            when=minute_of(row.at),
            facts=_known(facts),
            exported=_present(exported),
            hop=row.hop or "",
            objectable=row.kind == HOP,
            ended=row.ended,
        )

    def looked(self, visit: Visit, looks: Sequence[Access]) -> LookRow:
        """Write a look at certificates."""
        texts = self._texts
        kind = _kind_of(visit)
        found = [look.identifier for look in looks if look.identifier is not None]
        exported = {
            "kind": kind,
            "at": visit.at.isoformat(),
            "client": visit.client.removeprefix(_CLIENT),
            "authority": visit.authority or None,
            "look": visit.look.value,
            "purpose": visit.purpose,
            "counter": visit.counter,
            "clerk": visit.clerk,
            "hop": visit.hop,
            "certificates": found,
        }
        department = visit.client.startswith(_CLIENT)
        what = texts.between.join(dict.fromkeys(self._type_of(name) for name in found)) or texts.nothing_found
        facts = (
            (texts.system, self._names.system_name(visit.client.removeprefix(_CLIENT)) if department else None),
            (
                texts.authority,
                self._authority_name(visit.authority, english=self._english) if visit.authority else None,
            ),
            (texts.counter, visit.counter),
            (texts.clerk, visit.clerk),
            (texts.why, visit.purpose if department else None),
            (texts.what, f"{what}{texts.pair}{texts.looks[visit.look]}" if department else what),
        )
        return LookRow(
            kind=kind,
            icon=_icon_of(kind, visit),
            title=texts.kinds[kind],
            at=visit.at,
            when=minute_of(visit.at),
            facts=_known(facts),
            exported=_present(exported),
        )

    def _type_of(self, identifier: str) -> str:
        try:
            code = CertificateIdentifier.parse(identifier).type_code
        except CertificateIdentifierInvalid:
            return identifier
        return self._names.type_name(code, english=self._english)


def _kind_of(visit: Visit) -> str:
    """Return the word for a look: the holder's own, a scan of what they show, a search, or a read."""
    if visit.client == OwnLook().name:
        return "own"
    if visit.client == ShownLook().name:
        return "scan"
    return "search" if visit.look is Look.SEARCH else "read"


def _icon_of(kind: str, visit: Visit) -> str:
    return {"own": "self", "scan": "scan"}.get(kind) or (_COUNTER_ICON if visit.counter else _ONLINE_ICON)


def _known(facts: Iterable[tuple[str, str | None]]) -> list[tuple[str, str]]:
    return [(label, value) for label, value in facts if value]


def _present(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value not in (None, [])}
