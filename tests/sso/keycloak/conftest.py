from collections.abc import Iterator
from pathlib import Path

import pytest

from sso.keycloak.upstream_provider import UpstreamProvider
from tests.fakes import FixedClock
from tests.sso.keycloak.house import House, MemoryUpstream, build, source
from trust.db import Database


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def house(tmp_path: Path, clock: FixedClock, elsewhere: Database | None) -> Iterator[House]:
    """One upstream named province whose values of acr we know in part."""
    settings = source(tmp_path, acr={"1": 1, "2": 2, "3": 3}, amr={"face": 2})
    made = build(tmp_path, [UpstreamProvider(settings, MemoryUpstream(), clock)], clock=clock, elsewhere=elsewhere)
    yield made
    made.database.close()
