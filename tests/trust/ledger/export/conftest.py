import pytest

from tests.trust.ledger.building import Setting
from tests.trust.ledger.searching import Found, finding


@pytest.fixture
def found(grown: Setting) -> Found:
    return finding(grown.database, grown.ledger, grown.store)
