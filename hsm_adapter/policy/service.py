"""Proposals and their approval: the only way in which what a key may do changes (law 9).

1 one person proposes; the proposal is signed · 2 another approves: the change is checked against the verified state,
and a new key is made · 3 the change is signed by a policy key through the guard, so that the ledger has it · 4 it is
stored and in force, and noted outside the database · 5 a destroyed key's private half is destroyed. A process that ends
in between leaves the proposal waiting: approving again finishes it. Suspending is one person's act, at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from hsm_adapter.errors import KeyUnknown, LabelInvalid
from hsm_adapter.policy.book import PolicyBook, unfinished_label
from hsm_adapter.policy.changes import (
    BIRTHS,
    ENDINGS,
    PROPOSAL_LIFE,
    Change,
    ChangeKind,
    ChangeMalformed,
    KeyLife,
    Making,
    Proposal,
    proposal_name,
)
from hsm_adapter.policy.domain import KeyPolicy, LifeState
from hsm_adapter.policy.errors import (
    KeyChangeForbidden,
    KeyOverlapRunning,
    KeyPolicyBroken,
    KeyPolicyInvalid,
    PolicyKeyMissing,
    ProposalDecided,
    ProposalLapsed,
)
from hsm_adapter.policy.ports import KeyMaker, PolicyStore, ProposalState, SignedDocument, StoredProposal
from hsm_adapter.policy.scanning import LedgerScan
from hsm_adapter.policy.service_keys import in_service
from trust.authority.errors import SamePerson
from trust.gm.sm3 import sm3
from trust.kernel.clock import Clock
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_person, check_reason, is_same_person
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState, Signer, SigningRequest, UseContext

LABEL_MAX = 58
"""Longest label of a key to be made, characters: the device takes 100, and the proposal's id goes behind it."""

_log = structlog.get_logger("hsm_adapter.policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """Where keys are made and end."""

    custodian: KeyMaker

    def known(self) -> Sequence[KeyInfo]:
        """Return the public facts of every key, oldest first."""
        return self.custodian.keys()

    def info(self, key: KeyRef) -> KeyInfo:
        """Return the public facts of a key. Raises `KeyUnknown`."""
        for info in self.known():
            if info.ref == key:
                return info
        raise KeyUnknown(f"There is no key {key}.", field="key")

    def make(self, making: Making, *, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Return the key with this label, made or enrolled now unless it is there. Raises what devices raise."""
        for info in self.known():
            if info.label == label and info.algorithm is making.algorithm:
                return info
        device, handle = making.device, making.handle
        if device is not None and handle is not None:
            info = self.custodian.enrol(device, handle, purpose=purpose, label=label)
            if info.algorithm is not making.algorithm:  # not what was agreed to; it stays, and signs nothing
                raise KeyChangeForbidden(f"The device's key is of {info.algorithm.value}.", field="algorithm")
            return info
        return self.custodian.generate(algorithm=making.algorithm, purpose=purpose, label=label, device=device)


class PolicyDesk:
    """Where people propose, approve, refuse and suspend. Operator commands alone have it."""

    def __init__(
        self,
        book: PolicyBook,
        store: PolicyStore,
        scan: LedgerScan,
        signer: Signer,
        devices: Devices,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        """`signer` is the guard: what is signed here is a leaf of the ledger before it is stored."""
        self._book = book
        self._store = store
        self._scan = scan
        self._signer = signer
        self._devices = devices
        self._clock = clock
        self._randomness = randomness

    def propose(
        self,
        kind: ChangeKind,
        *,
        key: KeyRef | None = None,
        policy: KeyPolicy | None = None,
        making: Making | None = None,
        by: str,
        reason: str,
    ) -> Proposal:
        """Ask for a change. A key to be rotated is named by `key`; its policy is taken over unless one is given.

        Raises `KeyChangeForbidden`, `KeyPolicyInvalid`, `LabelInvalid`, `KeyUnknown`, `KeyPolicyBroken`,
        `PolicyKeyMissing`, and what `check_person` and `check_reason` raise.
        """
        proposal = Proposal(
            id=new_id(self._clock, self._randomness),
            kind=kind,
            key=key,
            policy=policy,
            making=making,
            reason=check_reason(reason, field="reason"),
            proposed_by=check_person(by, field="by"),
            proposed_at=self._clock.now(),
        )
        if kind is ChangeKind.SUSPEND:
            raise KeyChangeForbidden("A key is suspended at once, without a proposal.", field="kind")
        proposal = self._completed(proposal)
        self._check_possible(proposal)
        signed = self._signed(proposal.document, proposal_name(proposal.id), proposal.kind, by, changed=key)
        self._store.add_proposal(proposal.id, signed)
        _log.info("key change proposed", proposal=proposal.id, kind=kind.value, key=key)
        return proposal

    def approve(self, proposal_id: str, *, by: str) -> KeyLife:
        """Approve a proposal and carry it out. Repeating it finishes what was interrupted.

        Raises `ProposalUnknown`, `ProposalDecided`, `ProposalLapsed`, `SamePerson`, `KeyPolicyBroken`,
        `KeyChangeForbidden`, `KeyOverlapRunning`, `KeyChangedMeanwhile`, `PolicyKeyMissing`, or what devices raise.
        """
        check_person(by, field="by")
        stored = self._store.proposal(proposal_id)
        proposal = self._believed(stored)
        if is_same_person(by, proposal.proposed_by):
            raise SamePerson(field="by")
        if stored.state is ProposalState.APPROVED and proposal.kind is ChangeKind.DESTROY and proposal.key is not None:
            return self._finished(self._book.life(self._devices.info(proposal.key)))
        if stored.state is not ProposalState.WAITING:
            raise ProposalDecided(field="proposal")
        if self._clock.now() >= proposal.proposed_at + PROPOSAL_LIFE:
            raise ProposalLapsed(field="proposal")
        self._check_possible(proposal)
        info = self._target(proposal)
        life = self._book.foundation_of_change(info)
        change = replace(
            self._change(life, proposal.kind, proposal.reason, proposal.proposed_by),
            proposal=sm3(proposal.document).hex(),
            policy=proposal.policy,
            predecessor=proposal.key if proposal.kind is ChangeKind.ROTATE else None,
            used_before=self._used_before(info, proposal.policy),
            approved_by=by,
        )
        after = self._decided(life, change, proposal=proposal.id, by=by)
        return self._ended(after) if after.state is LifeState.DESTROYED else after

    def refuse(self, proposal_id: str, *, by: str) -> None:
        """Refuse a proposal; who asked may take it back this way. Raises `ProposalUnknown`, `ProposalDecided`."""
        check_person(by, field="by")
        self._store.proposal(proposal_id)
        self._store.refuse(proposal_id, by=by, at=self._clock.now())
        _log.info("key change refused", proposal=proposal_id)

    def suspend(self, key: KeyRef, *, by: str, reason: str) -> KeyLife:
        """Stop the use of a key at once; two people resume it.

        This process refuses it when this returns, others within `FRESH_FOR`. Raises `KeyUnknown`, `KeyPolicyBroken`,
        `KeyChangeForbidden`, `PolicyKeyMissing`.
        """
        check_person(by, field="by")
        life = self._book.foundation_of_change(self._devices.info(key))
        change = self._change(life, ChangeKind.SUSPEND, check_reason(reason, field="reason"), by)
        return self._decided(life, change, proposal=None, by=by)

    def proposals(self) -> Sequence[tuple[StoredProposal, Proposal]]:
        """Return every proposal with what became of it, oldest first. Raises `KeyPolicyBroken` for a forged one."""
        return [(stored, self._believed(stored)) for stored in self._store.proposals()]

    def _completed(self, proposal: Proposal) -> Proposal:
        """Take over from the key before what a rotation leaves open. Raises as `_check_possible`."""
        if proposal.kind is not ChangeKind.ROTATE or proposal.key is None:
            return proposal
        info = self._devices.info(proposal.key)
        label = info.label.partition(" [")[0][:LABEL_MAX]
        return replace(
            proposal,
            policy=proposal.policy or self._book.life(info).policy,
            making=proposal.making or Making(algorithm=info.algorithm, label=label),
        )

    def _check_possible(self, proposal: Proposal) -> None:
        birth = proposal.kind in BIRTHS
        if (proposal.policy is not None) != (birth or proposal.kind is ChangeKind.POLICY):
            raise KeyPolicyInvalid("A policy comes with new keys and changed policies, and only there.", field="policy")
        if (proposal.making is not None) != birth:
            raise KeyChangeForbidden("What is to be made comes with new keys, and only there.", field="making")
        if (proposal.key is None) != (proposal.kind in BIRTHS - {ChangeKind.ROTATE}):
            raise KeyChangeForbidden("The change names the key that it is about.", field="key")
        if (proposal.kind is ChangeKind.ENROL) != (proposal.making is not None and proposal.making.handle is not None):
            raise KeyChangeForbidden("To enrol a key is to name its device and handle.", field="handle")
        if proposal.making is not None and not 1 <= len(proposal.making.label) <= LABEL_MAX:
            raise LabelInvalid(f"The label of a new key has 1 to {LABEL_MAX} characters.", field="label")
        if proposal.key is not None:
            self._check_key(proposal, self._devices.info(proposal.key))

    def _check_key(self, proposal: Proposal, info: KeyInfo) -> None:
        life = self._book.foundation_of_change(info)
        if proposal.policy is not None and proposal.policy.purpose is not info.purpose:
            raise KeyPolicyInvalid(f"The key is for {info.purpose.value}; that never changes.", field="purpose")
        if proposal.kind is ChangeKind.ROTATE:
            if life.state not in {LifeState.ACTIVE, LifeState.SUSPENDED}:
                raise KeyChangeForbidden(f"A key that is {life.state.value} is not rotated.", field="key")
            return
        life.permits(proposal.kind)
        if proposal.kind is ChangeKind.RETIRE:
            self._check_overlap(info.ref)

    def _check_overlap(self, key: KeyRef) -> None:
        successor = self._book.successor_of(key)
        if successor is None or successor.activated_at is None:
            return
        end = successor.activated_at + timedelta(days=successor.policy.overlap_days)
        if self._clock.now() < end:
            raise KeyOverlapRunning(f"It is kept until {end.isoformat()}.", field="key", until=end.isoformat())

    def _target(self, proposal: Proposal) -> KeyInfo:
        """Return the key that the change is about; a new one is made here, under a label that finds it again."""
        making, policy = proposal.making, proposal.policy
        if making is not None and policy is not None:
            label = unfinished_label(making.label, proposal.id)
            return self._devices.make(making, purpose=policy.purpose, label=label)
        if proposal.key is None:
            raise KeyChangeForbidden("The change names the key that it is about.", field="key")
        return self._devices.info(proposal.key)

    def _used_before(self, info: KeyInfo, policy: KeyPolicy | None) -> int | None:
        """Return how many signatures there were, when a key gets its first count limit."""
        if policy is None or policy.max_signatures is None or self._store.taken(info.ref) is not None:
            return None
        return self._scan.forward().signed.get(info.ref, 0)

    def _change(self, life: KeyLife, kind: ChangeKind, reason: str, proposed_by: str) -> Change:
        return Change(
            key=life.key,
            number=life.number + 1,
            previous=life.last,
            kind=kind,
            proposal=None,
            policy=None,
            predecessor=None,
            used_before=None,
            reason=reason,
            proposed_by=proposed_by,
            approved_by=None,
            at=self._clock.now(),
        )

    def _decided(self, life: KeyLife, change: Change, *, proposal: str | None, by: str) -> KeyLife:
        after = life.after(change)  # the same rules that whoever reads it will ask
        signed = self._signed(change.document, change.name, change.kind, by, changed=change.key)
        self._store.add_change(change, signed, proposal=proposal, by=by)
        self._book.remember(change)
        _log.info("key changed", key=change.key, number=change.number, kind=change.kind.value, state=after.state.value)
        return after

    def _finished(self, life: KeyLife) -> KeyLife:
        """Destroy what a signed change says is destroyed; the row of the proposal alone is not believed."""
        if life.state is not LifeState.DESTROYED:
            raise KeyPolicyBroken("The proposal counts as approved and no change says so.", key=life.key)
        return self._ended(life)

    def _ended(self, life: KeyLife) -> KeyLife:
        if self._devices.info(life.key).state is KeyState.ACTIVE:
            self._devices.custodian.retire(life.key)
        return life

    def _signed(
        self, document: bytes, name: str, kind: ChangeKind, by: str, *, changed: KeyRef | None
    ) -> SignedDocument:
        key = self._policy_key(None if kind not in ENDINGS else changed)
        context = UseContext(principal=f"operator:{by}", why=f"key policy: {kind.value}", document=name)
        request = SigningRequest(message=document, context=context)
        signature = self._signer.sign(key, request, purpose=KeyPurpose.KEY_POLICY)
        return SignedDocument(document=document, signature=signature.value, signer=key, entry=signature.ledger_index)

    def _policy_key(self, apart_from: KeyRef | None) -> KeyRef:
        keys = in_service(self._devices.known(), self._book)
        fit = [info.ref for info in keys if info.purpose is KeyPurpose.KEY_POLICY and info.ref != apart_from]
        if not fit:
            raise PolicyKeyMissing(field="key")
        return fit[-1]

    def _believed(self, stored: StoredProposal) -> Proposal:
        name = proposal_name(stored.id)
        self._book.believe(name, stored.signed)
        try:
            proposal = Proposal.parse(stored.signed.document)
        except ChangeMalformed:
            raise KeyPolicyBroken(f"{name} cannot be read.", place=name) from None
        if proposal.id != stored.id:
            raise KeyPolicyBroken(f"{name} holds {proposal_name(proposal.id)}.", place=name)
        return proposal
