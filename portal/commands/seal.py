"""`yinxin seal`: the life of seals, with two different people for each making (law 9)."""

import click

from portal.commands.opening import opened
from portal.commands.output import json_option, show
from seals.domain import SealRecord

_by = click.option("--by", required=True, help="Who does this: the operator's name at work.")
_reason = click.option("--reason", required=True, help="Why.")


@click.group()
def seal() -> None:
    """Apply for, approve, list, suspend, resume and cancel e-seals."""


@seal.command()
@click.option("--name", required=True, help="Name on the arc: the owner's full name.")
@click.option("--uscc", required=True, help="Unified social credit code of the owner.")
@click.option("--code", required=True, help="13-digit code of the seal.")
@click.option("--line", default="", help="Line below the star, e.g. 电子证照专用章.")
@_by
@json_option
def apply(name: str, uscc: str, code: str, line: str, by: str, as_json: bool) -> None:
    """Apply for a seal; another person approves it."""
    seals = opened(operator=True).seals
    record = seals.apply_for(name=name, uscc=uscc, code=code, line=line, requested_by=by)
    show(_shown(record), as_json=as_json)


@seal.command()
@click.argument("seal_id")
@_by
@json_option
def approve(seal_id: str, by: str, as_json: bool) -> None:
    """Approve an application and make the seal."""
    seals = opened(operator=True).seals
    show(_shown(seals.approve(seal_id, approved_by=by)), as_json=as_json)


@seal.command("list")
@json_option
def list_seals(as_json: bool) -> None:
    """List every seal with its state."""
    show([_shown(record) for record in opened().seals.seals()], as_json=as_json)


@seal.command()
@click.argument("seal_id")
@_by
@_reason
@json_option
def suspend(seal_id: str, by: str, reason: str, as_json: bool) -> None:
    """Stop the use of a seal until it is resumed."""
    show(_shown(opened().seals.suspend(seal_id, by=by, reason=reason)), as_json=as_json)


@seal.command()
@click.argument("seal_id")
@_by
@_reason
@json_option
def resume(seal_id: str, by: str, reason: str, as_json: bool) -> None:
    """Permit the use of a suspended seal again."""
    show(_shown(opened().seals.resume(seal_id, by=by, reason=reason)), as_json=as_json)


@seal.command()
@click.argument("seal_id")
@_by
@_reason
@json_option
def cancel(seal_id: str, by: str, reason: str, as_json: bool) -> None:
    """End a seal for good."""
    show(_shown(opened().seals.cancel(seal_id, by=by, reason=reason)), as_json=as_json)


def _shown(record: SealRecord) -> dict[str, object]:
    application = record.application
    return {
        "seal": record.seal_id,
        "name": application.text.name,
        "code": application.text.code,
        "uscc": str(application.uscc),
        "state": record.state.value,
        "requested_by": application.requested_by,
        "approved_by": record.approved_by,
    }
