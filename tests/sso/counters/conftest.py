from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.counters.support import Town, build
from trust.db import Database


@pytest.fixture
def town(tmp_path: Path, elsewhere: Database | None) -> Iterator[Town]:
    made = build(tmp_path, elsewhere)
    yield made
    made.database.close()
