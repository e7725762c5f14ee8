"""Checks an export with nothing but the file and the keys that the reader trusts."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from trust.gm import sm3
from trust.kernel import merkle
from trust.ledger.domain import TREE, parse_use
from trust.ledger.errors import EntryMalformed
from trust.ledger.export.domain import MAX_LINE_BYTES, Line, SignedStatement, Statement
from trust.ledger.export.errors import ExportInvalid, ExportMalformed
from trust.ledger.note_errors import NoteSignatureInvalid
from trust.ledger.note_keys import OWN, VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """An export without a fault, and the trusted key that signed it.

    Without a trusted key of its log `signed_by` is None: all in the file agrees, and nobody vouches for it.
    """

    statement: Statement
    signed_by: VerifierKey | None

    @property
    def exit_code(self) -> int:
        """0 valid, 2 indeterminate; an invalid export raises."""
        return 2 if self.signed_by is None else 0


def check_export(file: BinaryIO, trusted: Sequence[VerifierKey]) -> ExportReport:
    """Check every line of a file that can be sought, in flat memory.

    Raises `ExportMalformed` when it is no export at all, `ExportInvalid` naming the first line that is wrong.
    """
    last = _last_line(file)
    number = sum(1 for _ in _raw_lines(file))
    signed = _signed(last, number, next(_raw_lines(file), b""))
    statement = signed.statement
    signature_holds, key = _signature(signed, trusted)
    digest, previous, count = sm3.new(), -1, 0
    for count, content in enumerate(_entries(file, number), start=1):
        line = _parsed(content, count)
        _check_line(line, previous, digest.hexdigest(), count)
        if signature_holds:
            _check_proof(line, statement, count)
        digest.update(content)
        previous = line.index
    if not signature_holds:
        raise ExportInvalid("the signature over the statement does not hold.", line=number)
    if statement.count != count or statement.sm3 != digest.hexdigest():
        raise ExportInvalid(f"the statement is about {statement.count} other lines.", line=number)
    return ExportReport(statement=statement, signed_by=key)


def _signed(last: bytes, number: int, first: bytes) -> SignedStatement:
    try:
        return SignedStatement.parse(last)
    except ExportMalformed as error:
        if not _is_entry(first):
            raise
        line = number + 1 if _is_entry(last) else number
        raise ExportInvalid("it should be the signed statement; the file was cut off or altered.", line=line) from error


def _signature(signed: SignedStatement, trusted: Sequence[VerifierKey]) -> tuple[bool, VerifierKey | None]:
    """Return whether the signature may hold, and by which key: with no key of that log nothing can be told."""
    own = [key for key in trusted if (key.name, key.type) == (signed.statement.origin, OWN)]
    for key in own:
        try:
            key.verify(signed.statement.body, signed.signature)
        except NoteSignatureInvalid:
            continue
        return True, key
    return not own, None


def _check_line(line: Line, previous: int, after: str, number: int) -> None:
    if line.after != after:
        raise ExportInvalid("it does not follow the lines above it.", line=number)
    if line.index <= previous:
        raise ExportInvalid("its index does not grow.", line=number)


def _check_proof(line: Line, statement: Statement, number: int) -> None:
    try:
        parse_use(line.leaf)
        merkle.verify_inclusion(
            TREE,
            index=line.index,
            size=statement.size,
            leaf_hash=TREE.leaf(line.leaf),
            path=line.proof,
            root=statement.root,
        )
    except (merkle.ProofInvalid, merkle.OutsideTree, EntryMalformed) as error:
        raise ExportInvalid(f"its entry is not in the ledger: {error.detail}", line=number) from None


def _parsed(content: bytes, number: int) -> Line:
    try:
        return Line.parse(content)
    except ExportMalformed as error:
        raise ExportInvalid(error.detail, line=number) from None


def _is_entry(content: bytes) -> bool:
    try:
        Line.parse(content)
    except ExportMalformed:
        return False
    return True


def _entries(file: BinaryIO, number: int) -> Iterator[bytes]:
    for place, content in enumerate(_raw_lines(file), start=1):
        if place < number:
            yield content


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    number = 0
    while content := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(content) > MAX_LINE_BYTES:
            raise ExportInvalid(f"it has more than {MAX_LINE_BYTES} bytes.", line=number)
        yield content


def _last_line(file: BinaryIO) -> bytes:
    size = file.seek(0, os.SEEK_END)
    begin = max(0, size - MAX_LINE_BYTES)
    file.seek(begin)
    tail = file.read(MAX_LINE_BYTES)
    return tail[tail.rfind(b"\n", 0, max(0, len(tail) - 1)) + 1 :]
