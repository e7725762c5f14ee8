"""Limits from both sides: the count over threads, processes and a kill; hours and validity at their edges."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsm_adapter.errors import DeviceFailed
from hsm_adapter.policy.domain import (
    MAX_CALLERS,
    MAX_HOURS,
    MAX_OVERLAP_DAYS,
    MAX_SIGNATURES,
    KeyPolicy,
    WorkingHours,
)
from hsm_adapter.policy.errors import (
    KeyCountExhausted,
    KeyOutsideHours,
    KeyPolicyBroken,
    KeyPolicyInvalid,
    KeyValidityOver,
)
from tests.hsm_adapter.policy.building import Process, dying
from tests.hsm_adapter.policy.test_tampering import run
from trust.keys import KeyInfo, KeyPurpose, UseOutcome

ROOT = Path(__file__).resolve().parents[3]


def at(moment: str) -> datetime:
    return datetime.fromisoformat(f"{moment}+08:00")


def signed(process: Process, key: KeyInfo) -> int:
    """How many signatures of the key the ledger has."""
    uses = (process.ledger.entry(index).use for index in range(process.ledger.size()))
    return sum(use.key == key.ref and use.outcome is UseOutcome.SIGNED for use in uses)


def tries(process: Process, key: KeyInfo, count: int) -> int:
    """Sign until it is refused, at most so often; return how often it worked."""
    for done in range(count):
        try:
            process.sign(key)
        except KeyCountExhausted:
            return done
    return count


def test_a_count_limit_includes_what_the_key_signed_before(process: Process) -> None:
    key = process.new_key()
    process.sign(key, count=3)
    life = process.limit(key, max_signatures=5)
    assert life.used_before == 3
    with pytest.raises(KeyCountExhausted):
        process.sign(key, count=3)  # all or nothing
    process.sign(key, count=2)
    with pytest.raises(KeyCountExhausted):
        process.sign(key)
    process.limit(key, max_signatures=6)
    assert tries(process, key, 3) == 1
    assert signed(process, key) == 6


OTHER = """
import json, sys
from datetime import datetime
from pathlib import Path
from hsm_adapter.policy.errors import KeyCountExhausted
from tests.fakes import FixedClock
from tests.hsm_adapter.building import TokenFolder
from tests.hsm_adapter.policy.building import begin
from trust.db import Database
address, base, key, moment = json.loads(sys.argv[1])
folder = TokenFolder(Path(base) / "token", Path(base) / "token.passphrase", FixedClock(datetime.fromisoformat(moment)))
process = begin(folder, Path(base), Database(address))
print("ready", flush=True)
sys.stdin.readline()
done = 0
try:
    while True:
        process.sign(key)
        done += 1
except KeyCountExhausted:
    print(done, flush=True)
"""


def test_a_count_limit_is_exact_under_eight_threads_and_another_process(
    process: Process, address: str, tmp_path: Path
) -> None:
    key = process.new_key()
    process.limit(key, max_signatures=200)
    given_over = json.dumps([address, str(tmp_path), key.ref, process.clock.now().isoformat()])
    command = [sys.executable, "-c", OTHER, given_over]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        while other.stdout.readline().strip() != "ready":
            assert other.poll() is None
        other.stdin.write("go\n")
        other.stdin.flush()
        with ThreadPoolExecutor(8) as pool:
            ours = sum(pool.map(lambda _: tries(process, key, 200), range(8)))
        theirs = int(other.stdout.read())
    assert ours + theirs == signed(process, key) == 200


def test_a_signature_that_the_device_failed_on_is_spent(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    key = process.new_key()
    process.limit(key, max_signatures=2)
    with monkeypatch.context() as patch:
        patch.setattr(process.token, "sign_batch", dying)
        with pytest.raises(DeviceFailed):
            process.sign(key)
    assert tries(process, key, 5) == 1
    assert process.watch.check() == 0


def test_a_counter_that_was_put_back_is_raised_from_the_ledger(process: Process) -> None:
    key = process.new_key()
    process.limit(key, max_signatures=4)
    process.sign(key, count=4)
    run(process, "UPDATE key_count SET taken = 0 WHERE key = :key", key=key.ref)
    assert process.watch.check() == 1
    with pytest.raises(KeyCountExhausted):
        process.sign(key)
    assert process.watch.check() == 0


def test_a_counter_that_was_deleted_stops_the_key_until_the_ledger_was_read(process: Process) -> None:
    key = process.new_key()
    process.limit(key, max_signatures=4)
    process.sign(key, count=3)
    run(process, "DELETE FROM key_count WHERE key = :key", key=key.ref)
    with pytest.raises(KeyPolicyBroken):
        process.sign(key)
    assert process.watch.check() == 1
    assert tries(process, key, 4) == 1


KILLED = """
import json, os, signal, sys
from datetime import datetime
from pathlib import Path
from tests.fakes import FixedClock
from tests.hsm_adapter.building import TokenFolder
from tests.hsm_adapter.policy.building import begin
from trust.db import Database
address, base, key, moment, deadly = json.loads(sys.argv[1])
folder = TokenFolder(Path(base) / "token", Path(base) / "token.passphrase", FixedClock(datetime.fromisoformat(moment)))
process = begin(folder, Path(base), Database(address))
real, calls = process.token.sign_batch, 0
def sign_batch(*arguments, **options):
    global calls
    calls += 1
    if calls == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)
process.token.sign_batch = sign_batch
for _ in range(deadly):
    process.sign(key)
    print("signed", flush=True)
"""


def test_a_process_killed_between_counting_and_signing_leaves_one_spent(
    process: Process, address: str, tmp_path: Path
) -> None:
    key = process.new_key()
    process.limit(key, max_signatures=6)
    given_over = json.dumps([address, str(tmp_path), key.ref, process.clock.now().isoformat(), 3])
    done = subprocess.run([sys.executable, "-c", KILLED, given_over], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert done.stdout == b"signed\n" * 2
    assert process.store.taken(key.ref) == 3
    assert tries(process, key, 9) == 3
    assert signed(process, key) == 5


def test_hours_hold_at_both_edges_in_the_calendar_of_china(process: Process) -> None:
    key = process.new_key()
    process.limit(key, hours=(WorkingHours.parse("1-5 08:30-17:30"),))
    for moment, open_ in [
        ("2026-11-20T08:29:59.999999", False),
        ("2026-11-20T08:30", True),
        ("2026-11-20T17:29:59.999999", True),
        ("2026-11-20T17:30", False),
        ("2026-11-21T12:00", False),  # a Saturday
        ("2026-11-23T08:30", True),
    ]:
        process.clock.moment = at(moment)
        if open_:
            process.sign(key)
        else:
            with pytest.raises(KeyOutsideHours):
                process.sign(key)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-11-20T21:59:59", False),
        ("2026-11-20T22:00", True),
        ("2026-11-20T23:59:59.999999", True),
        ("2026-11-21T00:00", True),
        ("2026-11-21T05:59:59", True),  # Saturday morning belongs to Friday
        ("2026-11-21T06:00", False),
        ("2026-11-21T22:00", False),  # Saturday night does not
        ("2026-11-23T05:59", False),  # nor does Monday's morning, which is Sunday's
        ("2026-11-23T22:00", True),
    ],
)
def test_hours_across_midnight_belong_to_the_day_they_began_on(moment: str, inside: bool) -> None:
    assert WorkingHours.parse("1-5 22:00-06:00").include(at(moment)) is inside


def test_validity_includes_its_beginning_and_not_its_end(process: Process) -> None:
    key = process.new_key()
    process.limit(key, not_before=at("2026-12-01T00:00"), not_after=at("2026-12-31T00:00"))
    clock, moment = process.clock, timedelta(microseconds=1)
    for inside in (at("2026-12-01T00:00"), at("2026-12-31T00:00") - moment):
        clock.moment = inside
        process.sign(key)
    for outside in (at("2026-12-01T00:00") - moment, at("2026-12-31T00:00")):
        clock.moment = outside
        with pytest.raises(KeyValidityOver):
            process.sign(key)


@given(
    days=st.frozensets(st.integers(1, 7), min_size=1),
    opens=st.integers(0, 24 * 60 - 1),
    closes=st.integers(1, 24 * 60),
)
def test_hours_are_read_back_as_they_are_written(days: frozenset[int], opens: int, closes: int) -> None:
    if opens != closes:
        hours = WorkingHours(days=days, opens=opens, closes=closes)
        assert WorkingHours.parse(hours.text) == hours


@pytest.mark.parametrize(
    "text", ["", "0 08:00-09:00", "8 08:00-09:00", "5-1 08:00-09:00", "1 08:00-08:00", "1 24:00-08:00", "1 08:00-24:01"]
)
def test_hours_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(KeyPolicyInvalid):
        WorkingHours.parse(text)


POLICY = {"purpose": "sealing"}
HOURS = ["1 08:00-09:00"]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"max_signatures": 1}, {"max_signatures": 0}),
        ({"max_signatures": MAX_SIGNATURES}, {"max_signatures": MAX_SIGNATURES + 1}),
        ({"max_signatures": None}, {"max_signatures": True}),
        ({"overlap_days": 0}, {"overlap_days": -1}),
        ({"overlap_days": MAX_OVERLAP_DAYS}, {"overlap_days": MAX_OVERLAP_DAYS + 1}),
        ({"callers": ["client:a"]}, {"callers": []}),
        ({"callers": ["client:a"]}, {"callers": ["food office"]}),
        ({"callers": [f"client:{n}" for n in range(MAX_CALLERS)]}, {"callers": [f"client:{n}" for n in range(101)]}),
        ({"hours": HOURS * MAX_HOURS}, {"hours": HOURS * (MAX_HOURS + 1)}),
        ({"not_after": "2027-01-01T00:00:00+08:00"}, {"not_after": "2027-01-01T00:00:00"}),
        ({"note": None}, {"remark": "x"}),
        ({}, {"purpose": "whatever"}),
    ],
)
def test_a_member_of_a_policy_is_refused_beyond_its_limit_and_taken_at_it(good: dict, bad: dict) -> None:
    KeyPolicy.parse(POLICY | good)
    with pytest.raises(KeyPolicyInvalid):
        KeyPolicy.parse(POLICY | bad)


def test_a_policy_is_read_back_as_it_is_written() -> None:
    policy = KeyPolicy(
        purpose=KeyPurpose.SEALING,
        owner="某市大数据局",
        callers=frozenset({"client:b", "client:a"}),
        not_before=at("2026-12-01T00:00"),
        not_after=at("2027-12-01T00:00"),
        max_signatures=10,
        hours=(WorkingHours.parse("1-5 08:30-17:30"), WorkingHours.parse("6 09:00-12:00")),
        overlap_days=7,
        note="年检",
    )
    assert KeyPolicy.parse(policy.members) == policy
    assert policy.members["callers"] == ["client:a", "client:b"]
