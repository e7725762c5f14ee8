"""Searching, counting and exporting over HTTP, and the alerts; for the auditor alone, who changes nothing by it."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

from trust.http.access import Principal, TokenChecker
from trust.http.parsing import StrictModel, query_string
from trust.kernel.text import check_clear_text
from trust.keys import KeyPurpose, UseOutcome
from trust.ledger.domain import Leaf, encode_moment
from trust.ledger.export.service import MAX_EXPORT_ENTRIES, Exporter
from trust.ledger.officer import auditors_only, looked
from trust.ledger.search.domain import MAX_HITS, NAME_CHARACTERS, Grouping, Question, Reached, Span
from trust.ledger.search.errors import QuestionInvalid
from trust.ledger.search.service import LedgerSearch
from trust.ledger.watch.domain import Alert
from trust.ledger.watch.service import MAX_ALERTS, AlertDesk

_MAX_INDEX: Final = 2**63 - 1
_TEXTS: Final = ("key", "person", "authority", "document", "reason")
_LINES: Final = "application/jsonl"
_LINED: Final[dict[int | str, Any]] = {
    200: {"description": "One object in each line", "content": {_LINES: {"schema": {"type": "string"}}}}
}

_Name = Annotated[str | None, Field(min_length=1, max_length=NAME_CHARACTERS)]


class WhichQuery(StrictModel):
    """Which entries: those that match all that is given; `person` is the principal or anyone in its act chain."""

    key: _Name = None
    person: _Name = None
    authority: _Name = None
    document: _Name = None
    purpose: KeyPurpose | None = None
    outcome: UseOutcome | None = None
    reason: _Name = None
    since: Annotated[datetime | None, Field(description="Included; with an offset from UTC.")] = None
    until: Annotated[datetime | None, Field(description="Not included.")] = None


class SearchQuery(WhichQuery):
    """The same, page by page."""

    before: Annotated[int | None, Field(ge=0, le=_MAX_INDEX, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = MAX_HITS


class StatisticsQuery(StrictModel):
    """Counted by what (several, separated by commas), of which key, from which day to which (UTC, both included)."""

    by: Annotated[str, Field(description=f"Of {', '.join(Grouping)}.")] = Grouping.KEY.value
    key: _Name = None
    since: Annotated[str | None, Field(description="YYYY-MM-DD")] = None
    until: Annotated[str | None, Field(description="YYYY-MM-DD")] = None


class AlertsQuery(StrictModel):
    """Alerts with numbers above `after`; those that wait for an officer, or all."""

    after: Annotated[int, Field(ge=0, le=_MAX_INDEX)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_ALERTS)] = MAX_ALERTS
    all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficersDesk:
    """What the routes answer from."""

    search: LedgerSearch
    exporter: Exporter
    alerts: AlertDesk


def blueprint(desk: OfficersDesk, tokens: TokenChecker) -> APIBlueprint:
    """Return the auditor's routes below `/api/v1/ledger`."""
    routes = APIBlueprint("ledger_search", __name__, url_prefix="/api/v1/ledger", tag="Ledger")
    _add_searching(routes, desk, tokens)
    _add_counting(routes, desk, tokens)
    return routes


def _add_searching(routes: APIBlueprint, desk: OfficersDesk, tokens: TokenChecker) -> None:
    @routes.get("/search")
    @routes.doc(summary="Entries by key, person, authority, document, purpose, outcome and time, newest first")
    @auditors_only(tokens, "search")
    @query_string(SearchQuery)
    def search(*, principal: Principal, query: SearchQuery) -> Response:
        question = _question(query, before=query.before, limit=query.limit)
        looked(principal, "search", question.asked)
        page = desk.search.search(question)
        return jsonify(
            {"entries": [_shown_entry(leaf) for leaf in page.leaves], "next": page.next, **_shown_reach(page.reached)}
        )

    @routes.get("/export")
    @routes.doc(
        summary="Entries with their proofs as JSON Lines, the last line signed (check: `yinxin ledger check-export`)",
        description=f"Oldest first, up to the newest checkpoint; at most {MAX_EXPORT_ENTRIES} entries.",
        responses=_LINED,
    )
    @auditors_only(tokens, "export")
    @query_string(WhichQuery)
    def export(*, principal: Principal, query: WhichQuery) -> Response:
        question = _question(query)
        looked(principal, "export", question.asked)
        lines: Iterator[bytes] = desk.exporter.export(question, by=principal.name, most=MAX_EXPORT_ENTRIES)
        response = Response(lines, content_type=_LINES)
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Content-Disposition"] = 'attachment; filename="ledger.jsonl"'
        return response


def _add_counting(routes: APIBlueprint, desk: OfficersDesk, tokens: TokenChecker) -> None:
    @routes.get("/statistics")
    @routes.doc(summary="Uses counted by key, purpose, authority, day and outcome; what each key signed in all")
    @auditors_only(tokens, "statistics")
    @query_string(StatisticsQuery)
    def statistics(*, principal: Principal, query: StatisticsQuery) -> Response:
        span = Span(since=query.since, until=query.until, key=query.key)
        by = _groupings(query.by)
        looked(
            principal, "statistics", {"by": by, "since": span.since, "until": span.until, "key": _clear(query, "key")}
        )
        counts, reached = desk.search.counts(by, span)
        figures, _ = desk.search.figures(span)
        return jsonify(
            {
                "uses": [{**each.group, "uses": each.uses} for each in counts],
                "keys": [
                    {
                        "key": each.key,
                        "signed": each.signed,
                        "refused": each.refused,
                        "first": each.first,
                        "last": each.last,
                    }
                    for each in figures
                ],
                **_shown_reach(reached),
            }
        )

    @routes.get("/alerts")
    @routes.doc(summary="Alerts of the watch, oldest first; acknowledging them is a command on the service's machine")
    @auditors_only(tokens, "alerts")
    @query_string(AlertsQuery)
    def alerts(*, principal: Principal, query: AlertsQuery) -> Response:
        looked(principal, "alerts", {"after": query.after, "all": query.all})
        found = desk.alerts.alerts(after=query.after, limit=query.limit, still_open=not query.all)
        return jsonify({"alerts": [shown_alert(alert) for alert in found]})


def shown_alert(alert: Alert) -> dict[str, object]:
    """Return an alert as the API and the command line show it."""
    seen = alert.acknowledged
    return {
        "alert": alert.number,
        "rule": alert.rule,
        "severity": alert.severity.value,
        "title": alert.title,
        "title_zh": alert.title_zh,
        "place": alert.place,
        "detail": alert.detail,
        "raised_at": encode_moment(alert.raised_at),
        "acknowledged_by": None if seen is None else seen.by,
        "acknowledged_at": None if seen is None else encode_moment(seen.at),
        "note": None if seen is None else seen.note,
    }


def _question(query: WhichQuery, **paging: Any) -> Question:
    """Raises as `Question`, and `PersonalNumberInText`: what is asked is logged, and stands in exports."""
    for name in _TEXTS:
        _clear(query, name)
    return Question(**{name: getattr(query, name) for name in WhichQuery.model_fields}, **paging)


def _clear(query: StrictModel, name: str) -> str | None:
    value: str | None = getattr(query, name)
    return None if value is None else check_clear_text(value, field=name, most=NAME_CHARACTERS)


def _groupings(text: str) -> tuple[Grouping, ...]:
    try:
        return tuple(Grouping(part) for part in text.split(","))
    except ValueError:
        raise QuestionInvalid(f"Uses are counted by {', '.join(Grouping)}.", field="by") from None


def _shown_entry(leaf: Leaf) -> dict[str, object]:
    return {
        "index": leaf.index,
        "data": leaf.data.decode(),
        "leaf_hash": base64.b64encode(leaf.hash).decode("ascii"),
    }


def _shown_reach(reached: Reached) -> dict[str, int]:
    return {"indexed": reached.indexed, "size": reached.size, "behind": reached.behind}
