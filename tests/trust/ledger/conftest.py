from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trust.ledger.building import Setting, setting, uses


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Setting]:
    made = setting(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def grown(empty: Setting) -> Setting:
    """Thirteen entries, a checkpoint (its own entry is leaf 13), six more, and a checkpoint (leaf 20)."""
    empty.ledger.record(uses(13))
    empty.checkpointer.checkpoint()
    empty.ledger.record(uses(6, start=13))
    empty.checkpointer.checkpoint()
    return empty
