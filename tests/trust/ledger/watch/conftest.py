import pytest

from tests.trust.ledger.building import Setting
from tests.trust.ledger.searching import Found, finding


@pytest.fixture
def found(empty: Setting) -> Found:
    return finding(empty.database, empty.ledger, empty.store)
