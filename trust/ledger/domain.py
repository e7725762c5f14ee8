"""The values of the ledger: its tree, its entries and its checkpoints, and their exact bytes.

A leaf is one key use (`trust.keys.KeyUse`, refused ones too) as canonical JSON, one object with these members:

* `v`: 1, the version of this list;
* `at`: the moment, RFC 3339 in UTC with microseconds;
* `key`: the key's reference; `algorithm`: its algorithm, null when the key is unknown;
* `purpose`: what the key was asked for;
* `digest`: hex SM3 of the message; `principal`, `why`, `document`: the context, `document` may be null;
* `outcome`: `signed` or `refused`; `reason`: the error code of a refusal, else null.

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
from dataclasses import dataclass
from datetime import UTC, datetime

from trust.gm.sm3 import DIGEST_BYTES, sm3
from trust.kernel.algorithms import Algorithm
from trust.kernel.encoding import canonical_json
from trust.kernel.merkle import Node, TreeHash
from trust.keys import KeyPurpose, KeyRef, KeyUse, UseContext, UseOutcome
from trust.ledger.errors import CheckpointMalformed, EntryMalformed, EntryRefused

TREE = TreeHash(function=sm3)
"""The tree of this ledger: RFC 6962 over SM3."""

MAX_LEAF_BYTES = 4096
"""Longest leaf, bytes. An entry has about 350; a caller that writes essays into the reason is refused."""

MAX_ORIGIN_CHARACTERS = 200
"""Longest origin. It is a host and path, which names one ledger of the world."""

_VERSION = 1
_MEMBERS = {"v", "at", "key", "algorithm", "purpose", "digest", "principal", "why", "document", "outcome", "reason"}
_TEXTS = ("at", "key", "digest", "principal", "why")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """The result of a whole verification that found nothing wrong."""

    size: int
    root: bytes
    nodes: int
    checkpoints: int
    checkpointed_size: int | None
    verified_at: datetime


def encode_use(use: KeyUse) -> bytes:
    """Return the leaf of a key use. Raises `EntryRefused`."""
    try:
        data = canonical_json(
            {
                "v": _VERSION,
                "at": encode_moment(use.at),
                "key": use.key,
                "algorithm": use.algorithm,
                "purpose": use.purpose,
                "digest": use.digest,
                "principal": use.context.principal,
                "why": use.context.why,
                "document": use.context.document,
                "outcome": use.outcome,
                "reason": use.reason,
            }
        )
    except UnicodeEncodeError:
        raise EntryRefused("The context holds text that is not Unicode.", field="context") from None
    if len(data) > MAX_LEAF_BYTES:
        raise EntryRefused(f"The entry exceeds {MAX_LEAF_BYTES} bytes.", field="context")
    return data


def parse_use(data: bytes) -> KeyUse:
    """Return the key use of a leaf, of its one form only. Raises `EntryMalformed`."""
    try:
        members = json.loads(data)
        if set(members) != _MEMBERS or not all(isinstance(members[name], str) for name in _TEXTS):
            raise EntryMalformed("The entry has other members than version 1.")
        algorithm = members["algorithm"]
        use = KeyUse(
            at=parse_moment(members["at"]),
            key=KeyRef(members["key"]),
            algorithm=None if algorithm is None else Algorithm(algorithm),
            purpose=KeyPurpose(members["purpose"]),
            digest=members["digest"],
            context=UseContext(principal=members["principal"], why=members["why"], document=members["document"]),
            outcome=UseOutcome(members["outcome"]),
            reason=members["reason"],
        )
        same = encode_use(use) == data
    except (ValueError, TypeError, RecursionError, EntryRefused):
        raise EntryMalformed from None
    if not same:
        raise EntryMalformed("The entry is not in its one form.")
    return use


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
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if encode_moment(moment) != text:
        raise ValueError(text)
    return moment
