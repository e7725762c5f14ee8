from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.signin.world import PASSWORD, ZHANG, World, build


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[World]:
    """Nobody has a password yet."""
    made = build(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def world(empty: World) -> World:
    """Zhang has a password."""
    empty.desk.enrol_password(ZHANG.id, PASSWORD)
    return empty
