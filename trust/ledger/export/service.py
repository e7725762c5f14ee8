"""Writes exports: entries in order, each with its proof under the newest checkpoint, as they are read (flat memory)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from trust.gm import sm3
from trust.kernel import merkle
from trust.kernel.clock import Clock
from trust.kernel.merkle import Node
from trust.keys import KeyPurpose, KeyRef, Signer, SigningRequest, UseContext
from trust.ledger.domain import TREE, Leaf, SignedCheckpoint
from trust.ledger.errors import CheckpointNotFound
from trust.ledger.export.domain import Line, SignedStatement, Statement
from trust.ledger.export.errors import ExportTooLarge
from trust.ledger.ports import LedgerStore
from trust.ledger.search.domain import MAX_HITS, Question
from trust.ledger.search.reading import Batch
from trust.ledger.search.service import LedgerSearch
from trust.ledger.service import MAX_ENTRIES, Ledger

MAX_EXPORT_ENTRIES: Final = 50_000
"""Entries in one export of the API: some 60 MB, and half a minute of a server thread."""

_WHY = "ledger export"
_KEPT_NODES: Final = 4096  # hashes that the proofs of neighbours share


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """Exports one ledger; what is signed is a key use with an entry of its own."""

    ledger: Ledger
    store: LedgerStore
    search: LedgerSearch
    signer: Signer
    clock: Clock

    def export(self, question: Question, *, by: str, most: int | None = None) -> Iterator[bytes]:
        """Return the lines of an export of the entries that match and that the newest checkpoint covers.

        What can be refused is refused before the first line: raises `CheckpointNotFound`, `ExportTooLarge` for more
        than `most` entries, and as `LedgerSearch.follow`. An export that ends without its statement is not one.

        Without `most` every entry is read and the index, which a hand in the database can shorten, is not asked: only
        such an export says that there are no other entries.
        """
        signed = self.store.latest_checkpoint()
        if signed is None:
            raise CheckpointNotFound
        size = signed.checkpoint.size
        if most is not None:
            self.search.catch_up()
            self._check_count(question, size, most)
        return self._lines(question, signed, by, by_index=most is not None)

    def _check_count(self, question: Question, size: int, most: int) -> None:
        if sum(len(page) for page in self._pages(question, size, most + 1)) > most:
            raise ExportTooLarge(f"One export holds at most {most} entries.", field="since")

    def _lines(self, question: Question, signed: SignedCheckpoint, by: str, *, by_index: bool) -> Iterator[bytes]:
        digest, count, size = sm3.new(), 0, signed.checkpoint.size
        nodes = _Nodes(self.store)
        for leaf in self._indexed(question, size) if by_index else self._all(question, size):
            if question.matches(leaf.use):
                nodes.learn(leaf)
                line = Line(
                    index=leaf.index,
                    leaf=leaf.data,
                    proof=merkle.inclusion_proof(TREE, leaf.index, size, nodes),
                    after=digest.hexdigest(),
                ).content
                digest.update(line)
                count += 1
                yield line
        statement = Statement(
            origin=signed.checkpoint.origin,
            size=size,
            root=signed.checkpoint.root,
            count=count,
            sm3=digest.hexdigest(),
            at=self.clock.now(),
            by=by,
            key=signed.key,
            asked=question.asked,
        )
        yield self._signed(statement, signed.key).content

    def _signed(self, statement: Statement, key: KeyRef) -> SignedStatement:
        context = UseContext(principal=statement.by, why=_WHY, document=f"ledger-export:{statement.sm3}")
        request = SigningRequest(message=statement.body, context=context)
        signature = self.signer.sign(key, request, purpose=KeyPurpose.LEDGER_CHECKPOINT)
        return SignedStatement(statement=statement, signature=signature.value)

    def _indexed(self, question: Question, size: int) -> Iterator[Leaf]:
        for page in self._pages(question, size, None):
            yield from self._leaves(page)

    def _all(self, question: Question, size: int) -> Iterator[Leaf]:
        """Return every entry. Raises `LedgerBroken` at one that is not what its hash says."""
        end = size if question.before is None else min(size, question.before)
        for start in range(0, end, MAX_ENTRIES):
            yield from Batch(leaves=self.ledger.entries(start, min(MAX_ENTRIES, end - start))).leaves

    def _pages(self, question: Question, size: int, most: int | None) -> Iterator[Sequence[int]]:
        """Return the indexes of the entries that match, oldest first."""
        end = size if question.before is None else min(size, question.before)
        start, whole = 0, replace(question, limit=MAX_HITS)
        while most is None or most > 0:
            page = self.search.store.after(whole, start, end)
            if not page:
                return
            yield page
            start = page[-1] + 1
            most = None if most is None else most - len(page)

    def _leaves(self, page: Sequence[int]) -> Iterator[Leaf]:
        """Return these entries, read in runs of neighbours."""
        begin = 0
        for place in range(1, len(page) + 1):
            if place == len(page) or page[place] != page[place - 1] + 1:
                yield from self.ledger.entries(page[begin], place - begin)
                begin = place


class _Nodes:
    """Reads nodes and keeps those that the next proofs are likely to need as well."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self._kept: dict[Node, bytes] = {}

    def learn(self, leaf: Leaf) -> None:
        """Keep the hash of an entry that was read anyway."""
        self._kept[Node(0, leaf.index)] = leaf.hash

    def __call__(self, wanted: Sequence[Node]) -> Mapping[Node, bytes]:
        missing = [node for node in wanted if node not in self._kept]
        if missing:
            if len(self._kept) > _KEPT_NODES:
                self._kept = {node: value for node, value in self._kept.items() if node in wanted}
            self._kept.update(self._store.nodes(missing))
        return self._kept
