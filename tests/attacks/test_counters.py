"""A clerk, or a system at a counter, turns against citizens."""

import pyotp
import pytest

from sso.accounts.domain import Person
from sso.signin.errors import CodeRefused, SignInThrottled
from tests.attacks.house import Attacked, give_app, resident_number
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
    codes = house.installation.provider.presence._codes  # noqa: SLF001  as the wiring gives it to the counters
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
