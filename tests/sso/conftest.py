from collections.abc import Iterator

import pytest

from tests.sso.databases import POSTGRESQL, emptied, tables_of_sso
from trust.db import Database


@pytest.fixture(scope="session")
def sso_on_postgresql(cluster: str) -> Iterator[str]:
    with tables_of_sso(cluster) as address:
        yield address


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest) -> Database | None:
    """The database that the test's world is to use; None lets it make its own. See tests/sso/databases.py."""
    if getattr(request, "param", None) != POSTGRESQL:
        return None
    return emptied(request.getfixturevalue("sso_on_postgresql"))
