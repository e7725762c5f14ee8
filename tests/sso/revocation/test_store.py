from collections.abc import Iterator
from datetime import timedelta

import pytest

from sso.revocation.domain import Tie, TieKind
from sso.revocation.store import KEPT, CutTieRow, DatabaseRevocations
from tests.fakes import MOMENT
from tests.sso.databases import BOTH_DATABASES
from trust.config import Settings
from trust.db import Database

SESSION, GRANT = Tie(TieKind.SESSION, "S1"), Tie(TieKind.GRANT, "G1")


@pytest.fixture
def revocations(tmp_path, elsewhere) -> Iterator[DatabaseRevocations]:
    database = elsewhere or Database(f"sqlite:///{tmp_path / 'ties.sqlite3'}")
    CutTieRow.metadata.create_all(database.engine, tables=[CutTieRow.__table__])
    yield DatabaseRevocations(database)
    database.close()


@BOTH_DATABASES
def test_a_cut_tie_is_found_among_others_and_an_uncut_one_is_not(revocations):
    revocations.cut([SESSION], reason="signed-out", at=MOMENT)
    assert revocations.first_cut([GRANT, SESSION]) == SESSION
    assert revocations.first_cut([GRANT]) is None
    assert revocations.first_cut([]) is None


@BOTH_DATABASES
def test_cutting_again_changes_nothing(revocations):
    revocations.cut([SESSION], reason="signed-out", at=MOMENT)
    revocations.cut([SESSION, GRANT], reason="again", at=MOMENT + timedelta(hours=1))
    assert revocations.first_cut([GRANT]) == GRANT
    assert revocations.prune(MOMENT + KEPT + timedelta(minutes=1)) == 1  # the first moment of the session stands


@BOTH_DATABASES
def test_a_cut_is_forgotten_only_when_nothing_living_can_carry_it(revocations):
    revocations.cut([SESSION], reason="signed-out", at=MOMENT)
    assert revocations.prune(MOMENT + KEPT) == 0
    assert revocations.first_cut([SESSION]) == SESSION
    assert revocations.prune(MOMENT + KEPT + timedelta(seconds=1)) == 1
    assert revocations.first_cut([SESSION]) is None


def test_cuts_are_kept_longer_than_the_settings_let_anything_live():
    def longest(name: str) -> int:
        return next(rule.le for rule in Settings.model_fields[name].metadata if hasattr(rule, "le"))

    refresh = timedelta(seconds=longest("refresh_token_seconds"))
    session = timedelta(hours=longest("session_hours"))
    assert refresh + session < KEPT


@pytest.mark.parametrize("kind", list(TieKind))
def test_a_tie_is_read_back_as_it_was_written(kind):
    tie = Tie(kind, "01ABC/7")
    assert Tie.parse(str(tie)) == tie
