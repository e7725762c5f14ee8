from collections.abc import Iterator
from pathlib import Path

import pytest

from sso.provider.domain import Registered
from tests.sso.provider.journey import register, settle
from tests.sso.provider.support import House, build
from trust.db import Database


@pytest.fixture
def house(tmp_path: Path, elsewhere: Database | None) -> Iterator[House]:
    built = build(tmp_path, elsewhere)
    yield built
    built.database.close()


@pytest.fixture
def who(house: House) -> Registered:
    """A system that people sign in to; everybody whom it may meet is settled."""
    settle(house)
    return register(house)
