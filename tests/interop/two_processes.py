"""What two server processes over one database do at once: sign in, pass trust on, and end what others rest on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, Final, NamedTuple

import pyotp
import pytest

from portal.demo import people
from sso.mandates.domain import GrantCommand, MandateKind
from sso.provider.domain import Registered
from sso.signin.devices import Device
from sso.signin.domain import Strength
from tests.attacks.house import FOOD, PASSWORD, Attacked, parameters, redeem
from trust.kernel.errors import NotAuthenticated

EXCHANGES: Final = 3  # of each round, some before what ends them, some after
DEVICE: Final = Device(address="203.0.113.9", label="test")


class Pair(NamedTuple):
    """Two systems at the counters: the first passes trust to the second, which reads certificates."""

    first: Registered
    second: Registered


def is_active(house: Attacked, who: Registered, token: str) -> bool:
    return bool(house.introspect(who, token)["active"])


def assert_dead(houses: tuple[Attacked, ...], tokens: list[str]) -> None:
    for house in houses:
        for token in tokens:
            with pytest.raises(NotAuthenticated):
                house.installation.provider.reader.read(token)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    start = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        start.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def exchanged(house: Attacked, pair: Pair, token: str, **more: str) -> list[str]:
    """Pass trust on a few times and return the tokens; a refusal names what has ended, nothing else."""
    answers = [house.exchange(pair.first, token, pair.second.client.id, **more) for _ in range(EXCHANGES)]
    for answer in answers:
        assert answer.status_code == 200 or answer.get_json()["error"] in {"invalid_grant", "invalid_request"}
    return [answer.get_json()["access_token"] for answer in answers if answer.status_code == 200]


def session(house: Attacked, number: str, app: pyotp.TOTP | None = None) -> Any:
    desk = house.installation.people.sign_ins
    done = desk.with_password(people.resident(number), PASSWORD, DEVICE)
    if app is not None:
        house.clock.advance(seconds=30)
        done = desk.with_code(done.attempt, app.at(house.clock.now()), DEVICE)
    return done.session


def token_of(house: Attacked, who: Registered, who_is: Any, *, represents: str | None = None, **changes: Any) -> str:
    """Return the access token of a session that needs no page."""
    desk = house.installation.provider.desk
    pending = desk.open({name: [value] for name, value in parameters(who, **changes).items()})
    desk.need(pending, who_is)
    address = desk.approve(pending, who_is, represents=represents)
    answer = redeem(house, who, address.split("code=")[1].partition("&")[0])
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.get_json()["access_token"])


def mandate_of(house: Attacked) -> str:
    desk, everyone = house.installation.registers.mandates, house.people
    command = GrantCommand(
        kind=MandateKind.STANDING_AGENT,
        principal=everyone.enterprise.id,
        agent=everyone.agent.id,
        matters=frozenset({FOOD}),
        valid_until=house.clock.now() + timedelta(days=30),
    )
    offer = desk.grant(command, by=everyone.representative.id, strength=Strength.ONE_TIME_CODE)
    return desk.accept(offer.id, by=everyone.agent.id).id


def decide(house: Attacked, act: str) -> None:
    desk = house.installation.registers.appointments
    change = getattr(desk, act)(house.people.clerk.id, requested_by=people.ASKS, reason="测试")
    desk.approve(change.id, approved_by=people.APPROVES)
