from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.counters.support import Town, build


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = build(tmp_path)
    yield made
    made.database.close()
