from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.mandates.support import Office, build


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = build(tmp_path)
    yield made
    made.town.database.close()
