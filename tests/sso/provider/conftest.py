from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.provider.support import House, build
from trust.db import Database


@pytest.fixture
def house(tmp_path: Path, elsewhere: Database | None) -> Iterator[House]:
    built = build(tmp_path, elsewhere)
    yield built
    built.database.close()
