"""The `yinxin` command used rightly: what it does, prints and exits with."""

import importlib
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest

from portal.demo import data
from portal.foundation import open_foundation
from portal.wiring import open_installation
from trust.config import load_settings
from trust.gm import engine
from verifier.rehearsal import with_changed_byte, with_page_added

ROOT = Path(__file__).resolve().parents[2]
SEAL = (
    "--name",
    "演示市文化和旅游局",
    "--uscc",
    "12000000DEM0YX002B",
    "--code",
    "1101000000026",
    "--line",
    "电子证照专用章",
)


def unsigned_pdf():
    kept = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(kept)
    return kept.getvalue()


def test_init_makes_an_installation_and_repeating_it_changes_nothing(yinxin, monkeypatch, tmp_path):
    monkeypatch.setenv("YINXIN_HOME", str(tmp_path / "fresh"))
    first = yinxin.json("init", "--organization", "测试运营单位")
    again = yinxin.json("init", "--organization", "测试运营单位")
    assert first["root"] == "测试运营单位根证书"
    assert (first["root_sha256"], first["home"]) == (again["root_sha256"], str(tmp_path / "fresh"))
    assert yinxin.json("init")["root"] == "测试运营单位根证书"  # without a name: the one that stands there
    secrets = list((tmp_path / "fresh" / "secrets").iterdir())
    assert len(secrets) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    for path in secrets:
        assert path.read_text().strip() not in json.dumps([first, again])


def test_a_certificate_is_issued_once_per_key_and_verified_in_every_way(yinxin):
    issued = yinxin.issue()
    assert issued["status"] == "issued"
    assert yinxin.issue() == issued
    identifier = issued["identifier"]
    path = yinxin.write("licence.pdf", yinxin.file(identifier))
    for question in ((path,), ("--identifier", identifier), ("--qr", issued["verification"])):
        outcome = yinxin("verify", *question, "--json")
        assert (outcome.code, outcome.json["verdict"]) == (0, "VALID"), outcome
        assert yinxin("verify", *question, "--lang", "zh").code == 0


@pytest.mark.parametrize(
    ("change", "code", "verdict", "reason"),
    [
        (lambda pdf: pdf, 0, "VALID", None),
        (with_changed_byte, 1, "INVALID", "digest-mismatch"),
        (with_page_added, 1, "INVALID", "modified-after-signing"),
        (lambda _: unsigned_pdf(), 2, "INDETERMINATE", "unsigned"),
    ],
    ids=["as issued", "one byte changed", "a page added", "unsigned"],
)
def test_verify_exits_with_its_verdict(yinxin, change, code, verdict, reason):
    path = yinxin.write("a.pdf", change(yinxin.file(yinxin.issue()["identifier"])))
    outcome = yinxin("verify", path, "--json")
    assert (outcome.code, outcome.json["verdict"]) == (code, verdict)
    assert reason in (None, outcome.json["code"])
    assert yinxin("verify", path).code == code


def test_verify_works_offline_with_exported_trust(yinxin, monkeypatch, tmp_path):
    path = yinxin.write("a.pdf", yinxin.file(yinxin.issue()["identifier"]))
    folder = tmp_path / "trust"
    names = ["issuing.cer", "issuing.crl", "root.cer", "root.crl"]
    assert yinxin.json("authority", "export", folder) == {"folder": str(folder), "files": names}
    assert sorted(found.name for found in folder.iterdir()) == names
    monkeypatch.setenv("YINXIN_HOME", str(tmp_path / "nothing"))
    outcome = yinxin("verify", path, "--roots", folder, "--json")
    assert outcome.code == 0, outcome.out
    (library,) = [step for step in outcome.json["steps"] if step["step"] == "library"]
    assert library["code"] == "library-not-asked"


def test_a_seal_is_applied_for_by_one_and_approved_by_another(yinxin):
    applied = yinxin.json("seal", "apply", *SEAL, "--by", "周申请")
    assert applied["state"] == "applied"
    made = yinxin.json("seal", "approve", applied["seal"], "--by", "吴审批")
    assert (made["state"], made["requested_by"], made["approved_by"]) == ("active", "周申请", "吴审批")
    for command, state in (("suspend", "suspended"), ("resume", "active"), ("cancel", "cancelled")):
        changed = yinxin.json("seal", command, made["seal"], "--by", "郑管理", "--reason", "测试")
        assert changed["state"] == state
    assert [record["state"] for record in yinxin.json("seal", "list")] == ["active", "cancelled"]


def test_an_authority_is_onboarded_with_its_seal(yinxin):
    seal = yinxin.json(
        "seal", "approve", yinxin.json("seal", "apply", *SEAL, "--by", "周申请")["seal"], "--by", "吴审批"
    )
    arguments = (
        "--uscc",
        "12000000DEM0YX002B",
        "--name",
        "Culture",
        "--name-zh",
        "演示市文化和旅游局",
        "--region",
        "110000",
    )
    onboarded = yinxin.json("authority", "onboard", *arguments, "--seal", seal["seal"], "--type", data.FOOD_LICENCE)
    assert onboarded["types"] == data.FOOD_LICENCE
    assert onboarded in yinxin.json("authority", "list")


def test_an_x509_is_revoked_by_two_and_what_it_signed_is_no_longer_valid(yinxin):
    path = yinxin.write("a.pdf", yinxin.file(yinxin.issue()["identifier"]))
    ((serial,),) = yinxin.sql("select serial from authority_x509 where profile = 'seal-signer'")
    by = ("--requested-by", "周申请", "--approved-by", "吴审批")
    revoked = yinxin.json("authority", "revoke", serial, "--reason", "key_compromise", *by)
    assert (revoked["serial"], revoked["reason"]) == (serial, "key_compromise")
    outcome = yinxin("verify", path, "--json")
    assert (outcome.code, outcome.json["code"]) == (1, "x509-revoked")


def test_each_list_of_revocations_has_the_next_number(yinxin):
    first, second = (yinxin.json("authority", "crl") for _ in range(2))
    assert [found["number"] + 1 for found in first] == [found["number"] for found in second]


def test_a_client_is_registered_rotated_and_disabled(yinxin):
    made = yinxin.json(
        "sso", "register", "--label", "窗口系统", "--authority", data.AUTHORITY, "--scopes", "certs:read"
    )
    rotated = yinxin.json("sso", "rotate", made["client"])
    assert rotated["secret"] != made["secret"]
    assert yinxin.json("sso", "disable", made["client"])["enabled"] is False
    listed = yinxin("sso", "list", "--json")
    assert made["client"] in listed.out
    assert rotated["secret"] not in listed.out


def test_who_reads_the_ledger_is_registered_by_two_people(yinxin):
    client = ("sso", "register", "--label", "审计", "--authority", data.AUTHORITY, "--scopes", "ledger:read")
    names = ("--requested-by", "王五", "--reason", "年度审计工作")
    assert "error approver-missing" in yinxin(*client).err
    assert "error approver-missing" in yinxin(*client, *names).err
    assert "same-person" in yinxin(*client, *names, "--approved-by", "王 五").err
    assert yinxin.json(*client, *names, "--approved-by", "赵六")["scopes"] == "ledger:read"


def test_keys_are_listed_without_private_halves_and_retired(yinxin):
    keys = yinxin.json("keys", "list")
    assert {key["purpose"] for key in keys} == {
        "ledger-checkpoint",
        "key-policy",
        "token-signing",
        "x509-issuing",
        "seal-making",
        "sealing",
    }
    (sealing,) = [key for key in keys if key["purpose"] == "sealing"]
    asked = yinxin.json("keys", "propose", "retire", sealing["key"], "--by", "王经办", "--reason", "印章停用")
    retired = yinxin.json("keys", "approve", asked["proposal"], "--by", "李审核")
    assert (retired["key"], retired["state"]) == (sealing["key"], "retired")


def test_the_ledger_is_verified_signed_and_shown(yinxin):
    report = yinxin.json("ledger", "verify")
    assert report["verified"] is True
    issued = yinxin.issue()
    checkpoint = yinxin.json("ledger", "checkpoint")
    assert checkpoint["size"] == report["size"] + 1
    (entry,) = yinxin.json("ledger", "entries", "--start", report["size"], "--count", 1)
    assert (entry["document"], entry["principal"]) == (issued["identifier"], "operator:王经办")
    assert yinxin.json("ledger", "verify")["checkpointed_size"] == checkpoint["size"]


def test_people_get_lines_and_machines_one_json_value(yinxin):
    assert "verified: True" in yinxin("ledger", "verify").out
    for arguments in (("keys", "list"), ("seal", "list"), ("authority", "list"), ("sso", "list"), ("ledger", "verify")):
        assert yinxin.json(*arguments)
        assert yinxin(*arguments).out.count(": ") >= 4


def test_the_command_of_the_shell_exits_the_same(yinxin):
    path = yinxin.write("a.pdf", b"not a PDF")
    done = subprocess.run(
        [sys.executable, "-m", "portal", "verify", path],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("not-a-document: ")


def test_a_service_proves_its_keys_before_it_serves(yinxin, monkeypatch):
    served = []
    monkeypatch.setattr("portal.commands.service.run_server", lambda settings, *_keepers: served.append(settings))
    before = yinxin.json("ledger", "verify")["size"]
    assert yinxin("serve").code == 0
    proofs = yinxin.json("ledger", "entries", "--start", before)
    assert [(entry["purpose"], entry["why"], entry["outcome"]) for entry in proofs] == [
        ("ledger-checkpoint", "start-up proof", "signed"),
        ("token-signing", "start-up proof", "signed"),
    ]
    assert served


def test_a_service_whose_key_does_not_sign_does_not_start(yinxin, monkeypatch):
    monkeypatch.setattr("portal.commands.service.run_server", lambda *_: pytest.fail("it served"))
    monkeypatch.setattr("hsm_adapter.software.SoftwareToken.sign_batch", lambda *_, **_more: [b"not a signature"])
    outcome = yinxin("serve")
    assert outcome.code == 70
    assert "error self-verification-failed" in outcome.err


def test_operators_make_keys_with_a_custodian_that_cannot_sign(yinxin):
    base = open_foundation(load_settings())
    assert not [name for name in dir(base.keys.custodian) if "sign" in name]
    assert base.keys.custodian.keys() == base.keys.token.keys()
    base.close()


def test_the_log_says_which_engine_was_chosen_and_that_keys_are_in_memory(yinxin, monkeypatch):
    monkeypatch.setattr("portal.commands.service.run_server", lambda *_: None)
    monkeypatch.setenv("YINXIN_LOG_LEVEL", "info")
    engine.current.cache_clear()
    lines = [json.loads(line) for line in yinxin("serve").err.splitlines() if line.startswith("{")]
    said = {line["event"].partition(":")[0]: line["level"] for line in lines}
    assert said["SM2 engine"] == "info"
    assert said["self-test passed"] == "info"
    assert said["insecure-signer"] == "info"
    assert yinxin("keys", "list").err == ""


@pytest.mark.usefixtures("yinxin")
def test_another_server_loads_the_same_application(monkeypatch):
    opened = []
    monkeypatch.setattr(
        "portal.wiring.open_installation", lambda *given: opened.append(open_installation(*given)) or opened[0]
    )
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delitem(sys.modules, "wsgi", raising=False)
    app = importlib.import_module("wsgi").app
    assert app.test_client().get("/readyz").json["status"] == "ready"
    opened[0].close()
