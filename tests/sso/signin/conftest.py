from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.signin.world import PASSWORD, ZHANG, World, build
from trust.db import Database


@pytest.fixture
def empty(tmp_path: Path, elsewhere: Database | None) -> Iterator[World]:
    """Nobody has a password yet."""
    made = build(tmp_path, elsewhere=elsewhere)
    yield made
    made.database.close()


@pytest.fixture
def world(empty: World) -> World:
    """Zhang has a password."""
    empty.desk.enrol_password(ZHANG.id, PASSWORD)
    return empty
