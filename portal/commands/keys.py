"""`yinxin keys`: what the key store holds."""

import click

from portal.commands.opening import opened_foundation
from portal.commands.output import json_option, show
from trust.kernel.algorithms import Algorithm
from trust.keys import KeyInfo, KeyPurpose, KeyRef

_TOKEN_ALGORITHMS = {"es256": Algorithm.ECDSA_P256_SHA256, "sm2": Algorithm.SM2_SM3}


@click.group()
def keys() -> None:
    """Show, make and retire keys; private halves never leave the key store."""


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List every key with its purpose and state."""
    base = opened_foundation()
    known = base.custodian.keys()
    show([_shown(info) for info in known], as_json=as_json)


@keys.command("new-token-key")
@click.option(
    "--algorithm",
    type=click.Choice(sorted(_TOKEN_ALGORITHMS)),
    default="es256",
    show_default=True,
    help="What it signs.",
)
@json_option
def new_token_key(algorithm: str, as_json: bool) -> None:
    """Make a key that signs tokens, and so begin a rotation.

    Running servers publish it within seconds, and sign with it once no relying party can hold a key set without it:
    about five minutes later. The key before it goes on verifying for a day and then leaves the key set by itself.
    Retire it only when somebody else may have it, since every token under it ends at that moment.
    """
    base = opened_foundation()
    made = base.custodian.generate(
        algorithm=_TOKEN_ALGORITHMS[algorithm], purpose=KeyPurpose.TOKEN_SIGNING, label="tokens"
    )
    show(_shown(made), as_json=as_json)


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
