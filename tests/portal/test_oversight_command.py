"""`yinxin ledger` for officers, on a whole installation, and the figures that machines read of it."""

import json
from contextlib import closing

import pytest
from apiflask import APIFlask
from prometheus_client import CollectorRegistry, generate_latest

from hsm_adapter.pool.health import LATENCY_BOUNDS, DeviceHealth, DeviceState, LatencyFigures
from portal.ledger_metrics import LedgerCollector, device_metrics, health_routes
from portal.ledger_sources import CertificateDocuments, CustodianCounters, SealDocuments
from portal.oversight import open_watch, oversight_routes
from portal.wiring import open_installation
from tests.fakes import MOMENT, CountingRandomness, FixedClock
from tests.trust.ledger.search.test_routes import Tokens
from trust.config import load_settings
from trust.http import problems
from trust.keys import KeyRef
from trust.ledger.note_keys import own_key


@pytest.fixture
def installation(yinxin):
    with closing(open_installation(load_settings(home=yinxin.home))) as opened:
        yield opened


def log_key(yinxin) -> str:
    point = yinxin.json("ledger", "checkpoint")
    public = next(each for each in yinxin.json("keys", "list") if each["key"] == point["key"])["public_key"]
    return own_key(point["origin"], bytes.fromhex(public)).text


def test_an_officer_searches_and_counts(yinxin):
    found = yinxin.json("ledger", "search", "--purpose", "x509-issuing", "--limit", 1)
    assert found["entries"][0]["purpose"] == "x509-issuing"
    older = yinxin.json("ledger", "search", "--purpose", "x509-issuing", "--limit", 1, "--before", found["next"])
    assert older["entries"][0]["index"] < found["entries"][0]["index"]
    counted = yinxin.json("ledger", "statistics", "--by", "purpose", "--confirm")
    assert counted["confirmed"] is True
    signed = yinxin.json("ledger", "verify", "--keys")["signed"]
    assert {each["key"]: each["signed"] for each in counted["keys"]} == signed
    assert yinxin("ledger", "search", "--since", "soon").code == 3
    assert "behind: 0" in yinxin("ledger", "statistics").out


def test_an_export_is_checked_without_the_service(yinxin, tmp_path):
    key, out = log_key(yinxin), tmp_path / "ledger.jsonl"
    written = yinxin.json("ledger", "export", "--out", out)
    checked = yinxin.json("ledger", "check-export", out, "--key", key)
    assert (checked["verdict"], checked["entries"]) == ("valid", written["entries"])
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    refused = yinxin("ledger", "check-export", out, "--key", key, "--json")
    assert (refused.code, refused.json["line"]) == (1, 3)
    assert yinxin("ledger", "export", "--out", out).code == 5  # the file is there


def test_the_verifier_keys_of_the_log_are_shown_for_outsiders(yinxin):
    ed25519, sm2 = yinxin.json("ledger", "keys")
    assert (ed25519["algorithm"], sm2["algorithm"]) == ("Ed25519", "SM2-SM3")
    assert sm2["vkey"] == log_key(yinxin)
    assert {each["origin"] for each in (ed25519, sm2)} == {yinxin.json("ledger", "checkpoint")["origin"]}
    assert ed25519["vkey"].startswith(f"{ed25519['origin']}+")


def test_alerts_are_raised_listed_and_acknowledged_by_an_officer(yinxin, tmp_path, monkeypatch):
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\nid = "own"\nkind = "burst"\nseverity = "critical"\ntitle = "t"\ntitle_zh = "题"\n'
        'uses = 2\nseconds = 2000000\nper = "all"\n',
        "utf-8",
    )
    monkeypatch.setenv("YINXIN_LEDGER_RULES_FILE", str(rules))
    printed = [json.loads(line) for line in yinxin("ledger", "watch", "--once").out.splitlines()]
    assert {"own"} <= {each["rule"] for each in printed}
    listed = yinxin.json("ledger", "alerts", "list")
    assert listed == printed
    assert [json.loads(line) for line in yinxin("ledger", "watch", "--once").out.splitlines()] == printed
    refused = yinxin("ledger", "alerts", "ack", listed[0]["alert"], "--by", "nobody", "--note", "演练")
    assert (refused.code, "role-missing" in refused.err) == (4, True)
    rules.write_text('[[rule]]\nid = "own"\n', "utf-8")
    assert "ledger-rules-unusable" in yinxin("ledger", "watch", "--once").err


def test_segments_are_listed(yinxin):
    assert yinxin.json("ledger", "segments", "list") == []
    assert yinxin.json("ledger", "segments", "seal", "--keep-days", 365, "--by", "周") == []
    assert yinxin("ledger", "segments", "release", 0, "--by", "吴", "--yes").code == 4


def test_a_whole_installation_gives_the_watch_nothing_unknown(installation):
    base = installation.foundation
    open_watch(base, installation.record()).turn()
    registry = CollectorRegistry()
    registry.register(LedgerCollector(base, installation.record()))
    text = generate_latest(registry).decode()
    assert "yinxin_ledger_readable 1.0" in text
    assert f"yinxin_ledger_size {float(base.ledger.size())}" in text
    assert "yinxin_ledger_witness_cosignatures 0.0" in text
    assert 'yinxin_key_uses_total{key="' in text
    assert 'yinxin_ledger_alerts_open{severity="critical"}' in text


def test_the_libraries_know_what_their_leaves_name(installation):
    base, clock = installation.foundation, FixedClock(installation.foundation.clock.now())
    clock.advance(days=1)
    seals = SealDocuments(base.database, clock)
    listed = seals.documents_since(0, 10)
    assert listed
    assert [seals.knows(each.document) for each in listed] == [True] * len(listed)
    assert seals.documents_since(listed[-1].mark, 10) == []
    assert not seals.knows("seal:none")
    assert not seals.knows(listed[0].document.removeprefix("seal:"))
    certs = CertificateDocuments(base.database, clock)
    assert not certs.knows("1.2.156.3005.2.none")
    assert [certs.knows(each.document) for each in certs.documents_since(0, 10)] == [True] * len(
        certs.documents_since(0, 10)
    )
    clock.moment = MOMENT.replace(year=2020)
    assert seals.documents_since(0, 10) == []


def test_counters_are_those_that_every_device_has():
    class Custodian:
        def keys(self):
            return [type("K", (), {"ref": KeyRef(name)})() for name in ("a", "b", "c")]

        def uses(self, ref):
            return {"a": {"one": 2, "two": 3}, "b": {"one": 2, "two": None}, "c": {}}[ref]

    assert [(each.key, each.count) for each in CustodianCounters(Custodian()).counts()] == [("a", 5)]


def device(state: DeviceState) -> DeviceHealth:
    counts = [0] * (len(LATENCY_BOUNDS) + 1)
    counts[0], counts[-1] = 3, 1
    return DeviceHealth(
        name="hsm-1",
        state=state,
        sessions=4,
        sessions_busy=1,
        queue_length=7,
        signatures=9,
        failures=2,
        last_error="key-device-gone",
        last_error_at=MOMENT,
        latency=LatencyFigures(calls=4, seconds=12.5, counts=tuple(counts)),
    )


def test_device_figures_are_in_the_form_of_prometheus():
    class One:
        def collect(self):
            return device_metrics([device(DeviceState.DEGRADED)])

    registry = CollectorRegistry()
    registry.register(One())
    text = generate_latest(registry).decode()
    for line in (
        'yinxin_device_state{device="hsm-1",state="degraded"} 1.0',
        'yinxin_device_state{device="hsm-1",state="ok"} 0.0',
        'yinxin_device_queue{device="hsm-1"} 7.0',
        'yinxin_device_signatures_total{device="hsm-1"} 9.0',
        'yinxin_device_seconds_bucket{device="hsm-1",le="0.001"} 3.0',
        'yinxin_device_seconds_bucket{device="hsm-1",le="+Inf"} 4.0',
        'yinxin_device_seconds_sum{device="hsm-1"} 12.5',
    ):
        assert line in text


@pytest.mark.parametrize(("token", "status"), [("ledger:read", 200), ("certs:read", 403), (None, 401)])
def test_the_auditor_sees_which_device_is_degraded_and_why(installation, token, status):
    app = APIFlask(__name__)
    problems.install(app, randomness=CountingRandomness())
    app.register_blueprint(health_routes(lambda: [device(DeviceState.OPEN)], Tokens()))
    app.register_blueprint(oversight_routes(installation.foundation, Tokens()))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with app.test_client() as client:
        answer = client.get("/api/v1/health/devices", headers=headers)
        assert answer.status_code == status
        assert client.get("/api/v1/ledger/statistics", headers=headers).status_code == status
    if status == 200:
        assert answer.json["degraded"] == ["hsm-1"]
        assert answer.json["devices"][0]["last_error"] == "key-device-gone"
