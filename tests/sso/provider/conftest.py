from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.provider.support import House, build


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = build(tmp_path)
    yield built
    built.database.close()
