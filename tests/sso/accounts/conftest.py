from collections.abc import Iterator
from pathlib import Path

import pytest

from sso.accounts.ports import SourceName
from tests.sso.accounts.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = World(tmp_path, sources=tuple(SourceName))
    yield built
    built.close()
