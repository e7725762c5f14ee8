"""`yinxin keys`: what the key store holds."""

import click

from portal.commands.opening import opened_foundation
from portal.commands.output import json_option, show
from trust.keys import KeyInfo, KeyRef


@click.group()
def keys() -> None:
    """Show and retire keys; private halves never leave the key store."""


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List every key with its purpose and state."""
    base = opened_foundation()
    known = base.custodian.keys()
    show([_shown(info) for info in known], as_json=as_json)


@keys.command()
@click.argument("ref")
@click.confirmation_option(prompt="A retired key never signs again. Retire it?")
@json_option
def retire(ref: str, as_json: bool) -> None:
    """End the use of a key for good."""
    base = opened_foundation()
    show(_shown(base.custodian.retire(KeyRef(ref))), as_json=as_json)


def _shown(info: KeyInfo) -> dict[str, object]:
    return {
        "key": info.ref,
        "purpose": info.purpose.value,
        "algorithm": info.algorithm.value,
        "label": info.label,
        "state": info.state.value,
        "created_at": info.created_at.isoformat(),
        "public_key": info.public_key.hex(),
    }
