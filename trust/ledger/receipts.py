"""Receipts: that one key use stands in the ledger, in a file that is checked without the service and without a network.

A receipt is one JSON object: `format`; `hash`, the tree's hash function (`sm3`); `index`; `leaf`, the entry's exact
bytes in base64; `proof`, the inclusion proof (RFC 6962 section 2.1.1) in base64; `checkpoint`, the signed note with
the witnesses' lines. Nothing in it is believed: the reader brings the keys, and how many witnesses must have cosigned.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from trust.kernel import merkle
from trust.kernel.encoding import canonical_json
from trust.kernel.merkle import TreeHash
from trust.ledger.domain import TREE, SignedCheckpoint, parse_use
from trust.ledger.errors import EntryMalformed
from trust.ledger.note_errors import (
    NoteMalformed,
    NoteSignatureInvalid,
    NoteUntrusted,
    ReceiptMalformed,
    ReceiptNotYet,
)
from trust.ledger.note_keys import COSIGNATURE, VerifierKey
from trust.ledger.notebook import Notebook
from trust.ledger.notes import Note, Opened, decode_base64
from trust.ledger.ports import LedgerStore
from trust.ledger.service import Ledger
from trust.ledger.tree_heads import TreeHead
from trust.ledger.witness.asking import Witnessing

FORMAT = "yinxin-ledger-receipt/1"

MAX_RECEIPT_BYTES = 512 * 1024
"""Longest receipt, bytes: the longest note, as JSON, with a leaf and 63 hashes."""

_HASH = "sm3"
_MEMBERS = {"format", "hash", "index", "leaf", "proof", "checkpoint"}
_MAX_INDEX = 2**63 - 1


class Verdict(StrEnum):
    """What a check comes to; the command's exit codes are 0, 1 and 2, as those of `yinxin verify`."""

    VALID = "valid"
    INVALID = "invalid"
    INDETERMINATE = "indeterminate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was checked: what, how it came out, and the reason code where it did not hold."""

    name: str
    verdict: Verdict
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of checking a receipt or two checkpoints. `facts` are shown only when nothing was found wrong."""

    steps: tuple[Step, ...]
    facts: Mapping[str, object]

    @property
    def verdict(self) -> Verdict:
        """Invalid where one step is, else indeterminate where one is, else valid."""
        found = {step.verdict for step in self.steps}
        return next((item for item in (Verdict.INVALID, Verdict.INDETERMINATE) if item in found), Verdict.VALID)

    @property
    def exit_code(self) -> int:
        """0 valid, 1 invalid, 2 indeterminate."""
        return tuple(Verdict).index(self.verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Whom the reader believes: the log's keys, the witnesses' keys, and how many of these must have cosigned."""

    log: Sequence[VerifierKey]
    witnesses: Sequence[VerifierKey] = ()
    quorum: int = 0

    @classmethod
    def of(cls, vkeys: Sequence[str], *, quorum: int | None = None) -> "Trusted":
        """Return the trust in these vkeys: type 0x04 is a witness, all others the log.

        Without `quorum`, more than half of the witnesses given. Raises `NoteMalformed`.
        """
        keys = [VerifierKey.parse(text) for text in vkeys]
        witnesses = [key for key in keys if key.type == COSIGNATURE]
        needed = (len(witnesses) // 2 + 1 if witnesses else 0) if quorum is None else quorum
        return cls(log=[key for key in keys if key.type != COSIGNATURE], witnesses=witnesses, quorum=needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt taken apart."""

    index: int
    leaf: bytes
    proof: tuple[bytes, ...]
    note: Note

    @property
    def content(self) -> bytes:
        """The receipt as JSON."""
        return canonical_json(
            {
                "format": FORMAT,
                "hash": _HASH,
                "index": self.index,
                "leaf": base64.b64encode(self.leaf).decode("ascii"),
                "proof": [base64.b64encode(item).decode("ascii") for item in self.proof],
                "checkpoint": self.note.content.decode(),
            }
        )

    @classmethod
    def parse(cls, content: bytes) -> "Receipt":
        """Return the parts. Raises `ReceiptMalformed`."""
        if len(content) > MAX_RECEIPT_BYTES:
            raise ReceiptMalformed(f"A receipt has at most {MAX_RECEIPT_BYTES} bytes.")
        try:
            members = json.loads(content)
            if set(members) != _MEMBERS or members["format"] != FORMAT or members["hash"] != _HASH:
                raise ReceiptMalformed("The receipt has another format.")
            index, proof = members["index"], members["proof"]
            if type(index) is not int or not 0 <= index <= _MAX_INDEX or not isinstance(proof, list):
                raise ReceiptMalformed("The index or the proof is of another form.", field="index")
            return cls(
                index=index,
                leaf=decode_base64(members["leaf"]),
                proof=tuple(decode_base64(item) for item in proof),
                note=Note.parse(members["checkpoint"].encode()),
            )
        except (ValueError, TypeError, AttributeError, RecursionError, NoteMalformed):
            raise ReceiptMalformed from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptDesk:
    """Makes receipts from the stored ledger."""

    ledger: Ledger
    store: LedgerStore
    notebook: Notebook
    witnessing: Witnessing

    def receipt(self, index: int) -> Receipt:
        """Return the receipt of an entry that exists, under the newest fully witnessed checkpoint that covers it.

        Where none does, under the newest checkpoint with whatever cosignatures it has.

        Raises `EntryNotFound`, `ReceiptNotYet`, `SegmentFileMissing` where the entry is in a segment that is not there.
        """
        leaf = self.ledger.entry(index)
        signed = self._covering(index)
        proof = merkle.inclusion_proof(TREE, index, signed.checkpoint.size, self.store.nodes)
        return Receipt(index=index, leaf=leaf.data, proof=proof, note=self.notebook.note(signed))

    def _covering(self, index: int) -> SignedCheckpoint:
        for signed in (self.witnessing.witnessed(), self.store.latest_checkpoint()):
            if signed is not None and signed.checkpoint.size > index:
                return signed
        raise ReceiptNotYet(field="index")


def check_receipt(content: bytes, trusted: Trusted, *, tree: TreeHash = TREE) -> Report:
    """Check a receipt with nothing but itself and the keys that the reader trusts.

    Raises `ReceiptMalformed` when the bytes are no receipt at all (exit code 3).
    """
    receipt = Receipt.parse(content)
    steps, head, opened = _check_note(receipt.note, trusted, "checkpoint")
    steps.append(_check_leaf(receipt.leaf))
    steps.append(_check_inclusion(receipt, head, tree))
    facts = {} if head is None or opened is None else _facts(receipt, head, opened)
    return _report(steps, facts)


def check_growth(old: bytes, new: bytes, proof: Sequence[bytes], trusted: Trusted, *, tree: TreeHash = TREE) -> Report:
    """Check that of two kept checkpoints the new only appends to the old one (RFC 6962 section 2.1.2).

    Raises `NoteMalformed` when either is no signed note.
    """
    old_steps, old_head, _ = _check_note(Note.parse(old), trusted, "old checkpoint")
    new_steps, new_head, _ = _check_note(Note.parse(new), trusted, "new checkpoint")
    steps, facts = old_steps + new_steps, {}
    if old_head is not None and new_head is not None:
        steps.append(_check_consistency(old_head, new_head, proof, tree))
        facts = {"origin": new_head.origin, "old_size": old_head.size, "new_size": new_head.size}
    return _report(steps, facts)


def _report(steps: Sequence[Step], facts: Mapping[str, object]) -> Report:
    report = Report(steps=tuple(steps), facts=facts)
    return Report(steps=report.steps, facts={}) if report.verdict is Verdict.INVALID else report


def _check_note(note: Note, trusted: Trusted, name: str) -> tuple[list[Step], TreeHead | None, Opened | None]:
    """Check the log's signature and the quorum; the head comes back only where a key of the log has signed it."""
    try:
        opened = note.opened(trusted.log)
        head = TreeHead.parse(opened.text)
    except NoteUntrusted as error:
        return [_step(f"{name}: signature", Verdict.INDETERMINATE, error.code, error.detail)], None, None
    except (NoteSignatureInvalid, NoteMalformed) as error:
        return [_step(f"{name}: signature", Verdict.INVALID, error.code, error.detail)], None, None
    steps = [_step(f"{name}: signature", Verdict.VALID)]
    if any(key.name != head.origin for key, _ in opened.by):
        steps = [_step(f"{name}: signature", Verdict.INVALID, "origin-of-another-log", head.origin)]
    steps.append(_check_quorum(note, trusted, name))
    return steps, head, opened


def _check_quorum(note: Note, trusted: Trusted, name: str) -> Step:
    try:
        cosigned = {key.key_id for key, _ in note.opened(trusted.witnesses).by} if trusted.witnesses else set()
    except NoteUntrusted:
        cosigned = set()
    except NoteSignatureInvalid as error:
        return _step(f"{name}: witnesses", Verdict.INVALID, error.code, error.detail)
    detail = f"{len(cosigned)} of {len(trusted.witnesses)} witnesses have cosigned; {trusted.quorum} are needed."
    if len(cosigned) < trusted.quorum:
        return _step(f"{name}: witnesses", Verdict.INDETERMINATE, "witness-quorum-missing", detail)
    return _step(f"{name}: witnesses", Verdict.VALID, None, detail)


def _check_leaf(leaf: bytes) -> Step:
    try:
        parse_use(leaf)
    except EntryMalformed as error:
        return _step("entry", Verdict.INVALID, error.code, error.detail)
    return _step("entry", Verdict.VALID)


def _check_inclusion(receipt: Receipt, head: TreeHead | None, tree: TreeHash) -> Step:
    if head is None:
        return _step("inclusion", Verdict.INDETERMINATE, "no-trusted-root")
    try:
        merkle.verify_inclusion(
            tree,
            index=receipt.index,
            size=head.size,
            leaf_hash=tree.leaf(receipt.leaf),
            path=receipt.proof,
            root=head.root,
        )
    except merkle.ProofInvalid as error:
        return _step("inclusion", Verdict.INVALID, error.code, error.detail)
    return _step("inclusion", Verdict.VALID)


def _check_consistency(old: TreeHead, new: TreeHead, proof: Sequence[bytes], tree: TreeHash) -> Step:
    if old.origin != new.origin:
        return _step("consistency", Verdict.INVALID, "origin-of-another-log", new.origin)
    try:
        merkle.verify_consistency(
            tree, old_size=old.size, old_root=old.root, new_size=new.size, new_root=new.root, path=proof
        )
    except merkle.ProofInvalid as error:
        return _step("consistency", Verdict.INVALID, error.code, error.detail)
    return _step("consistency", Verdict.VALID)


def _facts(receipt: Receipt, head: TreeHead, opened: Opened) -> Mapping[str, object]:
    return {
        "origin": head.origin,
        "index": receipt.index,
        "size": head.size,
        "entry": receipt.leaf.decode("utf-8", "replace"),
        "signed_by": [key.text for key, _ in opened.by],
    }


def _step(name: str, verdict: Verdict, reason: str | None = None, detail: str = "") -> Step:
    return Step(name=name, verdict=verdict, reason=reason, detail=detail)
