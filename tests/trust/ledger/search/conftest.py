from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trust.ledger.building import Setting
from tests.trust.ledger.searching import Found, finding


@pytest.fixture
def found(empty: Setting, tmp_path: Path) -> Iterator[Found]:
    yield finding(empty.database, empty.ledger, empty.store)
