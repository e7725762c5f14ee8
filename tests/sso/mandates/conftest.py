from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sso.mandates.support import Office, build
from trust.db import Database


@pytest.fixture
def office(tmp_path: Path, elsewhere: Database | None) -> Iterator[Office]:
    made = build(tmp_path, elsewhere)
    yield made
    made.town.database.close()
