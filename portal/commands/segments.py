"""`yinxin ledger segments`: move old entries into files, in two steps by two persons (日志分段归档)."""

from datetime import timedelta

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from portal.wiring import Installation, active_keys
from trust.kernel.text import check_person
from trust.keys import KeyPurpose
from trust.ledger.segments.domain import Segment
from trust.ledger.segments.files import SegmentFolder
from trust.ledger.segments.service import Retention
from trust.ledger.segments.store import SqlSegmentStore

_by = click.option("--by", required=True, help="Name of the person who does this (经办人).")


@click.group()
def segments() -> None:
    """Entries in files: sealed by one person, released from the database by another (日志分段)."""


@segments.command("list")
@json_option
def list_segments(as_json: bool) -> None:
    """List the segments, oldest first (列出分段)."""
    show([_shown(segment) for segment in _retention(opened()).segments()], as_json=as_json)


@segments.command()
@click.option("--keep-days", type=click.IntRange(min=1), required=True, help="Days that entries stay (保留天数).")
@_by
@json_option
def seal(keep_days: int, by: str, as_json: bool) -> None:
    """Write every whole segment that is old enough to a file; nothing leaves the database (封存分段)."""
    check_person(by, field="by")
    sealed = _retention(opened()).seal(timedelta(days=keep_days), by=by)
    show([_shown(segment) for segment in sealed], as_json=as_json)


@segments.command()
@click.argument("start", type=click.IntRange(min=0))
@_by
@click.confirmation_option(prompt="The entries leave the database; is the file backed up?")
@json_option
def release(start: int, by: str, as_json: bool) -> None:
    """Empty the entries of the segment that begins at START; another person than who sealed it does (释放分段)."""
    check_person(by, field="by")
    installation = opened()
    key = active_keys(installation.foundation, KeyPurpose.LEDGER_CHECKPOINT)[0]
    show(_shown(_retention(installation).release(start, key.ref, by=by)), as_json=as_json)


def _retention(installation: Installation) -> Retention:
    base = installation.foundation
    return Retention(
        SqlSegmentStore(base.database),
        base.ledger_store,
        SegmentFolder(base.home.segments, base.randomness),
        base.signer,
        base.clock,
    )


def _shown(segment: Segment) -> dict[str, object]:
    return {
        "start": segment.extent.start,
        "end": segment.extent.end,
        "file": segment.file_name,
        "sealed_by": segment.proposed_by,
        "sealed_at": segment.proposed_at.isoformat(),
        "released": segment.release is not None,
    }
