"""Public registration tells nothing about who has an account."""

import pytest
from sqlalchemy import event, func, select

from sso.accounts.applications import APPLICATION_LIFE
from sso.accounts.domain import ProofingLevel
from sso.accounts.errors import LegalPersonDoesNotApply, ProofingSourceUnavailable
from sso.accounts.ports import Claims, Outcome, SourceName
from sso.accounts.store import persons
from sso.accounts.store.tables import APPLICATIONS
from tests.sso.accounts.world import COMPANY, NAME, PASSPORT, RESIDENT, World

CLAIMS = Claims(name=NAME)


def confirm(world: World, outcome: Outcome = Outcome.MATCH) -> None:
    world.sources[SourceName.POPULATION].known[(RESIDENT.text, NAME)] = outcome


def test_a_free_number_that_is_confirmed_becomes_an_account(world: World) -> None:
    confirm(world)
    application = world.applications.apply(RESIDENT, CLAIMS)
    person = world.applications.redeem(application.ticket)
    assert person is not None
    assert (person.code, person.name, person.level) == (RESIDENT, NAME, ProofingLevel.TWO_ELEMENT_MATCH)
    assert application.ticket not in repr(application)


def test_a_taken_number_gives_the_same_answer_and_leads_nowhere(world: World) -> None:
    confirm(world)
    before = world.person()
    application = world.applications.apply(RESIDENT, CLAIMS)
    assert len(application.ticket) == 43
    assert application.expires_at == world.clock.now() + APPLICATION_LIFE
    assert world.applications.redeem(application.ticket) is None
    assert world.register.get(before.id) == before
    assert world.register.evidence(before.id) == []


def test_taken_and_free_numbers_ask_the_same_sources(world: World) -> None:
    confirm(world)
    source = world.sources[SourceName.POPULATION]
    world.applications.apply(RESIDENT, CLAIMS)
    world.applications.apply(RESIDENT, CLAIMS)
    assert source.asked == [(RESIDENT, CLAIMS)] * 2


def test_a_wrong_name_registers_nobody_whether_the_number_is_taken_or_not(world: World) -> None:
    application = world.applications.apply(RESIDENT, Claims(name="别名"))
    assert world.applications.redeem(application.ticket) is None
    assert world.register.find(RESIDENT) is None


def test_one_who_ended_registers_nobody(world: World) -> None:
    confirm(world, Outcome.ENDED)
    assert world.applications.redeem(world.applications.apply(RESIDENT, CLAIMS).ticket) is None
    assert world.register.find(RESIDENT) is None


def test_an_item_that_is_given_must_be_confirmed_too(world: World) -> None:
    confirm(world)
    claims = Claims(name=NAME, mobile="13900000018")
    assert world.applications.redeem(world.applications.apply(RESIDENT, claims).ticket) is None
    world.sources[SourceName.MOBILE_CARRIER].known[(RESIDENT.text, NAME)] = Outcome.MATCH
    person = world.applications.redeem(world.applications.apply(RESIDENT, claims).ticket)
    assert person is not None
    assert {piece.source for piece in world.register.evidence(person.id)} == {"population-register", "mobile-carrier"}


def test_where_no_source_can_be_asked_the_account_is_self_asserted(world: World) -> None:
    person = world.applications.redeem(world.applications.apply(PASSPORT, CLAIMS).ticket)
    assert person is not None
    assert person.level is ProofingLevel.SELF_ASSERTED


def test_a_source_that_does_not_answer_is_said_before_anything_is_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> Outcome:
        raise ProofingSourceUnavailable

    monkeypatch.setattr(world.sources[SourceName.POPULATION], "compare", silent)
    statements: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with pytest.raises(ProofingSourceUnavailable):
        world.applications.apply(RESIDENT, CLAIMS)
    assert statements == []


def test_a_ticket_is_good_once_and_for_its_time(world: World) -> None:
    confirm(world)
    once = world.applications.apply(RESIDENT, CLAIMS)
    assert world.applications.redeem(once.ticket) is not None
    assert world.applications.redeem(once.ticket) is None
    late = world.applications.apply(PASSPORT, CLAIMS)
    world.clock.moment = late.expires_at
    assert world.applications.redeem(late.ticket) is None


def test_a_ticket_is_good_to_its_last_moment(world: World) -> None:
    ticket = world.applications.apply(PASSPORT, CLAIMS)
    world.clock.advance(seconds=APPLICATION_LIFE.total_seconds() - 1)
    assert world.applications.redeem(ticket.ticket) is not None


@pytest.mark.parametrize("ticket", ["", "A" * 43, "é" * 43, "A" * 5000, "\ud800"])
def test_what_is_no_ticket_leads_nowhere(world: World, ticket: str) -> None:
    assert world.applications.redeem(ticket) is None


def test_tickets_are_kept_as_digests_and_forgotten(world: World) -> None:
    application = world.applications.apply(PASSPORT, CLAIMS)
    with world.database.connect() as connection:
        assert application.ticket.encode() not in connection.connection.driver_connection.serialize()
    assert world.applications.forget_expired() == 0
    world.clock.moment = application.expires_at
    world.clock.advance(seconds=1)
    assert world.applications.forget_expired() == 1
    with world.database.connect() as connection:
        assert connection.execute(select(func.count()).select_from(APPLICATIONS)).scalar_one() == 0


def test_an_organisation_does_not_apply(world: World) -> None:
    with pytest.raises(LegalPersonDoesNotApply) as caught:
        world.applications.apply(COMPANY, Claims(name="演示市朝晖区㛃䶮小馆"))
    assert (caught.value.code, caught.value.field) == ("legal-person-does-not-apply", "kind")


def test_a_lost_race_is_an_application_for_a_taken_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.register.register(PASSPORT, NAME)
    free = select(APPLICATIONS.c.person).where(APPLICATIONS.c.digest == b"none")
    monkeypatch.setattr(persons, "_taken", lambda _index: free)
    assert world.applications.redeem(world.applications.apply(PASSPORT, CLAIMS).ticket) is None


def test_a_ticket_from_before_a_clerk_saw_the_person_leads_nowhere_afterwards(world: World) -> None:
    confirm(world)
    attacker = world.applications.apply(RESIDENT, CLAIMS)
    world.clock.advance(minutes=1)
    found = world.register.find(RESIDENT)
    assert found is not None
    proofed = world.in_person(found.id)
    assert proofed.credentials_from == world.clock.now()
    invited = world.applications.invite(found.id)
    assert world.applications.redeem(attacker.ticket) is None
    person = world.applications.redeem(invited.ticket)
    assert person is not None
    assert person.level is ProofingLevel.IN_PERSON
