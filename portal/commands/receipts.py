"""What an outsider does with the ledger, without the service: check a receipt, compare checkpoints, follow the log.

And what an operator does after a roll-back. `portal.commands.ledger` adds these commands to `yinxin ledger`.
"""

import getpass
import json
from pathlib import Path

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show, writing_to
from trust.kernel.randomness import SystemRandomness
from trust.ledger.following import Follower
from trust.ledger.note_errors import ReceiptMalformed
from trust.ledger.notes import MAX_NOTE_BYTES, decode_base64
from trust.ledger.receipts import MAX_RECEIPT_BYTES, Report, Trusted, check_growth
from trust.ledger.receipts import check_receipt as receipt_checked
from trust.ledger.witness.transport import HttpTransport

_MAX_PROOF_BYTES = 64 * 1024

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_keys = click.option(
    "--key", "keys", multiple=True, required=True, help="Verifier key of the log or of a witness; may be repeated."
)
_quorum = click.option(
    "--quorum", type=click.IntRange(min=0), help="Witnesses that must have cosigned; by default more than half given."
)


@click.command("check-receipt")
@click.argument("file", type=_file)
@_keys
@_quorum
@json_option
def check_receipt(file: Path, keys: tuple[str, ...], quorum: int | None, as_json: bool) -> None:
    """Check a receipt without the service: exit 0 valid, 1 invalid, 2 indeterminate, 3 not a receipt."""
    _show_report(receipt_checked(_read(file, MAX_RECEIPT_BYTES), Trusted.of(keys, quorum=quorum)), as_json=as_json)


@click.command("check-growth")
@click.argument("old", type=_file)
@click.argument("new", type=_file)
@click.argument("proof", type=_file)
@_keys
@_quorum
@json_option
def check_growth_command(
    *, old: Path, new: Path, proof: Path, keys: tuple[str, ...], quorum: int | None, as_json: bool
) -> None:
    """Check that checkpoint NEW only appends to OLD; PROOF is the answer of /api/v1/ledger/proof/consistency."""
    trusted = Trusted.of(keys, quorum=quorum)
    try:
        path = [decode_base64(item) for item in json.loads(_read(proof, _MAX_PROOF_BYTES))["path"]]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ReceiptMalformed("The proof is not JSON with a member `path`.", field="proof") from None
    report = check_growth(_read(old, MAX_NOTE_BYTES), _read(new, MAX_NOTE_BYTES), path, trusted)
    _show_report(report, as_json=as_json)


@click.command()
@click.argument("url")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Where to keep them.")
@_keys
@_quorum
@json_option
def follow(*, url: str, folder: Path, keys: tuple[str, ...], quorum: int | None, as_json: bool) -> None:
    """Fetch the newest checkpoint of the log at URL, show with its tiles that it only grew, and keep it."""
    transport, prefix = HttpTransport(), url.rstrip("/")
    with writing_to(folder):
        follower = Follower(
            folder=folder,
            fetch=lambda path: transport.get(f"{prefix}/{path}"),
            trusted=Trusted.of(keys, quorum=quorum),
            randomness=SystemRandomness(),
        )
    _show_report(follower.follow(), as_json=as_json)


@click.command()
@json_option
def halted(as_json: bool) -> None:
    """Show why signing is stopped."""
    found = opened().record().checkpointer.halted()
    reason = {"code": found.code, "detail": found.detail, "at": found.at} if found else {}
    show({"halted": found is not None, **reason}, as_json=as_json)


@click.command("accept-loss")
@click.option("--size", type=click.IntRange(min=0), required=True, help="Size of the checkpoint that is given up.")
@click.option("--by", required=True, help="Who asks.")
@click.option("--approved-by", required=True, help="The security officer who approves: another person.")
@click.option("--reason", required=True, help="Why; it becomes an entry of the ledger.")
@json_option
def accept_loss(size: int, by: str, approved_by: str, reason: str, as_json: bool) -> None:
    """Sign on although entries were lost; only after the security officer has agreed (docs/audit.md)."""
    signed = opened().record().checkpointer.accept_loss(size, by=by, approved_by=approved_by, reason=reason)
    show({"given_up": size, "size": signed.checkpoint.size, "root": signed.checkpoint.root.hex()}, as_json=as_json)


@click.command()
@click.option("--reason", required=True, help="What was wrong and who put it right; it becomes an entry of the ledger.")
@json_option
def resume(reason: str, as_json: bool) -> None:
    """Sign on after a stop, once the right database is back; refused while it contradicts the kept checkpoint."""
    signed = opened().record().checkpointer.resume(principal=f"operator:{getpass.getuser()}", reason=reason)
    show({"size": signed.checkpoint.size, "root": signed.checkpoint.root.hex()}, as_json=as_json)


COMMANDS = (check_receipt, check_growth_command, follow, halted, accept_loss, resume)
"""To be added to the group `yinxin ledger`."""


def _read(file: Path, limit: int) -> bytes:
    with file.open("rb") as source:
        content = source.read(limit + 1)
    if len(content) > limit:
        raise ReceiptMalformed(f"The file has more than {limit} bytes.", field=file.name)
    return content


def _show_report(report: Report, *, as_json: bool) -> None:
    steps: list[dict[str, object]] = [
        {"step": step.name, "verdict": step.verdict.value, "reason": step.reason, "detail": step.detail or None}
        for step in report.steps
    ]
    if as_json:
        show({"verdict": report.verdict.value, "steps": steps, "facts": report.facts}, as_json=True)
    else:
        show([{"verdict": report.verdict.value, **report.facts}, *steps], as_json=False)
    click.get_current_context().exit(report.exit_code)
