"""Matters and counters, and who may act where."""

from dataclasses import replace

import pytest

from sso.counters.domain import COUNTER_SYSTEMS_MAX, MATTER_TYPES_MAX, NAME_MAX, PURPOSE_MAX, Counter, Matter
from sso.counters.errors import (
    CounterClosed,
    CounterNameTaken,
    CounterSystemsInvalid,
    CounterUnknown,
    MatterCodeInvalid,
    MatterRetired,
    MatterTaken,
    MatterTypesTooMany,
    MatterUnknown,
    SystemUnusable,
)
from sso.provider.errors import ClientUnknown
from tests.fakes import MOMENT
from tests.sso.counters.support import (
    AUTHORITY,
    FOOD,
    OTHER_AUTHORITY,
    RESIDENCE,
    Town,
    TypeMissing,
    matter,
    resident_number,
)
from trust.kernel.identifier_errors import UsccInvalid
from trust.kernel.identifiers import Uscc
from trust.kernel.text_errors import PersonalNumberInText, TextLength


def test_a_matter_reads_back_as_it_was_registered(town: Town) -> None:
    added = town.register.add_matter(matter(types=(FOOD, RESIDENCE)))
    assert town.register.matter("food-licence") == added
    assert town.register.matters() == (added,)


def test_a_matter_without_types_needs_no_certificate(town: Town) -> None:
    assert town.register.add_matter(matter(types=())).types == frozenset()


def test_a_matter_never_changes(town: Town) -> None:
    town.register.add_matter(matter())
    with pytest.raises(MatterTaken) as caught:
        town.register.add_matter(matter(types=(RESIDENCE,)))
    assert caught.value.code == "matter-taken"
    assert town.register.matter("food-licence").types == {FOOD}


def test_a_matter_names_only_types_of_the_catalogue(town: Town) -> None:
    with pytest.raises(TypeMissing):
        town.register.add_matter(matter(types=("11000000DEM0YX001B999",)))
    assert town.register.matters() == ()


def test_a_retired_matter_is_shown_but_not_in_force(town: Town) -> None:
    town.register.add_matter(matter())
    assert town.register.retire_matter("food-licence").retired_at == MOMENT
    town.clock.advance(days=1)
    assert town.register.retire_matter("food-licence").retired_at == MOMENT
    assert town.register.any_matter("food-licence").retired_at == MOMENT
    with pytest.raises(MatterRetired) as caught:
        town.register.matter("food-licence")
    assert caught.value.code == "matter-retired"


@pytest.mark.parametrize("code", ["none", "", "a\x00b"])
def test_an_unknown_matter_is_not_found(town: Town, code: str) -> None:
    for ask in (town.register.matter, town.register.retire_matter):
        with pytest.raises(MatterUnknown) as caught:
            ask(code)
        assert caught.value.code == "matter-unknown"


@pytest.mark.parametrize("code", ["", "-a", "a b", "a/b", "事项", "x" * 41])
def test_the_code_of_a_matter_fits_requests_and_logs(code: str) -> None:
    with pytest.raises(MatterCodeInvalid) as caught:
        matter(code)
    assert caught.value.code == "matter-code-invalid"


def test_the_code_of_a_matter_has_its_limit() -> None:
    assert matter("x" * 40).code == "x" * 40


def test_no_text_of_a_matter_holds_a_number_of_a_person() -> None:
    number = resident_number(1)
    for field in ("name", "name_zh", "purpose", "purpose_zh", "code"):
        with pytest.raises(PersonalNumberInText):
            replace(matter(), **{field: number})  # type: ignore[arg-type]


def test_texts_and_types_of_a_matter_have_limits() -> None:
    replace(matter(), name="n" * NAME_MAX, purpose="p" * PURPOSE_MAX)
    for values in ({"name": "n" * (NAME_MAX + 1)}, {"purpose": "p" * (PURPOSE_MAX + 1)}, {"purpose_zh": "p"}):
        with pytest.raises(TextLength):
            replace(matter(), **values)  # type: ignore[arg-type]
    many = [f"{FOOD[:-3]}{number:03d}" for number in range(MATTER_TYPES_MAX + 1)]
    assert len(matter(types=many[1:]).types) == MATTER_TYPES_MAX
    with pytest.raises(MatterTypesTooMany):
        matter(types=many)


def test_a_counter_reads_back_as_it_was_registered(town: Town) -> None:
    added = town.counter(systems=("system-b", "system-a"))
    assert town.register.counter(added.id) == added
    assert town.register.counters() == town.register.counters(Uscc.parse(AUTHORITY)) == (added,)
    assert town.register.counters(Uscc.parse(OTHER_AUTHORITY)) == ()


def test_two_counters_of_one_authority_have_different_names(town: Town) -> None:
    town.register.close_counter(town.counter("一号").id)
    with pytest.raises(CounterNameTaken) as caught:
        town.counter("一号")
    assert caught.value.code == "counter-name-taken"
    town.register.add_counter(name="一号", authority=OTHER_AUTHORITY)


@pytest.mark.parametrize(
    ("systems", "error"),
    [(("nobody",), ClientUnknown), (("system-off",), SystemUnusable)],
)
def test_only_enabled_registered_systems_stand_on_a_counter(
    town: Town, systems: tuple[str, ...], error: type[Exception]
) -> None:
    made = town.counter("一号")
    with pytest.raises(error):
        town.counter("二号", systems=systems)
    with pytest.raises(error):
        town.register.put_systems(made.id, systems)


def test_a_counter_has_at_most_so_many_systems() -> None:
    def counter(count: int) -> Counter:
        systems = frozenset(f"s{number}" for number in range(count))
        return Counter(id="1", name="一号", authority=Uscc.parse(AUTHORITY), systems=systems)

    assert len(counter(COUNTER_SYSTEMS_MAX).systems) == COUNTER_SYSTEMS_MAX
    with pytest.raises(CounterSystemsInvalid) as caught:
        counter(COUNTER_SYSTEMS_MAX + 1)
    assert caught.value.code == "counter-systems-invalid"


def test_an_authority_is_named_by_its_credit_code(town: Town) -> None:
    with pytest.raises(UsccInvalid):
        town.register.add_counter(name="一号", authority="11000000DEM0YX001C")


def test_closing_a_counter_ends_the_tokens_of_its_clerks(town: Town) -> None:
    counter, other = town.counter("一号"), town.counter("二号")
    posted = town.clerk(town.persons.natural("郑窗口"), counter, other)
    elsewhere = town.clerk(town.persons.natural("冯窗口"), other, staff_number="YS-0428")
    assert town.register.close_counter(counter.id).closed_at == MOMENT
    assert town.is_cut(posted.tie)
    assert not town.is_cut(elsewhere.tie)
    again = town.register.clerk_of(posted.person)
    assert again is not None
    assert again.epoch == posted.epoch + 1
    assert not town.is_cut(again.tie)


def test_a_counter_is_closed_once_and_for_good(town: Town) -> None:
    counter = town.counter()
    town.register.close_counter(counter.id)
    clerk = town.clerk(town.persons.natural("郑窗口"))
    town.clock.advance(days=1)
    assert town.register.close_counter(counter.id).closed_at == MOMENT
    assert not town.is_cut(clerk.tie)
    with pytest.raises(CounterClosed):
        town.register.put_systems(counter.id, ["system-b"])
    with pytest.raises(CounterUnknown):
        town.register.close_counter("none")


def test_taking_a_system_from_a_counter_ends_the_tokens_of_its_clerks(town: Town) -> None:
    counter = town.counter()
    clerk = town.clerk(town.persons.natural("郑窗口"), counter)
    assert town.register.put_systems(counter.id, ["system-a", "system-b"]).systems == {"system-a", "system-b"}
    assert not town.is_cut(clerk.tie)
    assert town.register.put_systems(counter.id, ["system-b"]).systems == {"system-b"}
    assert town.is_cut(clerk.tie)


def test_matters_are_frozen() -> None:
    with pytest.raises(AttributeError):
        matter().code = "other"  # type: ignore[misc]
    assert isinstance(matter(), Matter)
