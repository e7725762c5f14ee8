"""Consents as the person sees them, and sweeping what is over."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from sso.provider.authorize import Need
from sso.provider.domain import Registered
from sso.provider.errors import ConsentUnknown
from sso.provider.grants import CONSENT_DAYS
from sso.provider.store.sweeping import sweep
from tests.sso.provider.changing import keep_changed
from tests.sso.provider.journey import (
    MATTER,
    SCOPES,
    TYPES,
    error_of,
    granted,
    parameters,
    redeem,
    refresh,
    register,
    session,
    settle,
    signed_in,
)
from tests.sso.provider.support import House
from trust.kernel.errors import NotAuthenticated


@pytest.fixture
def who(house: House) -> Registered:
    settle(house)
    return register(house)


def test_a_person_sees_what_they_allowed(house: House, who: Registered) -> None:
    granted(house, who.client.id, scope="openid")
    granted(house, who.client.id)
    granted(house, who.client.id, session(house, id="S2", person="P2"))
    (consent,) = house.consents.of("P1")
    assert (consent.client, consent.matter) == (who.client.id, MATTER)
    assert consent.scopes == {"openid", "profile", "certs:read"}
    house.clock.advance(days=CONSENT_DAYS)
    assert house.consents.of("P1") == ()


def change_registration(house: House, who: Registered, types: frozenset[str]) -> None:
    client = house.registry.get(who.client.id)
    keep_changed(house.database, house.registry.changed(client.id, replace(client.relying, types=types)))


def test_a_certificate_type_that_the_system_is_given_later_is_asked_for(house: House, who: Registered) -> None:
    def need() -> Need:
        return house.desk.need(house.desk.open(parameters(who.client.id)), session(house))

    change_registration(house, who, frozenset({"identity-card"}))
    granted(house, who.client.id)
    assert need() is Need.NOTHING
    change_registration(house, who, TYPES)
    assert need() is Need.CONSENT
    granted(house, who.client.id)
    assert need() is Need.NOTHING
    change_registration(house, who, frozenset({"food-licence"}))  # fewer: nothing new
    assert need() is Need.NOTHING
    (consent,) = house.consents.of("P1")
    assert consent.types == TYPES


def test_a_consent_of_a_release_that_kept_no_types_is_asked_for_again(house: House, who: Registered) -> None:
    granted(house, who.client.id)
    with house.database.begin() as connection:
        connection.execute(text("UPDATE sso_consents SET types = NULL"))
    assert house.desk.need(house.desk.open(parameters(who.client.id)), session(house)) is Need.CONSENT


def test_taking_it_back_ends_every_token_that_rests_on_it(house: House, who: Registered) -> None:
    first, second = (signed_in(house, who, scope=SCOPES) for _ in range(2))
    other = redeem(house, who, granted(house, who.client.id, session(house, id="S2", person="P2"))).get_json()
    (consent,) = house.consents.of("P1")
    house.consents.withdraw(consent.id, person="P1")
    for tokens in (first, second):
        with pytest.raises(NotAuthenticated):
            house.reader.read(tokens["access_token"])
        assert error_of(refresh(house, who, tokens["refresh_token"])) == (400, "invalid_grant")
    house.reader.read(other["access_token"])
    assert house.consents.of("P1") == ()
    assert house.desk.need(house.desk.open(parameters(who.client.id)), session(house)) is Need.CONSENT


def test_nobody_takes_back_what_another_allowed(house: House, who: Registered) -> None:
    token = signed_in(house, who)["access_token"]
    (consent,) = house.consents.of("P1")
    for identifier, person in ((consent.id, "P2"), ("nothing", "P1"), ("a\0b", "P1"), ("", "P1")):
        with pytest.raises(ConsentUnknown):
            house.consents.withdraw(identifier, person=person)
    house.reader.read(token)


def test_only_what_is_over_is_swept(house: House, who: Registered) -> None:
    token = signed_in(house, who, scope=SCOPES)["refresh_token"]
    pending = house.desk.open(parameters(who.client.id))
    assert sweep(house.database, house.clock.now()) == 0
    house.desk.find(pending.id)
    token = refresh(house, who, token).get_json()["refresh_token"]
    later = house.clock.now() + timedelta(hours=8, seconds=1)
    assert sweep(house.database, later) == 5  # the request; the grant, its code, two refresh tokens
    assert error_of(refresh(house, who, token)) == (400, "invalid_grant")
    assert house.consents.of("P1") != ()
