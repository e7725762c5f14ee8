"""An export says what it says, and whoever changes it in any way is found at the line."""

import io
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import MOMENT, FixedClock
from tests.trust.ledger.building import ORIGIN, Setting
from tests.trust.ledger.searching import Found
from trust.gm.sm3 import sm3
from trust.keys import KeyPurpose, UseOutcome
from trust.ledger.domain import parse_checkpoint
from trust.ledger.errors import CheckpointMalformed, CheckpointNotFound, LedgerBroken
from trust.ledger.export.checking import ExportReport, check_export
from trust.ledger.export.domain import FORMAT, MAX_LINE_BYTES, Line, SignedStatement
from trust.ledger.export.errors import ExportInvalid, ExportMalformed, ExportTooLarge
from trust.ledger.export.service import Exporter
from trust.ledger.note_keys import VerifierKey, own_key
from trust.ledger.search.domain import Question


@pytest.fixture
def exporter(grown: Setting, found: Found) -> Exporter:
    return Exporter(
        ledger=grown.ledger, store=grown.store, search=found.search, signer=grown.signer, clock=FixedClock()
    )


@pytest.fixture
def keys(grown: Setting) -> list[VerifierKey]:
    return [own_key(ORIGIN, grown.signer.info.public_key)]


def written(exporter: Exporter, question: Question | None = None) -> list[bytes]:
    return list(exporter.export(question or Question(), by="auditor:wu"))


def checked(lines: list[bytes], keys: list[VerifierKey]) -> ExportReport:
    return check_export(io.BytesIO(b"".join(lines)), keys)


def test_an_export_is_valid_and_says_what_it_holds(grown: Setting, exporter: Exporter, keys: list[VerifierKey]) -> None:
    lines = written(exporter)
    report = checked(lines, keys)
    assert (report.exit_code, report.signed_by) == (0, keys[0])
    said = report.statement
    assert (said.count, said.size, said.origin, said.by, said.at) == (20, 20, ORIGIN, "auditor:wu", MOMENT)
    assert said.root == grown.checkpointer.latest().checkpoint.root  # type: ignore[union-attr]
    assert said.sm3 == sm3(b"".join(lines[:-1])).hex()
    assert [Line.parse(line).index for line in lines[:-1]] == list(range(20))
    own = grown.ledger.entry(grown.ledger.size() - 1).use
    assert (own.context.principal, own.context.document) == ("auditor:wu", f"ledger-export:{said.sm3}")
    assert own.purpose is KeyPurpose.LEDGER_CHECKPOINT


def test_a_question_narrows_an_export_and_stands_in_its_statement(
    grown: Setting, exporter: Exporter, keys: list[VerifierKey]
) -> None:
    question = Question(purpose=KeyPurpose.LEDGER_CHECKPOINT, outcome=UseOutcome.SIGNED, since=MOMENT)
    lines = written(exporter, question)
    assert [Line.parse(line).index for line in lines[:-1]] == [13]
    assert checked(lines, keys).statement.asked == {
        "purpose": "ledger-checkpoint",
        "outcome": "signed",
        "since": "2026-11-21T08:00:00.000000Z",
    }
    nothing = written(exporter, Question(since=MOMENT + timedelta(days=1)))
    assert (len(nothing), checked(nothing, keys).statement.count) == (1, 0)


def test_an_export_of_the_api_is_bounded_before_its_first_line(exporter: Exporter) -> None:
    assert len(list(exporter.export(Question(), by="a", most=20))) == 21
    with pytest.raises(ExportTooLarge):
        exporter.export(Question(), by="a", most=19)


def test_there_is_no_export_without_a_checkpoint(empty: Setting) -> None:
    from tests.trust.ledger.searching import finding

    search = finding(empty.database, empty.ledger, empty.store).search
    exporter = Exporter(ledger=empty.ledger, store=empty.store, search=search, signer=empty.signer, clock=FixedClock())
    with pytest.raises(CheckpointNotFound):
        exporter.export(Question(), by="a")


def test_without_a_key_of_the_log_nobody_vouches(exporter: Exporter, keys: list[VerifierKey]) -> None:
    lines = written(exporter)
    other = own_key("another.example/log", keys[0].material.split(b"\n", 1)[1])
    assert checked(lines, []).exit_code == 2
    assert checked(lines, [other]).exit_code == 2


def test_a_statement_can_be_no_checkpoint(exporter: Exporter) -> None:
    body = SignedStatement.parse(written(exporter)[-1]).statement.body
    assert body.startswith(FORMAT.encode() + b"\n{")
    with pytest.raises(CheckpointMalformed):
        parse_checkpoint(body)


def changed(line: bytes, **members: object) -> bytes:
    content = json.loads(line) | members
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def other_text(line: bytes, old: str, new: str) -> bytes:
    assert old in line.decode()
    return line.decode().replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("leaf", 5),
        ("leaf of another", 6),
        ("proof", 5),
        ("short proof", 5),
        ("index", 5),
        ("chain", 5),
        ("no line", 5),
        ("another form", 5),
        ("long", 5),
        ("removed", 5),
        ("twice", 6),
        ("swapped", 5),
        ("first removed", 1),
        ("last entry removed", 20),
        ("tail cut", 16),
        ("cut in a line", 16),
        ("count", 21),
        ("root", 21),
        ("who", 21),
        ("signature", 21),
        ("digest", 21),
        ("line after the statement", 22),
        ("newline missing", 21),
    ],
)
def test_whatever_is_changed_the_first_bad_line_is_named(
    exporter: Exporter, keys: list[VerifierKey], name: str, line: int
) -> None:
    lines = written(exporter)
    at, last = lines[4], lines[-1]
    forged = {
        "leaf": lambda: [*lines[:4], other_text(at, "food-office", "fool-office"), *lines[5:]],
        "leaf of another": lambda: [
            *lines[:4],
            changed(lines[5], after=json.loads(at)["after"]),
            *lines[5:],
        ],
        "proof": lambda: [*lines[:4], changed(at, proof=json.loads(at)["proof"][::-1]), *lines[5:]],
        "short proof": lambda: [*lines[:4], changed(at, proof=[]), *lines[5:]],
        "index": lambda: [*lines[:4], changed(at, index=40), *lines[5:]],
        "chain": lambda: [*lines[:4], changed(at, after="0" * 64), *lines[5:]],
        "no line": lambda: [*lines[:4], b"{}\n", *lines[5:]],
        "another form": lambda: [*lines[:4], at.replace(b":", b": ", 1), *lines[5:]],
        "long": lambda: [*lines[:4], b"x" * MAX_LINE_BYTES + b"\n", *lines[5:]],
        "removed": lambda: [*lines[:4], *lines[5:]],
        "twice": lambda: [*lines[:5], at, *lines[5:]],
        "swapped": lambda: [*lines[:4], lines[5], at, *lines[6:]],
        "first removed": lambda: lines[1:],
        "last entry removed": lambda: [*lines[:19], last],
        "tail cut": lambda: lines[:15],
        "cut in a line": lambda: [*lines[:15], lines[15][:40]],
        "count": lambda: [*lines[:-1], other_text(last, '\\"count\\":20', '\\"count\\":21')],
        "root": lambda: [*lines[:-1], other_text(last, '\\"root\\":\\"', '\\"root\\":\\"AA')],
        "who": lambda: [*lines[:-1], other_text(last, "auditor:wu", "auditor:li")],
        "signature": lambda: [*lines[:-1], changed(last, signature="AAAA")],
        "digest": lambda: [*lines[:-1], changed(last, statement=json.loads(last)["statement"] + "x")],
        "line after the statement": lambda: [*lines, b"x\n"],
        "newline missing": lambda: [*lines[:-1], last[:-1]],
    }[name]()
    with pytest.raises(ExportInvalid) as caught:
        checked(forged, keys)
    assert caught.value.line == line


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(exporter: Exporter, keys: list[VerifierKey], data: st.DataObject) -> None:
    content = _CACHE.setdefault(id(exporter), b"".join(written(exporter)))
    place = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[place]))
    with pytest.raises((ExportInvalid, ExportMalformed)):
        check_export(io.BytesIO(content[:place] + bytes([byte]) + content[place + 1 :]), keys)


_CACHE: dict[int, bytes] = {}


@pytest.mark.parametrize("content", [b"", b"\n", b"x", b"{}\n", b'{"a":1}\n{"b":2}\n', b"[" * 50_000])
def test_what_is_no_export_at_all_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ExportMalformed):
        check_export(io.BytesIO(content), [])


def test_who_shortens_the_index_shortens_no_officer_s_export(grown: Setting, exporter: Exporter, found: Found) -> None:
    question = Question(key="01KSEALINGKEY")
    before = written(exporter, question)
    found.search.catch_up()
    grown.tamper("DELETE FROM ledger_use WHERE idx = 3", "DELETE FROM ledger_use_name WHERE idx = 3")
    after = written(exporter, question)
    assert after[:-1] == before[:-1]
    assert 3 in [Line.parse(line).index for line in after[:-1]]


def test_an_export_stops_at_an_entry_that_was_altered(grown: Setting, exporter: Exporter) -> None:
    grown.tamper("UPDATE ledger_leaf SET data = CAST(replace(data, 'food', 'fool') AS BLOB) WHERE idx = 3")
    with pytest.raises(LedgerBroken) as caught:
        written(exporter)
    assert caught.value.place == "leaf 3"
