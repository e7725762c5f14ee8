"""Kill the process at any line: nothing is lost, nothing happens twice (law 5)."""

import threading

import pytest

from certs.domain import IntentState
from certs.reservation import LEASE
from tests.certs.world import CLIENT, PURPOSE, World, licence
from trust.kernel.errors import InternalFault, TrustError, Unavailable
from trust.kernel.identifiers import CertificateIdentifier
from verifier.ports import LibraryState


class Killed(BaseException):
    """The process dies: no handler of ours gets to run."""


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def kill():
    raise Killed


BOUNDARIES = [
    "after reserve",
    "before render",
    "after render",
    "before seal",
    "after seal",
    "before verify",
    "before put",
    "after put",
    "before commit",
]


def rows(world, table):
    with world.database.read() as session:
        return session.connection().exec_driver_sql(f"select * from {table}").mappings().all()  # noqa: S608


def issue_and_die(world, boundary, key="key-00000001"):
    world.hooks.at[boundary] = kill
    with pytest.raises(Killed):
        world.service.issue(CLIENT, licence(key))


def test_every_boundary_of_the_operation_is_tried(world):
    world.service.issue(CLIENT, licence())
    assert world.hooks.passed == ["check", "before reserve", *BOUNDARIES, "after commit"]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_recovery_finishes_a_killed_run_under_its_identifier(world, boundary):
    issue_and_die(world, boundary)
    ((intent),) = rows(world, "certs_intents")
    assert world.service.status(intent["identifier"]) is None
    world.clock.advance(seconds=LEASE.total_seconds())
    report = world.build().recover()
    assert report.finished == (intent["identifier"],)
    (row,) = rows(world, "certs_certificates")
    assert row["identifier"] == intent["identifier"]
    assert row["blob"] == world.files.names[-1]
    file = world.service.file(CLIENT, CertificateIdentifier.parse(row["identifier"]), PURPOSE)
    assert row["file_sm3"] == file.certificate.file_sm3
    assert world.service.issue(CLIENT, licence()).identifier == intent["identifier"]
    assert len(rows(world, "certs_intents")) == 1
    assert world.service.recover().finished == ()


@pytest.mark.parametrize("boundary", ["before reserve", "check"])
def test_a_run_killed_before_the_reservation_left_nothing(world, boundary):
    issue_and_die(world, boundary)
    assert rows(world, "certs_intents") == []
    assert world.service.issue(CLIENT, licence()).state is LibraryState.ISSUED


def test_a_run_killed_after_its_commit_is_complete(world):
    issue_and_die(world, "after commit")
    world.clock.advance(minutes=1)
    assert world.service.recover().finished == ()
    (row,) = rows(world, "certs_certificates")
    assert world.service.issue(CLIENT, licence()).identifier == row["identifier"]


def test_the_caller_may_repeat_instead_of_waiting_for_recovery(world):
    issue_and_die(world, "after seal")
    with pytest.raises(TrustError) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "issue-in-progress"
    assert caught.value.retryable
    world.clock.advance(seconds=30)
    certificate = world.service.issue(CLIENT, licence())
    assert rows(world, "certs_intents")[0]["identifier"] == certificate.identifier


def test_recovery_leaves_a_living_run_alone(world):
    issue_and_die(world, "after seal")
    world.clock.advance(seconds=29.9)
    assert world.service.recover().finished == ()
    assert rows(world, "certs_certificates") == []


def test_the_page_of_a_retry_is_the_page_of_the_first_run(world):
    issue_and_die(world, "after put")
    world.clock.advance(days=1)
    world.service.recover()
    first, second = (world.files.get(name).rsplit(b"\n", 1)[0] for name in world.files.names)
    assert first == second


def test_one_pass_takes_a_bounded_number_and_the_next_goes_on(world, monkeypatch):
    for number in range(3):
        issue_and_die(world, "after seal", key=f"recovery-{number}")
    world.clock.advance(minutes=1)
    monkeypatch.setattr("certs.recovery.BATCH", 2)
    assert [len(world.service.recover().finished) for _ in range(3)] == [2, 1, 0]


def test_a_left_over_blob_does_not_count(world):
    issue_and_die(world, "after put")
    world.clock.advance(minutes=1)
    world.service.recover()
    left, counts = world.files.names
    assert left != counts
    (row,) = rows(world, "certs_certificates")
    assert row["blob"] == counts


def test_what_can_no_longer_be_issued_is_abandoned_and_its_identifier_stays_unused(world):
    issue_and_die(world, "after seal")
    with world.database.write() as session:
        session.connection().exec_driver_sql("update certs_authorities set permitted_types = '[]'")
    world.clock.advance(minutes=1)
    (intent,) = rows(world, "certs_intents")
    assert world.service.recover().abandoned == (intent["identifier"],)
    (intent,) = rows(world, "certs_intents")
    assert (intent["state"], intent["reason"], intent["sealed"]) == ("abandoned", "type-not-permitted", None)
    assert world.service.recover() == world.service.recover()
    assert world.service.status(intent["identifier"]) is None


def test_recovery_waits_for_a_part_that_does_not_answer(world):
    issue_and_die(world, "after seal")
    world.clock.advance(minutes=1)

    def refuse():
        raise Unavailable

    world.hooks.at["before seal"] = refuse
    (intent,) = rows(world, "certs_intents")
    assert world.service.recover().waiting == (intent["identifier"],)
    assert world.service.recover().finished == (intent["identifier"],)


def test_a_tampered_intent_is_abandoned(world):
    issue_and_die(world, "after seal")
    with world.database.write() as session:
        session.connection().exec_driver_sql("update certs_intents set sealed = x'00'")
    world.clock.advance(minutes=1)
    assert len(world.service.recover().abandoned) == 1
    assert rows(world, "certs_intents")[0]["reason"] == "sealed-value-broken"


def test_a_slow_run_that_lost_its_lease_commits_nothing(world):
    def overtake():
        world.clock.advance(minutes=1)
        assert len(world.build().recover().finished) == 1

    world.hooks.at["before commit"] = overtake
    with pytest.raises(TrustError) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "issue-in-progress"
    (row,) = rows(world, "certs_certificates")
    (intent,) = rows(world, "certs_intents")
    assert intent["state"] == IntentState.COMPLETED
    assert row["blob"] == world.files.names[-1]
    assert world.service.issue(CLIENT, licence()).identifier == row["identifier"]


def test_of_many_calls_under_one_key_one_issues(world):
    outcomes = []

    def run():
        try:
            outcomes.append(world.service.issue(CLIENT, licence()).identifier)
        except TrustError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = rows(world, "certs_certificates")
    assert set(outcomes) <= {row["identifier"], "issue-in-progress"}
    assert row["identifier"] in outcomes
    assert len(world.sealer.uses) == 1


def test_two_recoveries_at_once_finish_each_intent_once(world):
    for number in range(6):
        world.hooks.at["after seal"] = kill
        with pytest.raises(Killed):
            world.service.issue(CLIENT, licence(f"key-0000000{number}"))
    world.clock.advance(minutes=1)
    finished = []
    threads = [threading.Thread(target=lambda: finished.extend(world.build().recover().finished)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(finished) == sorted(row["identifier"] for row in rows(world, "certs_certificates"))
    assert len(set(finished)) == 6


def test_a_call_overtaken_just_before_its_reservation_answers_with_the_first(world):
    results = []
    world.hooks.at["before reserve"] = lambda: results.append(world.build().issue(CLIENT, licence()))
    results.append(world.service.issue(CLIENT, licence()))
    first, second = results
    assert first == second
    assert len(rows(world, "certs_intents")) == 1


def test_a_call_overtaken_by_another_body_is_a_conflict(world):
    world.hooks.at["before reserve"] = lambda: world.build().issue(CLIENT, licence(number="JY13501020000002"))
    with pytest.raises(TrustError) as caught:
        world.service.issue(CLIENT, licence())
    assert caught.value.code == "idempotency-conflict"


class Repeating:
    """Randomness that gives the same bytes for the first `times` calls."""

    def __init__(self, inner, times):
        self._inner = inner
        self._left = times

    def token(self, size):
        self._left -= 1
        return bytes(size) if self._left >= 0 else self._inner.token(size)


def test_a_serial_that_is_taken_is_drawn_again(world):
    counting = world.randomness
    world.randomness = Repeating(counting, 2)
    first = world.build().issue(CLIENT, licence())
    world.randomness = Repeating(counting, 4)
    second = world.build().issue(CLIENT, licence("key-00000002"))
    assert first.identifier != second.identifier
    assert len(rows(world, "certs_intents")) == 2


def test_randomness_that_only_repeats_is_a_fault_of_ours(world):
    world.randomness = Repeating(world.randomness, 100)
    world.build().issue(CLIENT, licence())
    with pytest.raises(InternalFault) as caught:
        world.build().issue(CLIENT, licence("key-00000002"))
    assert caught.value.code == "issue-failed"
