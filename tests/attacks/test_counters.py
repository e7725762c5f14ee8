"""A clerk, or a system at a counter, turns against citizens."""

import pyotp
import pytest

from portal.demo import people
from sso.accounts.domain import Person
from sso.signin.errors import CodeRefused, SignInThrottled
from tests.attacks.house import ACCESS_TOKEN, PRESENCE, Attacked, Browser, give_app, resident_number
from trust.formats.holders import HolderNumber


def citizens(house: Attacked, count: int) -> list[tuple[Person, str]]:
    """Return people of nowhere, each with an authenticator app."""
    found = []
    for serial in range(count):
        number = resident_number(serial)
        person = house.installation.people.register.register(HolderNumber(kind="111", number=number), f"路人{serial}")
        found.append((person, give_app(house, person.id, number)))
    return found


def test_wrong_codes_typed_at_counters_hold_up_nobody_else(house: Attacked) -> None:
    """One clerk with many citizens' numbers, or just a busy day in a province."""
    codes = house.installation.provider.presence._codes
    *victims, (bystander, app) = citizens(house, 9)
    for person, _ in victims:
        for _ in range(5):
            with pytest.raises(CodeRefused):
                codes.check(person.id, "000000")
        with pytest.raises(CodeRefused):
            codes.check(person.id, "000000")
        with pytest.raises(SignInThrottled):  # the account itself is guarded as ever
            codes.check(person.id, "000000")
    codes.check(bystander.id, pyotp.TOTP(app).at(house.clock.now()))


def test_a_flood_of_failed_presentations_hides_nothing_from_the_citizen(house: Attacked, clerk: Browser) -> None:
    """The record shows the newest rows: a system must not push what it did before out of sight."""
    actor = clerk.tokens(house.first, scope="openid counter:assist", matter=None)["access_token"]
    case, person = house.case(actor), house.people.representative
    document = {
        "holder": {"kind": "111", "number": people.REPRESENTATIVE_NUMBER},
        "name": people.REPRESENTATIVE_NAME,
        "document_kind": "111",
        "document_expires": None,
        "read_by": "eye",
        "portrait_matches": True,
    }
    checked = {"counter": house.people.counters[0].id, **document}
    code = house.api("POST", "/api/v1/presence/card", actor, checked).get_json()["presence"]
    form = {
        "subject_token_type": PRESENCE,
        "actor_token": actor,
        "actor_token_type": ACCESS_TOKEN,
        "case": case,
    }
    assert house.exchange(house.first, code, house.first.client.id, **form).status_code == 200
    for _ in range(30):
        again = house.exchange(house.first, code, house.first.client.id, **form)
        assert again.get_json()["error"] == "invalid_request"
    rows = house.installation.provider.log.of(person.id)
    assert [row.kind for row in rows].count("presence-failed") == 5
    assert {"hop", "presence"} <= {row.kind for row in rows}
