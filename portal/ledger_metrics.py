"""Figures of keys, devices and the ledger for Prometheus, read when they are asked for, and the officer's health page.

The ledger's figures are those of the database, the same from every process. Devices are as the answering process sees
them: each has its own sessions.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import structlog
from apiflask import APIBlueprint
from flask import Response, jsonify
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from hsm_adapter.pool.health import LATENCY_BOUNDS, DeviceHealth, DeviceState
from portal.foundation import Foundation
from portal.oversight import open_oversight
from portal.record import Record
from trust.http.access import Principal, TokenChecker
from trust.kernel.errors import TrustError
from trust.ledger.domain import encode_moment
from trust.ledger.officer import auditors_only, looked
from trust.ledger.search.domain import Grouping, Span
from trust.ledger.watch.domain import Severity

Devices = Callable[[], Sequence[DeviceHealth]]
"""Returns how every device is (`hsm_adapter.hardware.HardwareCustodian.health`)."""

_BY: Final = (Grouping.KEY, Grouping.PURPOSE, Grouping.OUTCOME)
_log = structlog.get_logger("portal.ledger_metrics")


class LedgerCollector(Collector):
    """Figures of one installation. A part that does not answer is left out, and `yinxin_ledger_readable` says so."""

    def __init__(self, base: Foundation, record: Record) -> None:
        self._base = base
        self._record = record
        self._oversight = open_oversight(base)

    @override
    def collect(self) -> Iterator[Metric]:
        """Return the figures of this moment."""
        yield from device_metrics(self._base.keys.custodian.health())
        readable = GaugeMetricFamily("yinxin_ledger_readable", "Whether the ledger's figures could be read.")
        try:
            metrics = [*self._ledger(), *self._uses()]
        except TrustError as error:
            _log.warning("ledger-not-readable", code=error.code)
            metrics = []
        readable.add_metric((), float(bool(metrics)))
        yield from (readable, *metrics)

    def describe(self) -> Iterator[Metric]:
        """Return nothing: registering must not read the database."""
        return iter(())

    def _uses(self) -> Iterator[Metric]:
        counts, reached = self._oversight.search.counts(_BY, Span())
        uses = CounterMetricFamily(
            "yinxin_key_uses", "Key uses in the ledger.", labels=[grouping.value for grouping in _BY]
        )
        for each in counts:
            uses.add_metric([each.group[grouping.value] or "" for grouping in _BY], each.uses)
        yield uses
        yield GaugeMetricFamily("yinxin_ledger_index_behind", "Entries not indexed yet.", value=reached.behind)
        waiting = GaugeMetricFamily(
            "yinxin_ledger_alerts_open", "Alerts that wait for an officer.", labels=["severity"]
        )
        open_alerts = self._oversight.alerts.open_alerts()
        for severity in Severity:
            waiting.add_metric([severity.value], open_alerts.get(severity.value, 0))
        yield waiting

    def _ledger(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("yinxin_ledger_size", "Entries in the ledger.", value=self._base.ledger.size())
        signed = self._base.ledger_store.latest_checkpoint()
        if signed is None:
            return
        age = (self._base.clock.now() - signed.checkpoint.at).total_seconds()
        yield GaugeMetricFamily("yinxin_ledger_checkpoint_age_seconds", "Age of the newest checkpoint.", value=age)
        size = signed.checkpoint.size
        yield GaugeMetricFamily("yinxin_ledger_checkpoint_size", "Size of the newest checkpoint.", value=size)
        lines = self._record.notebook.lines.of(size)
        cosigned = sum(line.name != signed.checkpoint.origin for line in lines)  # the log's own bear its name
        yield GaugeMetricFamily(
            "yinxin_ledger_witness_cosignatures", "Cosignatures under the newest checkpoint.", value=cosigned
        )


def device_metrics(devices: Sequence[DeviceHealth]) -> Iterator[Metric]:
    """Return the figures of devices."""
    state = GaugeMetricFamily(
        "yinxin_device_state", "1 for the state that the device is in.", labels=["device", "state"]
    )
    queue = GaugeMetricFamily("yinxin_device_queue", "Messages that wait for the device.", labels=["device"])
    busy = GaugeMetricFamily("yinxin_device_sessions_busy", "Sessions in use.", labels=["device"])
    signatures = CounterMetricFamily("yinxin_device_signatures", "Signatures of this process.", labels=["device"])
    failures = CounterMetricFamily("yinxin_device_failures", "Failures in this process.", labels=["device"])
    seconds = HistogramMetricFamily("yinxin_device_seconds", "Time of the device's calls.", labels=["device"])
    for device in devices:
        for each in DeviceState:
            state.add_metric([device.name, each.value], float(device.state is each))
        queue.add_metric([device.name], device.queue_length)
        busy.add_metric([device.name], device.sessions_busy)
        signatures.add_metric([device.name], device.signatures)
        failures.add_metric([device.name], device.failures)
        seconds.add_metric([device.name], buckets=_buckets(device), sum_value=device.latency.seconds)
    yield from (state, queue, busy, signatures, failures, seconds)


def health_routes(devices: Devices, tokens: TokenChecker) -> APIBlueprint:
    """Return `GET /api/v1/health/devices`; `/readyz` stays a plain answer."""
    routes = APIBlueprint("device_health", __name__, url_prefix="/api/v1/health", tag="Health")

    @routes.get("/devices")
    @routes.doc(summary="Which key device is degraded, and why; for the auditor")
    @auditors_only(tokens, "devices")
    def health(*, principal: Principal) -> Response:
        looked(principal, "devices")
        found = devices()
        degraded = [device.name for device in found if device.state is not DeviceState.OK]
        return jsonify({"degraded": degraded, "devices": [_shown(device) for device in found]})

    return routes


def _shown(device: DeviceHealth) -> dict[str, object]:
    slow = device.latency.quantile(0.99)
    return {
        "device": device.name,
        "state": device.state.value,
        "sessions": device.sessions,
        "sessions_busy": device.sessions_busy,
        "queue": device.queue_length,
        "signatures": device.signatures,
        "failures": device.failures,
        "last_error": device.last_error,
        "last_error_at": None if device.last_error_at is None else encode_moment(device.last_error_at),
        "p99_seconds": slow if slow is None or slow != float("inf") else None,
    }


def _buckets(device: DeviceHealth) -> list[tuple[str, float]]:
    reached, found = 0, []
    for bound, count in zip((*(str(bound) for bound in LATENCY_BOUNDS), "+Inf"), device.latency.counts, strict=True):
        reached += count
        found.append((bound, float(reached)))
    return found
