"""What tests of several packages share: one private PostgreSQL for each worker, begun when a test first asks for it."""

from collections.abc import Iterator

import pytest
import structlog

from tests.interop.postgresql import private_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a PostgreSQL's own database; skips where the server's programs are missing."""
    with private_cluster() as address:
        yield address


@pytest.fixture(autouse=True)
def _logging_as_it_is_without_a_command() -> Iterator[None]:
    """Commands choose how much is logged, for the whole process."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
