"""`yinxin ledger`: prove that the record of key uses is whole, and look into it."""

import click
from rich.console import Console
from rich.progress import Progress

from portal.commands.opening import opened, opened_foundation
from portal.commands.output import json_option, show
from portal.commands.oversight import COMMANDS as OVERSIGHT
from portal.commands.receipts import COMMANDS as RECEIPTS
from portal.commands.segments import segments
from portal.oversight import open_oversight
from portal.record import ledger_origin, log_keys
from trust.ledger.note_keys import ED25519


@click.group()
def ledger() -> None:
    """Verify the ledger, sign checkpoints, show entries."""


@ledger.command()
@click.option("--keys", is_flag=True, help="Count what each key signed, from the entries (据条目统计各密钥签名数).")
@json_option
def verify(keys: bool, as_json: bool) -> None:
    """Recompute every leaf, node and root and check every checkpoint; name the first bad place (验证日志)."""
    base = opened_foundation()
    book = base.ledger
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as bar:
        task = bar.add_task("ledger", total=None)
        report = book.verify(lambda done, total: bar.update(task, completed=done, total=total))
    counted = open_oversight(base).search.confirm().figures if keys else ()
    signed: dict[str, object] = {each.key: each.signed for each in counted}
    show(
        {
            "verified": True,
            "size": report.size,
            "root": report.root.hex(),
            "nodes": report.nodes,
            "checkpoints": report.checkpoints,
            "checkpointed_size": report.checkpointed_size,
            **({"signed": signed} if keys else {}),
        },
        as_json=as_json,
    )


@ledger.command()
@json_option
def checkpoint(as_json: bool) -> None:
    """Sign a checkpoint over everything so far, unless the newest one covers it already."""
    signed = opened().record().checkpointer.checkpoint()
    show(
        {
            "origin": signed.checkpoint.origin,
            "size": signed.checkpoint.size,
            "root": signed.checkpoint.root.hex(),
            "at": signed.checkpoint.at.isoformat(),
            "key": signed.key,
            "signature": signed.signature.hex(),
        },
        as_json=as_json,
    )


@ledger.command()
@click.option("--start", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--count", type=click.IntRange(min=1), default=20, show_default=True)
@json_option
def entries(start: int, count: int, as_json: bool) -> None:
    """Show entries, oldest first."""
    book = opened_foundation().ledger
    show(
        [
            {
                "index": leaf.index,
                "at": leaf.use.at.isoformat(),
                "key": leaf.use.key,
                "purpose": leaf.use.purpose.value,
                "outcome": leaf.use.outcome.value,
                "principal": leaf.use.context.principal,
                "why": leaf.use.context.why,
                "document": leaf.use.context.document,
                "digest": leaf.use.digest,
            }
            for leaf in book.entries(start, count)
        ],
        as_json=as_json,
    )


@ledger.command()
@json_option
def keys(as_json: bool) -> None:
    """Show the name of this log and its verifier keys (日志验证公钥), to be handed to outsiders on paper."""
    base = opened_foundation()
    origin = ledger_origin(base.settings.public_url)
    shown: list[dict[str, object]] = [
        {"origin": origin, "algorithm": "Ed25519" if key.type == ED25519 else "SM2-SM3", "vkey": key.text}
        for key in log_keys(base, origin)
    ]
    show(shown, as_json=as_json)


for _command in (*RECEIPTS, *OVERSIGHT, segments):
    ledger.add_command(_command)
