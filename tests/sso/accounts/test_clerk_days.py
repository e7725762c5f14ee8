"""Acts of a clerk in a day, counted in the database so that every server process sees the same number."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from sso.accounts.store.clerk_days import SqlClerkDays
from tests.sso.accounts.world import World
from tests.sso.databases import BOTH_DATABASES
from trust.db import Database

DAY = date(2026, 11, 21)


def test_each_clerk_and_each_day_has_its_own_count(world: World) -> None:
    days = SqlClerkDays(world.database)
    assert [days.count("one", DAY, most=2) for _ in range(3)] == [True, True, False]
    assert days.count("two", DAY, most=2)
    assert days.count("one", date(2026, 11, 22), most=2)


@BOTH_DATABASES
def test_of_many_at_once_as_many_are_admitted_as_may(tmp_path: Path, elsewhere: Database | None) -> None:
    world = World(tmp_path, elsewhere=elsewhere)
    days = SqlClerkDays(world.database)
    with ThreadPoolExecutor(4) as pool:
        admitted = list(pool.map(lambda _: days.count("clerk", DAY, most=5), range(12)))
    assert sum(admitted) == 5
    world.close()
