"""What the pool promises: turns, fail-over, breakers, and who waits for an operator."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hsm_adapter.errors import (
    DeviceAccessRefused,
    DeviceFailed,
    DeviceUnresponsive,
    KeyUnknown,
    SelfVerificationFailed,
)
from hsm_adapter.pool.breaker import FAILURES_TO_OPEN, MAX_OPEN_SECONDS, OPEN_SECONDS, BreakerState
from hsm_adapter.pool.dispatch import PoolLimits
from hsm_adapter.pool.errors import DevicesOutOfService, DevicesUnavailable, DeviceUnknown, SigningBusy
from hsm_adapter.pool.jobs import MAX_SLICE_MESSAGES
from hsm_adapter.pool.outages import OutageKind, Outages
from hsm_adapter.pool.pool import CHECK_SECONDS, LOOK_SECONDS
from tests.fakes import CountingRandomness
from tests.hsm_adapter.pool.devices import MemoryDevice, Pooled, pooled
from trust.kernel.errors import TrustError, Unavailable
from trust.signatures import verify

Make = Callable[..., Pooled]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Pooled] = []

    def build(*names: str, sessions: int = 2, limits: PoolLimits | None = None) -> Pooled:
        made.append(pooled(tmp_path, *names, sessions=sessions, limits=limits))
        return made[-1]

    yield build
    for each in made:
        for device in each.devices.values():
            if device.gate is not None:
                device.gate.set()
        each.pool.close()


def messages(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def right(pooled: Pooled, count: int) -> None:
    values = pooled.sign(messages(count))
    assert len(values) == count
    for message, value in zip(messages(count), values, strict=True):
        verify(pooled.key.algorithm, pooled.key.public_key, message, value)


def use_up(pooled: Pooled, name: str, times: int = FAILURES_TO_OPEN) -> None:
    pooled.devices[name].fault = DeviceFailed()
    for _ in range(times):
        with pytest.raises(DeviceFailed):
            pooled.sign([b"x"])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 100])
def test_a_batch_is_signed_in_order_over_all_devices(make: Make, count: int) -> None:
    right(make("a", "b"), count)


def test_nothing_to_sign_asks_nobody(make: Make) -> None:
    made = make("a")
    assert made.sign([]) == []
    assert made.devices["a"].calls == []


def test_a_batch_is_cut_over_the_sessions_and_into_short_slices(make: Make) -> None:
    made = make("a", sessions=4)
    made.sign(messages(8))
    assert made.devices["a"].calls == [2, 2, 2, 2]
    made.devices["a"].calls.clear()
    made.sign(messages(100))
    assert max(made.devices["a"].calls) == MAX_SLICE_MESSAGES


def test_a_device_is_never_asked_with_more_than_its_sessions(make: Make) -> None:
    made = make("a", sessions=3)
    with ThreadPoolExecutor(16) as callers:
        list(callers.map(lambda number: made.sign([str(number).encode()] * 5, lane=str(number)), range(64)))
    assert made.devices["a"].busiest <= 3
    assert sum(made.devices["a"].calls) == 320


def test_a_failed_device_is_replaced_and_nothing_of_it_released(make: Make) -> None:
    made = make("a", "b", sessions=1)
    made.devices["a"].fail_after = 2
    values = made.sign(messages(100))
    for message, value in zip(messages(100), values, strict=True):
        verify(made.key.algorithm, made.key.public_key, message, value)
    assert sum(made.devices["b"].calls) == 100, "the other device signed the whole, also what the first had signed"


@pytest.mark.parametrize("fault", [DeviceFailed(), RuntimeError("CKR_DEVICE_REMOVED"), KeyUnknown()])
def test_any_failure_of_one_device_falls_over_to_another(make: Make, fault: Exception) -> None:
    made = make("a", "b", sessions=1)
    made.devices["a"].fault = fault
    for _ in range(2 * FAILURES_TO_OPEN):
        right(made, 3)


def test_the_error_of_the_last_device_is_the_batchs(make: Make) -> None:
    made = make("a")
    made.devices["a"].fault = DeviceUnresponsive()
    with pytest.raises(DeviceUnresponsive):
        made.sign([b"x"])


def test_a_driver_that_raises_anything_is_a_failed_device(make: Make) -> None:
    made = make("a")
    made.devices["a"].fault = RuntimeError("secret of the driver")
    with pytest.raises(DeviceFailed) as caught:
        made.sign([b"x"])
    assert caught.value.code == "key-device-failed"
    assert "secret" not in f"{caught.value!r} {caught.value.facts}"


def test_a_wrong_signature_is_replaced_and_its_device_distrusted(make: Make) -> None:
    made = make("a", "b", sessions=1)
    made.devices["a"].answer = lambda _asked, values: [values[0][:-1] + bytes([values[0][-1] ^ 1]), *values[1:]]
    while made.state("a") == "ok":  # until the first slice went to it
        right(made, 4)
    assert made.state("a") == "distrusted"
    before = len(made.devices["a"].calls)
    right(made, 20)
    assert len(made.devices["a"].calls) == before, "a distrusted device is not asked"


def test_a_wrong_number_of_signatures_is_a_wrong_answer(make: Make) -> None:
    made = make("a")
    made.devices["a"].answer = lambda _asked, values: values[:-1]
    with pytest.raises(SelfVerificationFailed):
        made.sign(messages(3))
    assert made.state("a") == "distrusted"


def test_distrust_outlives_the_process_until_an_operator_acts(make: Make, tmp_path: Path) -> None:
    made = make("a")
    made.devices["a"].answer = lambda asked, _values: [b"\x30\x00"] * len(asked)
    with pytest.raises(SelfVerificationFailed):
        made.sign([b"x"])
    restarted = make("a")
    with pytest.raises(DevicesOutOfService) as caught:
        restarted.sign([b"x"])
    assert caught.value.code == "key-devices-out-of-service"
    assert restarted.devices["a"].calls == []
    Outages(tmp_path / "outages", CountingRandomness()).lift("a")  # in another process
    restarted.time.seconds += LOOK_SECONDS
    right(restarted, 3)


def test_a_refused_pin_is_tried_once_however_many_ask(make: Make) -> None:
    made = make("a", sessions=8)
    made.devices["a"].fault = DeviceAccessRefused()
    with ThreadPoolExecutor(8) as callers:
        asked = [callers.submit(made.sign, [b"x"] * 16) for _ in range(8)]
        errors = [one.exception() for one in asked]
    codes = {error.code for error in errors if isinstance(error, TrustError)}
    assert codes <= {"key-device-access-refused", "key-devices-out-of-service"}
    assert len(made.devices["a"].calls) == 1
    assert made.state("a") == "locked-out"
    made.time.seconds += 10 * MAX_OPEN_SECONDS
    made.pool.check()
    with pytest.raises(DevicesOutOfService):
        made.sign([b"x"])
    assert (len(made.devices["a"].calls), made.devices["a"].checks) == (1, 0), "neither time nor a probe tries again"
    assert made.outages.of("a").kind is OutageKind.LOCKED_OUT  # type: ignore[union-attr]
    made.devices["a"].fault = None
    made.pool.reinstate("a")
    right(made, 3)
    assert made.outages.of("a") is None


def test_the_breaker_opens_after_some_failures_in_a_row(make: Make) -> None:
    made = make("a", sessions=1)
    use_up(made, "a")
    asked = len(made.devices["a"].calls)
    with pytest.raises(DevicesUnavailable) as caught:
        made.sign([b"x"])
    assert caught.value.code == "key-devices-unavailable"
    assert caught.value.facts["retry_after_seconds"] == OPEN_SECONDS
    assert len(made.devices["a"].calls) == asked
    assert made.state("a") == "open"


def test_one_failure_less_leaves_the_breaker_closed(make: Make) -> None:
    made = make("a", sessions=1)
    use_up(made, "a", FAILURES_TO_OPEN - 1)
    made.devices["a"].fault = None
    right(made, 2)
    use_up(made, "a", FAILURES_TO_OPEN - 1)
    assert made.state("a") == "degraded"


def test_an_open_device_is_reconnected_and_tried_when_its_time_is_over(make: Make) -> None:
    made = make("a", sessions=1)
    use_up(made, "a")
    made.time.seconds += OPEN_SECONDS - 0.01
    with pytest.raises(DevicesUnavailable):
        made.sign([b"x"])
    made.time.seconds += 0.01
    made.devices["a"].fault = None
    right(made, 20)
    assert (made.devices["a"].closed, made.devices["a"].checks) == (1, 1)


def test_a_failed_trial_waits_twice_as_long_up_to_a_limit(make: Make) -> None:
    made = make("a", sessions=1)
    use_up(made, "a")
    waits = []
    for _ in range(6):
        with pytest.raises(DevicesUnavailable) as caught:
            made.sign([b"x"])
        waits.append(caught.value.facts["retry_after_seconds"])
        made.time.seconds += float(str(waits[-1]))
        with pytest.raises(DeviceFailed):
            made.sign([b"x"])
    assert waits == [5, 10, 20, 40, 60, 60]


def test_a_device_that_hangs_is_given_up_and_another_signs(make: Make) -> None:
    made = make("a", "b", sessions=1, limits=PoolLimits(call_seconds=0.05, wait_seconds=20))
    made.devices["a"].gate = threading.Event()
    while not made.devices["a"].entered.is_set():
        right(made, 16)
    assert made.state("a") == "degraded"
    health = made.pool.health()[0]
    assert (health.sessions_busy, health.last_error) == (1, "key-device-unresponsive")
    right(made, 16)
    assert len(made.devices["a"].calls) == 1


def test_a_hang_of_the_only_device_is_its_error_and_then_unavailable(make: Make) -> None:
    made = make("a", sessions=1, limits=PoolLimits(call_seconds=0.05, wait_seconds=20))
    made.devices["a"].gate = threading.Event()
    with pytest.raises(DeviceUnresponsive) as caught:
        made.sign([b"x"])
    assert caught.value.code == "key-device-unresponsive"
    with pytest.raises(DevicesUnavailable):
        made.sign([b"x"])
    made.devices["a"].gate.set()


def test_an_answer_that_comes_too_late_still_closes_the_breaker(make: Make) -> None:
    made = make("a", sessions=1, limits=PoolLimits(call_seconds=600, wait_seconds=0.2))
    use_up(made, "a")
    member = made.pool._members["a"]
    member.breaker._retry_at = 0.0
    made.devices["a"].fault = None
    made.devices["a"].gate = threading.Event()
    with pytest.raises(SigningBusy):
        made.sign([b"x"])
    assert member.breaker.state is BreakerState.HALF_OPEN
    made.devices["a"].gate.set()
    while member.breaker.state is not BreakerState.CLOSED:
        pass
    right(made, 3)


def test_who_waits_too_long_is_told_when_to_come_back(make: Make) -> None:
    made = make("a", sessions=1, limits=PoolLimits(call_seconds=600, wait_seconds=0.05))
    made.devices["a"].gate = threading.Event()
    with pytest.raises(SigningBusy) as caught:
        made.sign([b"x"])
    assert caught.value.code == "signing-busy"
    assert isinstance(caught.value, Unavailable)
    assert caught.value.facts["retry_after_seconds"] >= 1  # type: ignore[operator]


def test_a_lane_takes_its_limit_and_no_more_while_another_lane_is_let_in(make: Make) -> None:
    made = make("a", sessions=1, limits=PoolLimits(lane_messages=20, pool_messages=30))
    gate = made.devices["a"].gate = threading.Event()
    with ThreadPoolExecutor(8) as callers:
        first = callers.submit(made.sign, messages(4), "flood")
        made.devices["a"].entered.wait()
        waiting = [callers.submit(made.sign, messages(10), "flood") for _ in range(2)]
        while made.pool.health()[0].queue_length < 20:
            pass
        with pytest.raises(SigningBusy):
            made.sign([b"x"], "flood")
        other = callers.submit(made.sign, messages(20), "other")
        while made.pool.health()[0].queue_length < 40:
            pass
        with pytest.raises(SigningBusy):
            made.sign([b"x"], "other")
        gate.set()
        assert [len(one.result()) for one in (first, *waiting, other)] == [4, 10, 10, 20]
    right(made, 3)


def test_readiness_asks_the_hardware_and_not_too_often(make: Make) -> None:
    made = make("a", "b")
    made.pool.check()
    made.pool.check()
    assert [device.checks for device in made.devices.values()] == [1, 1]
    made.time.seconds += CHECK_SECONDS
    made.devices["a"].fault = DeviceFailed()
    made.pool.check()
    assert made.devices["a"].checks == 2
    assert (made.state("a"), made.state("b")) == ("degraded", "ok")
    assert made.pool.refusal(made.places) is None


def test_health_tells_figures(make: Make) -> None:
    made = make("a")
    right(made, 20)
    (health,) = made.pool.health()
    assert (health.name, health.state, health.sessions, health.sessions_busy) == ("a", "ok", 2, 0)
    assert (health.queue_length, health.signatures, health.failures, health.last_error) == (0, 20, 0, None)
    assert health.latency.calls == len(made.devices["a"].calls)
    assert health.latency.quantile(0.99) == 0.001
    made.devices["a"].fault = DeviceFailed()
    with pytest.raises(DeviceFailed):
        made.sign([b"x"])
    (health,) = made.pool.health()
    assert (health.state, health.last_error, health.last_error_at) == (
        "degraded",
        "key-device-failed",
        made.clock.now(),
    )


def test_a_key_on_no_device_of_the_file_is_out_of_service(make: Make) -> None:
    made = make("a")
    other = MemoryDevice("gone")
    assert other.name not in made.pool.names
    with pytest.raises(DevicesOutOfService):
        made.pool.sign((), made.key, [b"x"])
    with pytest.raises(DeviceUnknown):
        made.pool.device("gone")


def test_a_closed_pool_refuses_what_waits(make: Make) -> None:
    made = make("a", sessions=1)
    gate = made.devices["a"].gate = threading.Event()
    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(made.sign, [b"x"])
        made.devices["a"].entered.wait()
        second = callers.submit(made.sign, [b"y"])
        while made.pool.health()[0].queue_length < 1:
            pass
        made.pool.close()
        with pytest.raises(DevicesUnavailable):
            second.result()
        gate.set()
        assert first.result()
