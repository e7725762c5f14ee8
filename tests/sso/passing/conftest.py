from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.passing.support import World
from trust.db import Database


@pytest.fixture
def world(tmp_path: Path, elsewhere: Database | None) -> Iterator[World]:
    made = World(tmp_path, elsewhere)
    yield made
    made.close()
