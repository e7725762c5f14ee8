"""`yinxin keys`: the life of keys; who proposes a change does not approve it (law 9)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import click

from hsm_adapter.policy.changes import Change, ChangeKind, KeyLife, Making, Proposal
from hsm_adapter.policy.domain import KeyPolicy, WorkingHours, default_policy
from hsm_adapter.policy.errors import KeyPolicyBroken
from portal.commands.ceremony import ceremony
from portal.commands.key_devices import add_device_commands
from portal.commands.opening import opened_foundation
from portal.commands.output import json_option, show
from portal.policies import Policies
from trust.kernel.algorithms import Algorithm
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState
from trust.ledger.segments.errors import SegmentFileMissing

_ALGORITHMS = {"es256": Algorithm.ECDSA_P256_SHA256, "rs256": Algorithm.RSA_PKCS1_SHA256, "sm2": Algorithm.SM2_SM3}

_Command = Callable[..., Any]
_by = click.option("--by", required=True, help="Who does this: the operator's name at work (经办人).")
_reason = click.option("--reason", required=True, help="Why (事由).")
_purpose = click.option(
    "--purpose",
    type=click.Choice([each.value for each in KeyPurpose]),
    required=True,
    help="What the key is for (用途).",
)
_algorithm = click.option(
    "--algorithm", type=click.Choice(sorted(_ALGORITHMS)), default="sm2", show_default=True, help="What it signs with."
)
_label = click.option("--label", required=True, help="What people call the key (名称).")


def _policy_options(command: _Command) -> _Command:
    options = (
        click.option("--owner", help="Authority, department or person that the key belongs to (责任单位或人)."),
        click.option("--caller", "callers", multiple=True, help="A principal that may use it; none: all (允许调用方)."),
        click.option("--not-before", help="First moment of use, such as 2027-01-01T00:00:00+08:00 (有效期起)."),
        click.option("--not-after", help="First moment when it is over (有效期止)."),
        click.option("--max-signatures", type=int, help="Signatures in all (签名次数上限)."),
        click.option(
            "--hours", multiple=True, help="Hours in China, such as '1-5 08:30-17:30'; 1 is Monday (可用时段)."
        ),
        click.option(
            "--overlap-days", type=int, default=1, show_default=True, help="Overlap with the key before (交替天数)."
        ),
        click.option("--note", help="A note (备注)."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def keys() -> None:
    """Show, make, rotate and end keys (密钥管理); private halves never leave the key store.

    Every change but a suspension is proposed by one person and approved by another.
    """


@keys.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List every key with its purpose and where it stands (列出密钥)."""
    base = opened_foundation()
    policies, known = base.policies, base.keys.custodian.keys()
    signed = _signed(policies)
    show([_shown(info) | _standing(policies, info, signed) for info in known], as_json=as_json)


@keys.command("show")
@click.argument("key")
@json_option
def show_key(key: str, as_json: bool) -> None:
    """Show one key with its policy and every change, verified (查看密钥)."""
    base = opened_foundation()
    policies, info = base.policies, base.keys.token.info(KeyRef(key))
    changes = [_change(change) for change in policies.book.history(info.ref)]
    places = [f"{place.device} {place.handle}" for place in base.keys.custodian.places(info.ref)]
    standing = _standing(policies, info, _signed(policies))
    show(_shown(info) | standing | {"places": places, "changes": changes}, as_json=as_json)


@keys.command()
@click.argument("key")
@_by
@_reason
@json_option
def suspend(key: str, by: str, reason: str, as_json: bool) -> None:
    """Stop the use of a key at once, alone (立即暂停); two people resume it.

    Every process refuses it within a second.
    """
    base = opened_foundation()
    show(_life(base.policies.desk(base.signer).suspend(KeyRef(key), by=by, reason=reason)), as_json=as_json)


@keys.command()
@click.argument("key")
@_by
@_reason
@json_option
def rotate(key: str, by: str, reason: str, as_json: bool) -> None:
    """Propose a successor of a key with the same policy (申请轮换); approved and activated, it signs from then on."""
    _propose(ChangeKind.ROTATE, by, reason, as_json=as_json, key=KeyRef(key))


@keys.command()
@click.argument("device")
@click.argument("handle")
@_purpose
@_algorithm
@_label
@_by
@_reason
@json_option
def enrol(device: str, handle: str, by: str, reason: str, as_json: bool, **named: str) -> None:
    """Propose that a key which DEVICE holds under HANDLE becomes one of this installation (申请登记设备密钥)."""
    making = Making(algorithm=_ALGORITHMS[named["algorithm"]], label=named["label"], device=device, handle=handle)
    policy = default_policy(KeyPurpose(named["purpose"]))
    _propose(ChangeKind.ENROL, by, reason, as_json=as_json, policy=policy, making=making)


@keys.group()
def propose() -> None:
    """Propose a change of a key; another person approves it with `yinxin keys approve` (提出申请)."""


@propose.command("new")
@_purpose
@_algorithm
@_label
@click.option("--device", help="Name of the device that makes it; none: where keys are made by default (密码设备).")
@_policy_options
@_by
@_reason
@json_option
def propose_new(purpose: str, by: str, reason: str, as_json: bool, **named: Any) -> None:
    """Propose a new key with its policy (申请新密钥); it signs once it is activated too."""
    algorithm, label, device = (named.pop(name) for name in ("algorithm", "label", "device"))
    making = Making(algorithm=_ALGORITHMS[algorithm], label=label, device=device)
    policy = _policy(KeyPurpose(purpose), **named)
    _propose(ChangeKind.GENERATE, by, reason, as_json=as_json, policy=policy, making=making)


@propose.command("policy")
@click.argument("key")
@_policy_options
@_by
@_reason
@json_option
def propose_policy(key: str, by: str, reason: str, as_json: bool, **limits: Any) -> None:
    """Propose another policy for KEY; what is not named is not limited (申请变更策略)."""
    purpose = opened_foundation().keys.token.info(KeyRef(key)).purpose
    _propose(ChangeKind.POLICY, by, reason, as_json=as_json, key=KeyRef(key), policy=_policy(purpose, **limits))


def _simple(kind: ChangeKind, sentence: str) -> None:
    @propose.command(kind.value, help=sentence)
    @click.argument("key")
    @_by
    @_reason
    @json_option
    def command(key: str, by: str, reason: str, as_json: bool) -> None:
        _propose(kind, by, reason, as_json=as_json, key=KeyRef(key))


_simple(ChangeKind.ACTIVATE, "Propose that a new key may sign from now on (申请启用).")
_simple(ChangeKind.RESUME, "Propose that a suspended key may sign again (申请恢复).")
_simple(ChangeKind.RETIRE, "Propose that a key never signs again (申请停用).")
_simple(ChangeKind.DESTROY, "Propose that a retired key's private half is destroyed (申请销毁).")


@keys.command()
@click.argument("proposal")
@_by
@json_option
def approve(proposal: str, by: str, as_json: bool) -> None:
    """Approve a proposal and carry it out (批准); repeating it finishes what was interrupted."""
    base = opened_foundation()
    show(_life(base.policies.desk(base.signer).approve(proposal, by=by)), as_json=as_json)


@keys.command()
@click.argument("proposal")
@_by
@json_option
def refuse(proposal: str, by: str, as_json: bool) -> None:
    """Refuse a proposal, or take one's own back (驳回或撤回)."""
    base = opened_foundation()
    base.policies.desk(base.signer).refuse(proposal, by=by)
    show({"proposal": proposal, "state": "refused"}, as_json=as_json)


@keys.command()
@json_option
def proposals(as_json: bool) -> None:
    """List every proposal with what became of it, oldest first (列出申请)."""
    base = opened_foundation()
    listed = base.policies.desk(base.signer).proposals()
    show(
        [
            _proposal(proposal)
            | {"state": stored.state.value, "decided_by": stored.decided_by, "decided_at": _moment(stored.decided_at)}
            for stored, proposal in listed
        ],
        as_json=as_json,
    )


add_device_commands(keys)
keys.add_command(ceremony)


def _propose(kind: ChangeKind, by: str, reason: str, *, as_json: bool, **about: Any) -> None:
    base = opened_foundation()
    proposal = base.policies.desk(base.signer).propose(kind, by=by, reason=reason, **about)
    show(_proposal(proposal), as_json=as_json)


def _policy(purpose: KeyPurpose, *, callers: tuple[str, ...], hours: tuple[str, ...], **limits: Any) -> KeyPolicy:
    members = {
        "purpose": purpose.value,
        "callers": sorted(set(callers)) or None,
        "hours": [WorkingHours.parse(each).text for each in hours],
    }
    return KeyPolicy.parse(members | limits)


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


def _signed(policies: Policies) -> Mapping[KeyRef, int] | None:
    """How many signatures the ledger has of each key; unknown while a segment of it is missing."""
    try:
        return policies.scan.forward().signed
    except SegmentFileMissing:
        return None


def _standing(policies: Policies, info: KeyInfo, counts: Mapping[KeyRef, int] | None) -> dict[str, object]:
    """What the record says; a broken one is named, so that the others are listed all the same."""
    signed = None if counts is None else counts.get(info.ref, 0)
    try:
        life = policies.book.life(info)
    except KeyPolicyBroken as error:
        return {"state": error.code, "broken": error.detail, "signed": signed}
    unrecorded = life.number == 0 and info.state is KeyState.RETIRED
    return {
        "state": info.state.value if unrecorded else life.state.value,
        "signed": signed,
        "counted": policies.store.taken(info.ref),
        "recorded": life.number > 0,
        "policy": life.policy.members,
        "predecessor": life.predecessor,
    }


def _life(life: KeyLife) -> dict[str, object]:
    return {"key": life.key, "state": life.state.value, "change": life.number, "policy": life.policy.members}


def _proposal(proposal: Proposal) -> dict[str, object]:
    making = proposal.making
    return {
        "proposal": proposal.id,
        "kind": proposal.kind.value,
        "key": proposal.key,
        "label": None if making is None else making.label,
        "algorithm": None if making is None else making.algorithm.value,
        "device": None if making is None else making.device,
        "handle": None if making is None else making.handle,
        "policy": None if proposal.policy is None else proposal.policy.members,
        "reason": proposal.reason,
        "proposed_by": proposal.proposed_by,
        "proposed_at": proposal.proposed_at.isoformat(),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _change(change: Change) -> dict[str, object]:
    return {
        "number": change.number,
        "kind": change.kind.value,
        "at": change.at.isoformat(),
        "reason": change.reason,
        "proposed_by": change.proposed_by,
        "approved_by": change.approved_by,
    }
