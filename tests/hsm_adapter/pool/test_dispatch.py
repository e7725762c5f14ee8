"""Turns and limits where slices are handed out, without threads."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_adapter.api import Holding
from hsm_adapter.errors import DeviceFailed
from hsm_adapter.pool.dispatch import Dispatcher, PoolLimits
from hsm_adapter.pool.jobs import Job
from hsm_adapter.pool.member import Member
from tests.fakes import FixedClock
from tests.hsm_adapter.pool.devices import HANDLE, MemoryDevice, Monotonic
from trust.kernel.algorithms import Algorithm

HOLDING = Holding(handle=HANDLE, algorithm=Algorithm.SM2_SM3, public_key=b"")


def dispatcher(*members: Member, lane_messages: int = 20_000) -> Dispatcher:
    for member in members:
        member.proven = True
    limits = PoolLimits(lane_messages=lane_messages, pool_messages=1_000_000)
    return Dispatcher(members, clock=FixedClock(), monotonic=Monotonic(), limits=limits)


def job(lane: str, count: int, *names: str) -> Job:
    messages: Sequence[bytes] = [b"x"] * count
    return Job(dict.fromkeys(names or ("a",), HOLDING), messages, lane=lane, verify=lambda _index, _value: None)


@settings(max_examples=20, deadline=None)
@given(flood=st.integers(1, 10_000), others=st.integers(1, 5), size=st.integers(1, 40))
def test_a_flood_of_one_authority_starves_no_other(flood: int, others: int, size: int) -> None:
    member = Member(MemoryDevice("a", sessions=1))
    pool = dispatcher(member)
    for _ in range(flood):
        pool.submit(job("flood", 1))
    late = [job(f"late {number}", size) for number in range(others)]
    for each in late:
        pool.submit(each)
    served = 0
    while not all(each.done for each in late):
        assigned = pool.next("a")
        assert assigned is not None
        pool.answered(assigned)
        pool.completed(assigned, [b""] * assigned.count)
        served += 1
    own = sum(len(each.slices) for each in late)
    assert served <= own + max(len(each.slices) for each in late) + 1, "the flood had one turn for each of theirs"


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_every_batch_ends_whatever_fails_and_only_with_what_sound_devices_signed(data: st.DataObject) -> None:
    names = ["a", "b", "c"]
    members = [Member(MemoryDevice(name, sessions=2)) for name in names]
    pool = dispatcher(*members)
    jobs = [job(lane, data.draw(st.integers(1, 30)), *names) for lane in data.draw(st.lists(st.sampled_from("xyz")))]
    for each in jobs:
        pool.submit(each)
    for _ in range(10_000):
        took = [assigned for name in names if (assigned := pool.next(name)) is not None]
        if not took:
            break
        for assigned in took:
            if data.draw(st.integers(0, 9)) == 0:
                pool.failed(assigned, DeviceFailed())
            else:
                pool.answered(assigned)
                pool.completed(assigned, [assigned.member.encode()] * assigned.count)
    assert all(each.done for each in jobs)
    for each in jobs:
        if each.error is None:
            signed = each.result()
            assert len(signed) == len(each.messages)
            assert not {name.decode() for name in signed} & each.excluded
    assert all(member.busy == 0 for member in members)
    assert not pool._waiting
