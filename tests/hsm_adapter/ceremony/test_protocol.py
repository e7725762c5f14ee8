import pypdfium2
import pytest

from hsm_adapter.ceremony import holding
from hsm_adapter.ceremony.domain import Custodian, People
from hsm_adapter.ceremony.errors import CeremonyAborted, CeremonyClosed
from hsm_adapter.ceremony.progress import follow
from hsm_adapter.ceremony.protocol import ended_sitting, protocol_pdf
from hsm_adapter.ceremony.record import Kind, read_record
from hsm_adapter.ceremony.requests import grouped
from hsm_adapter.ceremony.script import load_script
from tests.hsm_adapter.ceremony.acting import CEREMONY, PEOPLE, Actors, terms
from trust.gm.sm3 import sm3


def pages(path):
    with pypdfium2.PdfDocument(path) as pdf:
        return [page.get_textpage().get_text_bounded() for page in pdf]


def text(path):
    return " ".join(" ".join(pages(path)).split())


def test_the_protocol_holds_every_fact(held, medium):
    _, outcome = held
    found, lines = text(outcome.protocol), read_record(medium)
    progress = follow(lines)
    wanted = [
        CEREMONY,
        "示例市政务中心 B1 机房",
        "SM2-SM3",
        progress.root["public_key_sm3"],
        grouped(outcome.head),
        "any 2 of 3",
    ]
    wanted += [name for _, name in PEOPLE.everyone]
    wanted += [step.title_zh for step in load_script("root").steps]
    for facts in progress.done.values():
        recorded = facts["recorded"]
        wanted += [
            recorded[name] for name in ("file_sm3", "serial", "request_sm3", "machine_serial") if name in recorded
        ]
    assert [fact for fact in wanted if fact not in found] == []


def test_the_protocol_is_two_pages_with_a_line_to_sign_for_each_person(held):
    first, second = pages(held[1].protocol)
    for _, name in PEOPLE.everyone:
        assert name in second
    assert "Signature" in second
    assert "Signature" not in first


def test_a_full_room_fits_on_three_pages(hall, typesetter, tmp_path):
    people = People(
        administrator="管" * 20,
        officer="安全员",
        custodians=tuple(Custodian(number=number, name=f"custodian {number}") for number in range(1, 17)),
        witnesses=tuple(f"witness {number}" for number in range(1, 9)),
    )
    outcome = holding.begin(hall(Actors()), terms(people=people, shares=16, threshold=9), typesetter)
    assert len(pages(outcome.protocol)) <= 3


def test_the_protocol_is_the_same_at_every_making_and_the_record_names_its_digest(held, medium, typesetter):
    _, outcome = held
    lines = read_record(medium)
    again = protocol_pdf(lines, load_script("root"), typesetter)
    assert again == outcome.protocol.read_bytes()
    assert sm3(again).hex() == outcome.protocol_sm3 == lines[-1].facts["sm3"]
    assert ended_sitting(lines)[-1].digest == outcome.head


def test_a_checked_copy_shows_the_head_that_stands_on_paper(held, medium):
    _, outcome = held
    found = holding.look(medium)
    assert (found["head"], found["protocol_sm3"]) == (grouped(outcome.head), outcome.protocol_sm3)
    assert found["record_head"] == grouped(read_record(medium)[-1].digest) != found["head"]


def test_a_rehearsal_says_so_on_every_page(hall, typesetter):
    outcome = holding.begin(hall(Actors()), terms(rehearsal=True), typesetter)
    assert all("演练 REHEARSAL" in page for page in pages(outcome.protocol))


def test_an_aborted_ceremony_has_a_protocol_that_says_why_it_has_no_key(hall, medium, typesetter):
    with pytest.raises(CeremonyAborted):
        holding.begin(hall(Actors(overrides={"yes": ["yes", "abort"], "原因": ["停电"]})), terms(), typesetter)
    found = text(medium / "protocol-1.pdf")
    assert "This ceremony was aborted" in found
    assert "停电" in found
    assert "未进行 not taken" in found


def test_no_protocol_before_the_end(held, medium, typesetter):
    lines = [line for line in read_record(medium) if line.kind is not Kind.FINISHED]
    with pytest.raises(CeremonyClosed):
        protocol_pdf(lines, load_script("root"), typesetter)
