"""`yinxin ledger` for officers: search, statistics, export, the watch and its alerts (检索、统计、导出、监察与告警)."""

import getpass
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from portal.commands.opening import opened, opened_foundation
from portal.commands.output import OutputNotWritable, json_option, show
from portal.oversight import open_oversight, open_watch
from sso.accounts.roles import Role
from trust.keys import KeyPurpose, UseOutcome
from trust.ledger.domain import encode_moment
from trust.ledger.export.checking import check_export as export_checked
from trust.ledger.export.errors import ExportInvalid
from trust.ledger.note_keys import VerifierKey
from trust.ledger.search.domain import MAX_HITS, Grouping, Question, Span
from trust.ledger.search.errors import QuestionInvalid
from trust.ledger.search.routes import shown_alert

_WATCH_SECONDS: Final = 2.0

_FILTERS = (
    click.option("--key", help="Reference of the key (密钥)."),
    click.option("--person", help="Principal, or anyone in the act chain (主体或代行人)."),
    click.option("--authority", help="Authority's code (机构)."),
    click.option("--document", help="Identifier of the document (文件标识)."),
    click.option("--purpose", type=click.Choice([item.value for item in KeyPurpose]), help="Purpose (用途)."),
    click.option("--outcome", type=click.Choice([item.value for item in UseOutcome]), help="Outcome (结果)."),
    click.option("--reason", help="Error code of a refusal (拒绝原因)."),
    click.option("--since", help="Moment with offset, included, such as 2026-11-21T08:00:00+08:00 (起始时间)."),
    click.option("--until", help="Moment with offset, not included (截止时间)."),
)


def _filtered(command: click.decorators.FC) -> click.decorators.FC:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.command()
@_filtered
@click.option("--before", type=click.IntRange(min=0), help="`next` of the page before (上一页的 next).")
@click.option("--limit", type=click.IntRange(1, MAX_HITS), default=20, show_default=True, help="Entries (条数).")
@json_option
def search(as_json: bool, before: int | None, limit: int, **which: str | None) -> None:
    """Find entries, newest first (检索日志，新者在前)."""
    page = open_oversight(opened_foundation()).search.search(_question(which, before=before, limit=limit))
    entries = [{"index": leaf.index, **json.loads(leaf.data)} for leaf in page.leaves]
    if as_json:
        show({"entries": entries, "next": page.next, "behind": page.reached.behind}, as_json=True)
        return
    show([*entries, {"next": page.next, "behind": page.reached.behind}], as_json=False)


@click.command()
@click.option(
    "--by",
    type=click.Choice([item.value for item in Grouping]),
    multiple=True,
    default=(Grouping.KEY.value,),
    help="Count by this; may be repeated (分组项).",
)
@click.option("--key", help="Of this key only (仅此密钥).")
@click.option("--since", help="First day, UTC (起始日).")
@click.option("--until", help="Last day, UTC (截止日).")
@click.option("--confirm", is_flag=True, help="Count again from the entries and compare (据日志条目复核).")
@json_option
def statistics(
    *, by: tuple[str, ...], key: str | None, since: str | None, until: str | None, confirm: bool, as_json: bool
) -> None:
    """Count uses, and what each key signed in all (统计密钥使用次数)."""
    desk = open_oversight(opened_foundation()).search
    if confirm:
        desk.confirm()
    span = Span(since=since, until=until, key=key)
    counts, reached = desk.counts([Grouping(item) for item in by], span)
    figures, _ = desk.figures(span)
    uses: list[dict[str, object]] = [{**each.group, "uses": each.uses} for each in counts]
    keys: list[dict[str, object]] = [
        {"key": each.key, "signed": each.signed, "refused": each.refused, "first": each.first, "last": each.last}
        for each in figures
    ]
    state: dict[str, object] = {"behind": reached.behind, "confirmed": confirm}
    if as_json:
        show({"uses": uses, "keys": keys, **state}, as_json=True)
    else:
        show([*uses, *keys, state], as_json=False)


@click.command()
@_filtered
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="New file (新文件).")
@json_option
def export(out: Path, as_json: bool, **which: str | None) -> None:
    """Write entries with their proofs to a signed file (导出带证明的签名文件)."""
    lines = open_oversight(opened_foundation()).exporter.export(_question(which), by=f"operator:{getpass.getuser()}")
    count = -1
    try:
        with out.open("xb") as file:
            for line in lines:
                file.write(line)
                count += 1
    except OSError as error:
        raise OutputNotWritable(f"{out.name}: {error.strerror}.", field="out") from None
    show({"file": str(out), "entries": count}, as_json=as_json)


@click.command("check-export")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", "keys", multiple=True, required=True, help="Verifier key of the log (日志验证公钥).")
@json_option
def check_export(file: Path, keys: tuple[str, ...], as_json: bool) -> None:
    """Check an export without the service: exit 0 valid, 1 invalid, 2 signed by none of the keys (离线核验导出文件)."""
    trusted = [VerifierKey.parse(text) for text in keys]
    context = click.get_current_context()
    with file.open("rb") as source:
        try:
            report = export_checked(source, trusted)
        except ExportInvalid as error:
            show(
                {"verdict": "invalid", "line": error.line, "reason": error.code, "detail": error.detail},
                as_json=as_json,
            )
            context.exit(1)
    said = report.statement
    show(
        {
            "verdict": "valid" if report.signed_by else "indeterminate",
            "entries": said.count,
            "origin": said.origin,
            "size": said.size,
            "root": said.root.hex(),
            "at": encode_moment(said.at),
            "by": said.by,
            "asked": dict(said.asked),
            "signed_by": report.signed_by.text if report.signed_by else None,
        },
        as_json=as_json,
    )
    context.exit(report.exit_code)


@click.command()
@click.option("--once", is_flag=True, help="Look once and end (只检查一次).")
def watch(once: bool) -> None:
    """Follow the ledger; print each open alert as one JSON line as it is raised (持续监察，逐行输出告警)."""
    installation = opened()
    base = installation.foundation
    watcher = open_watch(base, installation.record())
    desk, printed = open_oversight(base).alerts, 0
    while True:
        watcher.turn()
        while found := desk.alerts(after=printed):
            for alert in found:
                click.echo(json.dumps(shown_alert(alert), ensure_ascii=False))
                printed = alert.number
        if once:
            return
        time.sleep(_WATCH_SECONDS)


@click.group()
def alerts() -> None:
    """Alerts of the watch (监察告警)."""


@alerts.command("list")
@click.option("--all", "every", is_flag=True, help="Those that were acknowledged, too (含已确认).")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Above this number (编号大于).")
@json_option
def list_alerts(every: bool, after: int, as_json: bool) -> None:
    """List alerts that wait for an officer, oldest first (列出待确认告警)."""
    desk = open_oversight(opened_foundation()).alerts
    show([shown_alert(alert) for alert in desk.alerts(after=after, still_open=not every)], as_json=as_json)


@alerts.command("ack")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--by", required=True, help="Id of the account of the officer: auditor or security administrator (人员).")
@click.option("--note", required=True, help="What it was (说明).")
@json_option
def acknowledge(number: int, by: str, note: str, as_json: bool) -> None:
    """Say that alert NUMBER was seen, and what it was; nothing else changes (确认告警)."""
    installation = opened()
    installation.people.roles.require(by, Role.AUDITOR, Role.SECURITY_ADMIN)
    desk = open_oversight(installation.foundation).alerts
    show(shown_alert(desk.acknowledge(number, by=by, note=note)), as_json=as_json)


COMMANDS: Final = (search, statistics, export, check_export, watch, alerts)
"""To be added to the group `yinxin ledger`."""


def _question(which: dict[str, str | None], *, before: int | None = None, limit: int = MAX_HITS) -> Question:
    texts = {name: which[name] for name in ("key", "person", "authority", "document", "reason")}
    purpose, outcome = which["purpose"], which["outcome"]
    return Question(
        **texts,
        purpose=KeyPurpose(purpose) if purpose else None,
        outcome=UseOutcome(outcome) if outcome else None,
        since=_moment(which, "since"),
        until=_moment(which, "until"),
        before=before,
        limit=limit,
    )


def _moment(which: dict[str, str | None], name: str) -> datetime | None:
    text = which[name]
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise QuestionInvalid("A moment is written as 2026-11-21T08:00:00+08:00.", field=name) from None
