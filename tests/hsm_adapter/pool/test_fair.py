"""Turns: no flood of one lane keeps another waiting for longer than one slice of each other lane."""

from collections import deque

from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_adapter.pool.fair import FairQueue, Group, Schedule

LANES = st.sampled_from("abcdef")
GROUPS = st.sampled_from([Group({"x"}), Group({"y"}), Group({"x", "y"}), Group({"x", "y", "z"})])


def test_a_flood_of_ten_thousand_does_not_delay_another_lane_by_more_than_one() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(10_000):
        queue.put("flood", f"flood {number}")
    queue.put("other", "other 0")
    queue.put("other", "other 1")
    assert [queue.take() for _ in range(4)] == ["flood 0", "other 0", "flood 1", "other 1"]


@given(puts=st.lists(LANES, max_size=300), floods=st.dictionaries(LANES, st.integers(1, 200), max_size=3))
def test_between_two_turns_of_a_waiting_lane_each_other_lane_has_at_most_one(
    puts: list[str], floods: dict[str, int]
) -> None:
    queue: FairQueue[str] = FairQueue()
    for lane in [*puts, *(lane for lane, count in floods.items() for _ in range(count))]:
        queue.put(lane, lane)
    served = []
    while queue:
        served.append(queue.take())
    since: dict[str, list[str]] = {}
    left = {lane: served.count(lane) for lane in set(served)}
    for lane in served:
        for other, seen in since.items():
            if other != lane and left[other]:
                seen.append(lane)
                assert len(seen) == len(set(seen)), "a lane had two turns while another waited"
        left[lane] -= 1
        since[lane] = []


@given(puts=st.lists(st.tuples(LANES, st.booleans()), max_size=100))
def test_within_a_lane_order_is_that_of_arrival_and_first_goes_before(puts: list[tuple[str, bool]]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    expected: dict[str, deque[tuple[str, int]]] = {}
    for number, (lane, first) in enumerate(puts):
        queue.put(lane, (lane, number), first=first)
        waiting = expected.setdefault(lane, deque())
        (waiting.appendleft if first else waiting.append)((lane, number))
    while queue:
        item = queue.take()
        assert item == expected[item[0]].popleft()
    assert not any(expected.values())


@given(data=st.data())
@settings(max_examples=50)
def test_a_device_serves_only_its_groups_and_nothing_starves(data: st.DataObject) -> None:
    schedule: Schedule[tuple[Group, str, int]] = Schedule()
    for number, (group, lane) in enumerate(data.draw(st.lists(st.tuples(GROUPS, LANES), max_size=60))):
        schedule.put(group, lane, (group, lane, number))
    passed_over: dict[Group, int] = dict.fromkeys(schedule.groups(), 0)
    for device in data.draw(st.lists(st.sampled_from("xyz"), max_size=100)):
        before = schedule.groups()
        item = schedule.take(device)
        if item is None:
            assert all(device not in group for group in before)
            continue
        assert device in item[0]
        for group in before:
            if device in group:
                passed_over[group] = 0 if group == item[0] else passed_over[group] + 1
                assert passed_over[group] < len(passed_over), "a set of devices was passed over for more than a round"


def test_what_is_dropped_is_gone_and_the_rest_keeps_its_turn() -> None:
    schedule: Schedule[str] = Schedule()
    for lane in "abc":
        schedule.put(Group({"x"}), lane, lane)
    schedule.drop(lambda item: item == "a")
    assert list(schedule.waiting("x")) == ["b", "c"]
    assert (schedule.take("x"), schedule.take("y"), schedule.take("x"), schedule.take("x")) == ("b", None, "c", None)
    assert schedule.groups() == []
