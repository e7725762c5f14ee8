"""One attacked house per test; copying an installation costs little."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.demo import people
from tests.attacks.house import Attacked, Browser, attacked, give_app, give_password
from tests.integration import installation


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Attacked]:
    with attacked(installation.template(tmp_path_factory), tmp_path) as opened:
        yield opened


@pytest.fixture
def citizen(house: Attacked) -> Browser:
    """The legal representative's browser, signed in by password."""
    give_password(house, house.people.representative.id)
    browser = house.browser()
    browser.sign_in(people.REPRESENTATIVE_NUMBER)
    return browser


@pytest.fixture
def clerk(house: Attacked) -> Browser:
    """The clerk's browser, signed in by password and one-time code."""
    secret = give_app(house, house.people.clerk.person, people.CLERK_NUMBER)
    browser = house.browser()
    browser.sign_in(people.CLERK_NUMBER, app=secret)
    return browser
