"""The values of the ledger: its tree, its entries and its checkpoints, and their exact bytes.

A leaf is one key use (`trust.keys.KeyUse`, refused ones too) as canonical JSON, one object with these members:

* `v`: 2, the version of this list;
* `at`: the moment, RFC 3339 in UTC with microseconds;
* `key`: the key's reference; `algorithm`: its algorithm, null when the key is unknown;
* `purpose`: what the key was asked for;
* `digest`: hex SM3 of the message; `principal`, `why`, `document`: the context, `document` may be null;
* `act`: who acted through the principal, a list, nearest first; `authority`: the department in whose name, or null;
  `address`: where the request came from, or null;
* `outcome`: `signed` or `refused`; `reason`: the error code of a refusal, else null.

Version 1 has the same members without `act`, `authority` and `address`. It is read for ever, byte for byte as it was
written, and no longer written.

A checkpoint's body is text in the shape of a tlog checkpoint (C2SP tlog-checkpoint), and is exactly what is signed::

    <origin>
    <size>
    <root hash, base64>
    time <moment>
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from trust.gm.sm3 import DIGEST_BYTES, sm3
from trust.kernel.algorithms import Algorithm
from trust.kernel.encoding import canonical_json
from trust.kernel.merkle import Node, TreeHash
from trust.keys import KeyPurpose, KeyRef, KeyUse, UseContext, UseOutcome
from trust.ledger.errors import CheckpointMalformed, EntryMalformed, EntryRefused

TREE = TreeHash(function=sm3)
"""The tree of this ledger: RFC 6962 over SM3."""

MAX_LEAF_BYTES = 4096
"""Longest leaf, bytes. An entry has about 400; a caller that writes essays into the reason is refused."""

MAX_ORIGIN_CHARACTERS = 200
"""Longest origin. It is a host and path, which names one ledger of the world."""

_VERSION = 2
_TEXTS = ("at", "key", "digest", "principal", "why")
_AT = b',"at":"'  # within a text each quote has a backslash before it, so this is nowhere but before the moment
_AT_BYTES = 27
_ORIGIN = re.compile(rf"[!-~]{{1,{MAX_ORIGIN_CHARACTERS}}}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_TIME = "time "


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The present size and root of the ledger."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A stored leaf: its place, its exact bytes and its leaf hash."""

    index: int
    data: bytes
    hash: bytes

    @property
    def use(self) -> KeyUse:
        """The key use that the leaf records. Raises `EntryMalformed`."""
        return parse_use(self.data)


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """Shows that leaf `index` is part of the tree of `size` leaves (RFC 6962 section 2.1.1)."""

    index: int
    size: int
    leaf_hash: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """Shows that the tree of `new_size` only appends to that of `old_size` (RFC 6962 section 2.1.2)."""

    old_size: int
    new_size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A statement about the ledger: under this name, it had this size and root at this moment."""

    origin: str
    size: int
    root: bytes
    at: datetime

    def __post_init__(self) -> None:
        if not _ORIGIN.fullmatch(self.origin):
            raise CheckpointMalformed("The origin must be visible ASCII without spaces.", field="origin")
        if self.size < 0 or len(self.root) != DIGEST_BYTES:
            raise CheckpointMalformed("A size is not negative and a root has 32 bytes.", field="size")

    @property
    def body(self) -> bytes:
        """The bytes that are signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{root}\n{_TIME}{encode_moment(self.at)}\n".encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """A checkpoint as it was signed: `body` is kept byte for byte (law 3), `entry` is the leaf of that key use."""

    checkpoint: Checkpoint
    body: bytes
    key: KeyRef
    signature: bytes
    entry: int


class Oddity(StrEnum):
    """What an auditor should look at although nothing was altered by it."""

    CLOCK_BACK = "clock-back"
    CHECKPOINT_NOT_KEPT = "checkpoint-not-kept"
    SEGMENT_MISSING = "segment-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One oddity and where it is; unlike `LedgerBroken` it does not mean that the record is untrue."""

    place: str
    kind: Oddity
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """The result of a whole verification that found nothing wrong.

    `archived` counts the entries whose data were read from segments. Of the `findings` only the first are kept;
    `findings_in_all` counts them all.
    """

    size: int
    root: bytes
    nodes: int
    checkpoints: int
    checkpointed_size: int | None
    verified_at: datetime
    archived: int = 0
    findings: tuple[Finding, ...] = ()
    findings_in_all: int = 0


def encode_use(use: KeyUse) -> bytes:
    """Return the leaf of a key use, in the present version. Raises `EntryRefused`."""
    return _encode_use(use, _VERSION)


def _encode_use(use: KeyUse, version: int) -> bytes:
    context = use.context
    members: dict[str, object] = {
        "v": version,
        "at": encode_moment(use.at),
        "key": use.key,
        "algorithm": use.algorithm,
        "purpose": use.purpose,
        "digest": use.digest,
        "principal": context.principal,
        "why": context.why,
        "document": context.document,
        "outcome": use.outcome,
        "reason": use.reason,
    }
    if version > 1:
        members |= {"act": context.act, "address": context.address, "authority": context.authority}
    try:
        data = canonical_json(members)
    except UnicodeEncodeError:
        raise EntryRefused("The context holds text that is not Unicode.", field="context") from None
    if len(data) > MAX_LEAF_BYTES:
        raise EntryRefused(f"The entry exceeds {MAX_LEAF_BYTES} bytes.", field="context")
    return data


def parse_use(data: bytes) -> KeyUse:
    """Return the key use of a leaf of either version, of its one form only. Raises `EntryMalformed`."""
    try:
        members = json.loads(data)
        version = _parse_version(members)
        algorithm = members["algorithm"]
        use = KeyUse(
            at=parse_moment(members["at"]),
            key=KeyRef(members["key"]),
            algorithm=None if algorithm is None else Algorithm(algorithm),
            purpose=KeyPurpose(members["purpose"]),
            digest=members["digest"],
            context=_parse_context(members, version),
            outcome=UseOutcome(members["outcome"]),
            reason=members["reason"],
        )
        same = _encode_use(use, version) == data  # a member too many or too few, or in another spelling, differs here
    except (ValueError, TypeError, LookupError, RecursionError, EntryRefused):
        raise EntryMalformed from None
    if not same:
        raise EntryMalformed("The entry is not in its one form.")
    return use


def _parse_version(members: Mapping[str, Any]) -> int:
    """Check the kinds of all members and return the version; whatever else is wrong shows when it is encoded again."""
    version = members["v"]
    if type(version) is not int or version not in {1, _VERSION}:  # true would be 1 otherwise
        raise EntryMalformed(f"The entry is of another version than 1 and {_VERSION}.")
    act = members["act"] if version > 1 else []
    nullable = [members.get(name) for name in ("document", "reason", "authority", "address")]
    texts = [*(members[name] for name in _TEXTS), *act, *(each for each in nullable if each is not None)]
    if not isinstance(act, list) or not all(isinstance(each, str) for each in texts):
        raise EntryMalformed("The entry holds another kind of value than text.")
    return version


def _parse_context(members: Mapping[str, Any], version: int) -> UseContext:
    context = UseContext(principal=members["principal"], why=members["why"], document=members["document"])
    if version == 1:
        return context
    return replace(context, act=tuple(members["act"]), address=members["address"], authority=members["authority"])


def moment_of(data: bytes) -> str | None:
    """Return the moment of a leaf as it is written there, without parsing the leaf; None when it is no key use.

    Moments in this form sort as their texts do.
    """
    start = data.find(_AT) + len(_AT)
    return data[start : start + _AT_BYTES].decode("ascii", "replace") if start >= len(_AT) else None


def parse_checkpoint(body: bytes) -> Checkpoint:
    """Return the checkpoint of a signed body, of its one form only. Raises `CheckpointMalformed`."""
    try:
        origin, size, root, time, rest = body.decode("ascii").split("\n")
        if rest or not _SIZE.fullmatch(size) or not time.startswith(_TIME):
            raise CheckpointMalformed
        checkpoint = Checkpoint(
            origin=origin,
            size=int(size),
            root=base64.b64decode(root, validate=True),
            at=parse_moment(time.removeprefix(_TIME)),
        )
    except (ValueError, binascii.Error):
        raise CheckpointMalformed from None
    if checkpoint.body != body:
        raise CheckpointMalformed("The checkpoint is not in its one form.")
    return checkpoint


def place_of(node: Node) -> str:
    """Return the name under which a node is reported: a leaf by its index, others as level/index."""
    return f"node {node.level}/{node.offset}" if node.level else f"leaf {node.offset}"


def encode_moment(moment: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds, always of the same length."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_moment(text: str) -> datetime:
    """Return the aware moment of `encode_moment`. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    if encode_moment(moment) != text:
        raise ValueError(text)
    return moment
