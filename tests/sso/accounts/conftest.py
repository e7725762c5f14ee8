from collections.abc import Iterator
from pathlib import Path

import pytest

from sso.accounts.ports import SourceName
from tests.sso.accounts.world import World
from trust.db import Database


@pytest.fixture
def world(tmp_path: Path, elsewhere: Database | None) -> Iterator[World]:
    built = World(tmp_path, sources=tuple(SourceName), elsewhere=elsewhere)
    yield built
    built.close()
