"""Following a log from outside: keep its newest checkpoint, and show with its tiles that it only ever grew.

This is what an auditor runs who has no account here: checkpoint and hash tiles are public. Nothing that was fetched is
believed before it led to the root of a checkpoint which trusted keys have signed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trust.durable import write_new, write_whole
from trust.gm.sm3 import sm3
from trust.kernel import merkle
from trust.kernel.errors import NotReady
from trust.kernel.merkle import TreeHash
from trust.kernel.randomness import Randomness
from trust.ledger.domain import TREE
from trust.ledger.note_errors import NoteSignatureInvalid, NoteUntrusted, WitnessUnreachable
from trust.ledger.notes import Note
from trust.ledger.receipts import Report, Step, Trusted, Verdict, check_growth
from trust.ledger.tiles import Tile, TiledNodes
from trust.ledger.tree_heads import TreeHead
from trust.ledger.witness.transport import Reply

_OK = 200
_NEWEST = "checkpoint"

Fetch = Callable[[str], Reply]
"""Gets an address below the log's prefix. Raises `WitnessUnreachable`."""


class KeptUnusable(NotReady):
    """The folder with the kept checkpoints cannot be read or written."""

    code = "kept-checkpoints-unusable"
    title = "The folder with the kept checkpoints cannot be used."
    title_zh = "保存检查点的目录不可用。"
    remedy = "Name a folder that this account may write to, and take nothing out of it by hand."
    remedy_zh = "请指定本账号可写的目录，且勿手工改动其中内容。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Keeps checkpoints of one log in a folder: `checkpoint`, the newest, and each one seen as `<size>.note`."""

    folder: Path
    fetch: Fetch
    trusted: Trusted
    randomness: Randomness
    tree: TreeHash = TREE

    def follow(self) -> Report:
        """Fetch the newest checkpoint, check it and its growth, and keep it when nothing is wrong.

        A signed checkpoint that contradicts the kept one is kept too, as `contradiction-<size>.note`: it is the proof.
        Raises `WitnessUnreachable`, `NoteMalformed`, `NoteUntrusted`, `KeptUnusable`.
        """
        content = self._get("checkpoint")
        new = TreeHead.parse(Note.parse(content).text)
        old = self._kept()
        if old is None:
            report = check_growth(content, content, (), self.trusted, tree=self.tree)
        else:
            report = self._compared(old, content, new)
        nodes = TiledNodes(self.tree, new.size, self._tile)
        if nodes.root() != new.root:
            steps = (*report.steps, Step(name="tiles", verdict=Verdict.INVALID, reason="tiles-of-another-tree"))
            report = Report(steps=steps, facts={})
        self._keep(content, new.size, report.verdict)
        return report

    def _compared(self, old: bytes, content: bytes, new: TreeHead) -> Report:
        kept = TreeHead.parse(Note.parse(old).text)
        if kept.size > new.size:  # served from a cache, or taken back: the older one must at least be its beginning
            nodes = TiledNodes(self.tree, kept.size, self._tile)
            proof = merkle.consistency_proof(self.tree, new.size, kept.size, nodes)
            return check_growth(content, old, proof, self.trusted, tree=self.tree)
        nodes = TiledNodes(self.tree, new.size, self._tile)
        proof = merkle.consistency_proof(self.tree, kept.size, new.size, nodes)
        return check_growth(old, content, proof, self.trusted, tree=self.tree)

    def _tile(self, tile: Tile) -> bytes:
        return self._get(f"tile/{tile.path}")

    def _get(self, path: str) -> bytes:
        reply = self.fetch(path)
        if reply.status != _OK:
            raise WitnessUnreachable(f"The log answered {reply.status} for {path}.", field=path)
        return reply.body

    def _kept(self) -> bytes | None:
        try:
            return (self.folder / _NEWEST).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KeptUnusable(f"{self.folder.name}: {error.strerror}.") from None

    def _keep(self, content: bytes, size: int, verdict: Verdict) -> None:
        if verdict is Verdict.INDETERMINATE:
            raise NoteUntrusted("Not enough of the trusted keys have signed the checkpoint; it is not kept.")
        try:
            if verdict is Verdict.INVALID:
                self._keep_proof(content, size)
                return
            write_whole(self.folder / f"{size}.note", content, self.randomness)
            kept = self._kept()
            if kept is None or TreeHead.parse(Note.parse(kept).text).size <= size:
                write_whole(self.folder / _NEWEST, content, self.randomness)
        except OSError as error:
            raise KeptUnusable(f"{self.folder.name}: {error.strerror}.") from None

    def _keep_proof(self, content: bytes, size: int) -> None:
        """Keep what the log has signed; what it has not proves nothing, and takes no other proof's place."""
        try:
            Note.parse(content).opened(self.trusted.log)
        except (NoteUntrusted, NoteSignatureInvalid):
            return
        name = f"contradiction-{size}"
        path = self.folder / f"{name}.note"
        if not write_new(path, content, self.randomness) and path.read_bytes() != content:
            write_new(self.folder / f"{name}-{sm3(content).hex()[:16]}.note", content, self.randomness)
