"""What may be held when on one medium, and the protocol that ends each sitting.

The first sitting makes the key (or records how a device made it); later ones open it for one declared act each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hsm_adapter.ceremony.domain import People, Terms
from hsm_adapter.ceremony.errors import CeremonyAborted, CeremonyClosed, RehearsalUnusable
from hsm_adapter.ceremony.progress import Progress, check_keeps_key, follow
from hsm_adapter.ceremony.protocol import ended_sitting, protocol_pdf
from hsm_adapter.ceremony.record import Kind, Line, Record, created, opened, read_record
from hsm_adapter.ceremony.requests import grouped
from hsm_adapter.ceremony.script import load_script
from hsm_adapter.ceremony.sitting import Hall, Sitting, convene
from hsm_adapter.folder import usable
from trust.durable import write_whole
from trust.gm.sm3 import sm3
from trust.typesetting import Typesetter

FIRST_SCRIPTS = ("root", "device")
"""Scripts that begin a ceremony."""

ACTS = ("issuing", "crl")
"""Scripts that open a root key for one act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a sitting left: the protocol's file, its SM3, and the head of the record that the protocol names."""

    protocol: Path
    protocol_sm3: str
    head: str


def begin(hall: Hall, terms: Terms, typesetter: Typesetter) -> Outcome:
    """Hold a first sitting on an empty medium. Raises `CeremonyExists`, and as `Sitting.hold`."""
    if terms.script not in FIRST_SCRIPTS:
        raise CeremonyClosed(f"The script {terms.script} does not begin a ceremony.", field="script")
    script = load_script(terms.script)
    with created(hall.folder, hall.clock) as record:
        convene(record, script, terms)
        return _held(hall, record, typesetter)


def resume(hall: Hall, typesetter: Typesetter) -> Outcome:
    """Go on after the last recorded step. Raises `CeremonyMissing`, `RecordBroken`, and as `Sitting.hold`."""
    with opened(hall.folder, hall.clock) as (record, torn):
        return _held(hall, record, typesetter, torn=torn)


def use(hall: Hall, act: str, people: People, place: str, typesetter: Typesetter) -> Outcome:
    """Open the root key for one act, with those who are there today; shares keep their numbers.

    Raises `CeremonyClosed` (no finished ceremony, or a sitting to be resumed first), `RehearsalUnusable`,
    `QuorumInvalid`, and as `Sitting.hold`.
    """
    script = load_script(act)
    with opened(hall.folder, hall.clock) as (record, _):
        progress = follow(record.lines)
        if progress.terms.rehearsal:
            raise RehearsalUnusable(field="ceremony")
        check_keeps_key(progress)
        if act not in ACTS:
            raise CeremonyClosed(f"The script {act} is no act of a root key.", field="act")
        _write_protocol(hall, record, progress, typesetter)
        convene(record, script, replace(progress.terms, script=act, people=people, place=place))
        return _held(hall, record, typesetter)


def look(folder: Path) -> dict[str, object]:
    """Check the record and say what it holds. Raises `RecordBroken`, `CeremonyMissing`.

    `head` of an ended sitting is that of its printed protocol; what the record says of the protocol itself comes after
    it, and `record_head` covers that too.
    """
    lines = read_record(folder)
    progress = follow(lines)
    root: Mapping[str, Any] = progress.root or {}
    return {
        "ceremony": progress.terms.ceremony,
        "rehearsal": progress.terms.rehearsal,
        "sitting": progress.number,
        "script": progress.terms.script,
        "state": "unfinished" if progress.end is None else progress.end.value,
        "quorum": f"{progress.terms.threshold} of {progress.terms.shares}",
        "public_key_sm3": root.get("public_key_sm3"),
        "protocol_sm3": None if progress.protocol is None else progress.protocol["sm3"],
        "lines": len(lines),
        "head": grouped(lines[-1].digest if progress.end is None else _head(lines)),
        "record_head": grouped(lines[-1].digest),
    }


def terms_of(folder: Path) -> Terms:
    """Return the terms of the last sitting of a medium. Raises `RecordBroken`, `CeremonyMissing`."""
    return follow(read_record(folder)).terms


def _held(hall: Hall, record: Record, typesetter: Typesetter, *, torn: int | None = None) -> Outcome:
    progress = follow(record.lines)
    if progress.end is None:
        sitting = Sitting(hall, record, load_script(progress.terms.script))
        try:
            if torn is not None:
                sitting.resume(torn)
            sitting.hold()
        except CeremonyAborted:
            _write_protocol(hall, record, follow(record.lines), typesetter)
            raise
    elif progress.protocol is not None:
        raise CeremonyClosed(f"The last sitting is {progress.end}.", field="ceremony")
    return _write_protocol(hall, record, follow(record.lines), typesetter)


def _write_protocol(hall: Hall, record: Record, progress: Progress, typesetter: Typesetter) -> Outcome:
    """Make the protocol of the last sitting, unless the record says that it was."""
    path = hall.folder / f"protocol-{progress.number}.pdf"
    lines = record.lines
    head = _head(lines)
    if progress.protocol is None:
        content = protocol_pdf(lines, load_script(progress.terms.script), typesetter)
        with usable(hall.folder):
            write_whole(path, content, hall.randomness)
        facts = {"file": path.name, "sm3": sm3(content).hex(), "head": head}
        return _outcome(path, record.append(Kind.PROTOCOL, facts).facts)
    return _outcome(path, progress.protocol)


def _outcome(path: Path, facts: Mapping[str, Any]) -> Outcome:
    return Outcome(protocol=path, protocol_sm3=facts["sm3"], head=facts["head"])


def _head(lines: Sequence[Line]) -> str:
    return ended_sitting(lines)[-1].digest
