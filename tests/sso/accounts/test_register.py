"""Registering once, finding again, and what no lookup tells."""

import pytest
from sqlalchemy import event, select, update

from sso.accounts.domain import Finding, PersonState, ProofingLevel
from sso.accounts.errors import PersonAlreadyRegistered, PersonUnknown
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.accounts.store.tables import PERSONS
from tests.sso.accounts.world import COMPANY, NAME, OTHER, PASSPORT, RESIDENT, World, resident
from trust.formats.holders import HolderKindUnknown, HolderNumber
from trust.kernel.text_errors import TextCharacters, TextLength
from trust.sealing import SealBroken


@pytest.mark.parametrize(
    "code",
    [
        RESIDENT,
        PASSPORT,
        COMPANY,
        HolderNumber(kind="511", number="00000001"),
        HolderNumber(kind="516", number="H01234567"),
        HolderNumber(kind="999", number="X-100"),
    ],
)
def test_every_kind_of_holder_can_be_registered_and_is_found_by_the_number(world: World, code: HolderNumber) -> None:
    made = world.register.register(code, NAME)
    assert made.code == code
    assert made.name == NAME
    assert made.level is ProofingLevel.SELF_ASSERTED
    assert made.state is PersonState.ACTIVE
    assert made.epoch == 1
    assert made.is_legal is code.is_legal_person
    assert world.register.find(code) == world.register.get(made.id) == made


def test_a_number_is_registered_once(world: World) -> None:
    world.person()
    with pytest.raises(PersonAlreadyRegistered) as caught:
        world.register.register(RESIDENT, "别名")
    assert caught.value.code == "person-already-registered"
    assert caught.value.field == "number"


def test_the_same_digits_of_another_kind_are_another_number(world: World) -> None:
    passport = world.register.register(PASSPORT, NAME)
    other = world.register.register(HolderNumber(kind="999", number=PASSPORT.number), NAME)
    assert passport.id != other.id


def test_namesakes_are_two_persons(world: World) -> None:
    one, two = world.register.register(RESIDENT, NAME), world.register.register(OTHER, NAME)
    assert one.id != two.id
    assert world.register.find(resident(2)) is None


def test_registering_with_evidence_is_one_commit(world: World) -> None:
    finding = Finding(source="population-register", level=ProofingLevel.TWO_ELEMENT_MATCH)
    made = world.register.register(RESIDENT, NAME, evidence=finding)
    assert made.level is ProofingLevel.TWO_ELEMENT_MATCH
    assert [piece.source for piece in world.register.evidence(made.id)] == ["population-register"]


def test_an_unknown_id_is_told_apart_from_an_unknown_number(world: World) -> None:
    assert world.register.find(RESIDENT) is None
    with pytest.raises(PersonUnknown) as caught:
        world.register.get("01J0000000000000000000000")
    assert caught.value.code == "person-unknown"


@pytest.mark.parametrize(
    ("name", "error", "code"),
    [
        ("", TextLength, "text-length"),
        ("字" * 201, TextLength, "text-length"),
        ("a\nb", TextCharacters, "text-characters"),
    ],
)
def test_a_name_that_is_none_is_refused(world: World, name: str, error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        world.register.register(RESIDENT, name)
    assert caught.value.code == code
    assert world.register.find(RESIDENT) is None


def test_a_name_of_two_hundred_characters_is_kept(world: World) -> None:
    assert world.register.register(COMPANY, "字" * 200).name == "字" * 200


def test_an_unknown_kind_has_its_code() -> None:
    with pytest.raises(HolderKindUnknown) as caught:
        HolderNumber(kind="112", number="1")
    assert caught.value.code == "holder-kind-unknown"


def test_names_and_numbers_are_sealed_in_the_database(world: World) -> None:
    world.person()
    with world.database.connect() as connection:
        dump = connection.connection.driver_connection.serialize()
    assert RESIDENT.number.encode() not in dump
    assert NAME.encode() not in dump


def test_a_sealed_name_does_not_open_in_another_row(world: World) -> None:
    one, two = world.person(), world.person(OTHER, "李示例")
    with world.database.begin() as connection:
        sealed = connection.execute(select(PERSONS.c.sealed_name).where(PERSONS.c.id == one.id)).scalar_one()
        connection.execute(update(PERSONS).where(PERSONS.c.id == two.id).values(sealed_name=sealed))
    with pytest.raises(SealBroken):
        world.register.get(two.id)


def test_a_miss_costs_the_same_statements_and_openings_as_a_hit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.person()
    counted: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *_: counted.append("statement"))
    opened = world.cipher.open
    monkeypatch.setattr(
        world.cipher, "open", lambda *given, **named: (counted.append("open"), opened(*given, **named))[1]
    )
    assert world.register.find(RESIDENT) is not None
    hit, counted[:] = list(counted), []
    assert world.register.find(OTHER) is None
    assert sorted(hit) == sorted(counted) != []


def test_no_personal_value_shows_in_representations(world: World) -> None:
    person = world.person()
    shown = repr(person) + repr(world.store.get(person.id)) + repr(world.register.changes(person.id))
    assert RESIDENT.number not in shown
    assert NAME not in shown


def test_no_number_and_no_name_is_logged(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.sources[SourceName.POPULATION].known[(RESIDENT.text, NAME)] = Outcome.MATCH
    person = world.applications.redeem(world.applications.apply(RESIDENT, Claims(name=NAME)).ticket)
    assert person is not None
    world.register.prove(person.id, SourceName.POPULATION.value, Claims(name=NAME))
    world.in_person(person.id)
    world.register.rename_in_person(person.id, "孙新名", sighting=world.sighting())
    world.register.disable(person.id, by="王经办", reason="本人挂失")
    logged = capsys.readouterr().out
    assert person.id in logged
    assert RESIDENT.number not in logged
    assert NAME not in logged
    assert "孙新名" not in logged
