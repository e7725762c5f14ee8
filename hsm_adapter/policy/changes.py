"""The signed documents that a key's life is read from, and the state machine that they are read with.

A proposal says what one person wants; a change says what is in force from now on. Both are canonical JSON, signed by a
key of the purpose key-policy through the guard, so that each has a leaf of the ledger whose digest is the SM3 of the
document: `key-proposal:<id>` and `key-policy:<key>:<number>`. Changes of one key are numbered from 1, and each holds
the SM3 of the one before.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from hsm_adapter.policy.domain import KeyPolicy, LifeState, default_policy
from hsm_adapter.policy.errors import KeyChangeForbidden
from trust.gm.sm3 import sm3
from trust.kernel.algorithms import Algorithm
from trust.kernel.encoding import canonical_json, members_once
from trust.kernel.errors import InvalidInput
from trust.kernel.text import is_same_person
from trust.keys import KeyPurpose, KeyRef

PROPOSAL_LIFE: Final = timedelta(days=7)
"""How long a proposal waits for another person: over a week of holidays it is asked for again."""

MAX_DOCUMENT_BYTES: Final = 65_536
"""Longest document, bytes. A policy with a hundred long callers has 13 KiB."""

_VERSION = 1
_Document = TypeVar("_Document", "Proposal", "Change")


class ChangeKind(StrEnum):
    """What a change does."""

    GENERATE = "generate"
    ROTATE = "rotate"
    ENROL = "enrol"
    POLICY = "policy"
    ACTIVATE = "activate"
    SUSPEND = "suspend"
    RESUME = "resume"
    RETIRE = "retire"
    DESTROY = "destroy"


BIRTHS: Final = frozenset({ChangeKind.GENERATE, ChangeKind.ROTATE, ChangeKind.ENROL})
"""Changes that a key of this installation begins with; they bring its policy."""

ENDINGS: Final = frozenset({ChangeKind.SUSPEND, ChangeKind.RETIRE, ChangeKind.DESTROY})
"""Changes that another policy key than the changed one must sign: otherwise nobody could sign the next."""

_LIVING = frozenset({LifeState.GENERATED, LifeState.ACTIVE, LifeState.SUSPENDED})
_STEPS: Final[Mapping[ChangeKind, tuple[frozenset[LifeState], LifeState | None]]] = {
    ChangeKind.POLICY: (_LIVING, None),
    ChangeKind.ACTIVATE: (frozenset({LifeState.GENERATED}), LifeState.ACTIVE),
    ChangeKind.SUSPEND: (frozenset({LifeState.ACTIVE}), LifeState.SUSPENDED),
    ChangeKind.RESUME: (frozenset({LifeState.SUSPENDED}), LifeState.ACTIVE),
    ChangeKind.RETIRE: (_LIVING, LifeState.RETIRED),
    ChangeKind.DESTROY: (frozenset({LifeState.RETIRED}), LifeState.DESTROYED),
}


class ChangeMalformed(ValueError):
    """A document that is no proposal or change, or not in its one form; whoever reads it names the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """The key that is to be made, or with `handle` enrolled; `device` None is wherever keys are made by default."""

    algorithm: Algorithm
    label: str
    device: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What one person asks for. `key` is the changed key; with ROTATE the one before; None for other births."""

    id: str
    kind: ChangeKind
    key: KeyRef | None
    policy: KeyPolicy | None
    making: Making | None
    reason: str
    proposed_by: str
    proposed_at: datetime

    @property
    def document(self) -> bytes:
        """The bytes that are signed."""
        making = self.making
        return canonical_json(
            {
                "v": _VERSION,
                "proposal": self.id,
                "kind": self.kind.value,
                "key": self.key,
                "policy": None if self.policy is None else self.policy.members,
                "making": None
                if making is None
                else {
                    "algorithm": making.algorithm.value,
                    "label": making.label,
                    "device": making.device,
                    "handle": making.handle,
                },
                "reason": self.reason,
                "proposed_by": self.proposed_by,
                "proposed_at": self.proposed_at.isoformat(),
            }
        )

    @classmethod
    def parse(cls, document: bytes) -> "Proposal":
        """Return the proposal of a document, of its one form only. Raises `ChangeMalformed`."""
        members = _members(document)
        try:
            making = members["making"]
            parsed = cls(
                id=members["proposal"],
                kind=ChangeKind(members["kind"]),
                key=None if members["key"] is None else KeyRef(members["key"]),
                policy=_policy(members["policy"]),
                making=None if making is None else Making(**(making | {"algorithm": Algorithm(making["algorithm"])})),
                reason=members["reason"],
                proposed_by=members["proposed_by"],
                proposed_at=datetime.fromisoformat(members["proposed_at"]),
            )
        except (LookupError, TypeError, ValueError, InvalidInput):
            raise ChangeMalformed from None
        return _same(parsed, document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one key. `previous` and `proposal` are hex SM3 of the documents before it.

    A suspension has no proposal and no `approved_by`: one person does it at once. `used_before` is how many signatures
    the ledger had of the key when a count limit was first set.
    """

    key: KeyRef
    number: int
    previous: str | None
    kind: ChangeKind
    proposal: str | None
    policy: KeyPolicy | None
    predecessor: KeyRef | None
    used_before: int | None
    reason: str
    proposed_by: str
    approved_by: str | None
    at: datetime

    @property
    def document(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(
            {
                "v": _VERSION,
                "key": self.key,
                "number": self.number,
                "previous": self.previous,
                "kind": self.kind.value,
                "proposal": self.proposal,
                "policy": None if self.policy is None else self.policy.members,
                "predecessor": self.predecessor,
                "used_before": self.used_before,
                "reason": self.reason,
                "proposed_by": self.proposed_by,
                "approved_by": self.approved_by,
                "at": self.at.isoformat(),
            }
        )

    @property
    def name(self) -> str:
        """The name of the document in the ledger."""
        return change_name(self.key, self.number)

    @classmethod
    def parse(cls, document: bytes) -> "Change":
        """Return the change of a document, of its one form only. Raises `ChangeMalformed`."""
        members = _members(document)
        try:
            parsed = cls(
                key=KeyRef(members["key"]),
                number=members["number"],
                previous=members["previous"],
                kind=ChangeKind(members["kind"]),
                proposal=members["proposal"],
                policy=_policy(members["policy"]),
                predecessor=None if members["predecessor"] is None else KeyRef(members["predecessor"]),
                used_before=members["used_before"],
                reason=members["reason"],
                proposed_by=members["proposed_by"],
                approved_by=members["approved_by"],
                at=datetime.fromisoformat(members["at"]),
            )
        except (LookupError, TypeError, ValueError, InvalidInput):
            raise ChangeMalformed from None
        return _same(parsed, document)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLife:
    """Where a key stands after its changes. `number` 0 is a key without a record: active, with the default policy."""

    key: KeyRef
    number: int
    last: str | None
    state: LifeState
    policy: KeyPolicy
    predecessor: KeyRef | None = None
    activated_at: datetime | None = None
    used_before: int = 0

    @classmethod
    def unrecorded(cls, key: KeyRef, purpose: KeyPurpose, state: LifeState = LifeState.ACTIVE) -> "KeyLife":
        """Return what holds for a key that has no change yet."""
        return cls(key=key, number=0, last=None, state=state, policy=default_policy(purpose))

    def after(self, change: Change) -> "KeyLife":
        """Return the life after a change. Raises `KeyChangeForbidden` for what the state machine or law 9 refuses."""
        if (change.key, change.number, change.previous) != (self.key, self.number + 1, self.last):
            raise KeyChangeForbidden("The change does not follow the one before.", field="number")
        _check_two_people(change)
        return replace(
            self,
            number=change.number,
            last=sm3(change.document).hex(),
            state=self._step(change),
            policy=change.policy or self.policy,
            predecessor=change.predecessor or self.predecessor,
            activated_at=change.at if change.kind is ChangeKind.ACTIVATE else self.activated_at,
            used_before=self.used_before if change.used_before is None else change.used_before,
        )

    def permits(self, kind: ChangeKind) -> None:
        """Raise `KeyChangeForbidden` when the present state does not permit the change."""
        if kind in BIRTHS:
            if self.number:
                raise KeyChangeForbidden("A key is made once.", field="kind")
        elif self.state not in _STEPS[kind][0]:
            raise KeyChangeForbidden(f"A key that is {self.state.value} takes no {kind.value}.", field="kind")

    def _step(self, change: Change) -> LifeState:
        self.permits(change.kind)
        if change.policy is not None and change.policy.purpose is not self.policy.purpose:
            raise KeyChangeForbidden("A key's purpose never changes.", field="purpose")
        if (change.policy is not None) != (change.kind in BIRTHS | {ChangeKind.POLICY}):
            raise KeyChangeForbidden("A policy comes with the kinds of change that set one.", field="policy")
        if change.kind in BIRTHS:
            return LifeState.GENERATED
        return _STEPS[change.kind][1] or self.state


def replayed(start: KeyLife, changes: Iterable[Change]) -> KeyLife:
    """Return the life that these changes lead to. Raises `KeyChangeForbidden`."""
    for change in changes:
        start = start.after(change)
    return start


def change_name(key: KeyRef, number: int) -> str:
    """Return the name of a change's document in the ledger."""
    return f"key-policy:{key}:{number}"


def proposal_name(proposal_id: str) -> str:
    """Return the name of a proposal's document in the ledger."""
    return f"key-proposal:{proposal_id}"


def _check_two_people(change: Change) -> None:
    """Law 9; what stops a key may be done by one."""
    if change.kind is ChangeKind.SUSPEND:
        return
    if change.proposal is None or change.approved_by is None or is_same_person(change.proposed_by, change.approved_by):
        raise KeyChangeForbidden("The change has not been agreed to by two people.", field="approved_by")


def _members(document: bytes) -> dict[str, Any]:
    try:
        members = json.loads(document, object_pairs_hook=members_once)
    except (ValueError, RecursionError):
        raise ChangeMalformed from None
    if not isinstance(members, dict) or members.get("v") != _VERSION:
        raise ChangeMalformed
    return members


def _policy(members: Mapping[str, Any] | None) -> KeyPolicy | None:
    return None if members is None else KeyPolicy.parse(members)


def _same(parsed: _Document, document: bytes) -> _Document:
    """A member too many or too few, or of another kind or spelling, differs here."""
    try:
        if parsed.document == document:
            return parsed
    except (TypeError, ValueError, AttributeError):
        pass
    raise ChangeMalformed
