import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.fakes import FixedClock
from tests.verifier import world
from verifier.api import Verifier
from verifier.cli import verify_command
from verifier.errors import TrustMaterialUnusable
from verifier.folder import FolderTrust

ROOT = Path(__file__).resolve().parents[2]
IDENTIFIER = world.identifier().value


@pytest.fixture
def run(tmp_path):
    command = verify_command(lambda: Verifier(world.Trust(), FixedClock(), world.Library()))

    def call(*arguments):
        return CliRunner().invoke(command, [str(argument) for argument in arguments])

    return call


@pytest.fixture
def file(tmp_path):
    def write(data):
        path = tmp_path / "x.pdf"
        path.write_bytes(data)
        return path

    return write


def test_exit_codes_follow_the_verdict(run, file):
    assert run(file(world.good())).exit_code == 0
    assert run(file(world.stamped(seal=None))).exit_code == 1
    assert run(file(world.stamped(attachments=()))).exit_code == 2
    assert run("--identifier", IDENTIFIER).exit_code == 0
    assert run("--identifier", world.identifier().next_version()).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), "verify-input"),
        (("missing.pdf",), "malformed-input"),
        (("a.pdf", "--qr", "x"), "verify-input"),
        (("--identifier", "x"), "certificate-identifier-"),
        (("--identifier", IDENTIFIER, "--qr", "x"), "verify-input"),
        (("--nonsense",), "No such option"),
        (("--lang", "fr"), "not one of"),
        (("--roots", "missing"), "does not exist"),
    ],
)
def test_usage_and_unreadable_input_exit_with_3_and_say_why(run, arguments, code):
    result = run(*arguments)
    assert result.exit_code == 3
    assert code in result.output


def test_an_unreadable_file_exits_with_3_and_says_what_to_do(run, file):
    result = run(file(b"GIF89a"), "--lang", "zh")
    assert result.exit_code == 3
    assert "not-a-document" in result.output
    assert "请提交" in result.output
    assert json.loads(run(file(b"%PDF-"), "--json").stdout)["code"] == "pdf-malformed"


def test_the_report_is_printed_for_machines_and_in_both_languages(run, file):
    path = file(world.good())
    assert json.loads(run(path, "--json").stdout)["verdict"] == "VALID"
    assert "all required checks passed" in run(path).output
    assert "必查项全部通过" in run(path, "--lang", "zh").output


def folders(tmp_path, *, armoured=False):
    roots, crls = tmp_path / "roots", tmp_path / "crls"
    roots.mkdir()
    crls.mkdir()
    for name, der in (("root.cer", world.root().x509.der), ("issuing.cer", world.issuing().x509.der)):
        text = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
        (roots / name).write_bytes(text if armoured else der)
    for number, der in enumerate(world.material().crls):
        (crls / f"{number}.crl").write_bytes(der)
    (roots / "README.txt").write_text("not a certificate")
    return roots, crls


@pytest.mark.parametrize("armoured", [False, True])
def test_an_outsider_verifies_against_folders_of_files(tmp_path, armoured):
    roots, crls = folders(tmp_path, armoured=armoured)
    trust = FolderTrust(roots, crls)
    assert trust.material() == world.material()
    report = Verifier(trust, FixedClock()).verify_file(world.good())
    assert (report.verdict.value, report.steps[-1].code) == ("VALID", "library-not-asked")


def test_an_issuing_ca_alone_is_no_anchor(tmp_path):
    roots, crls = folders(tmp_path)
    (roots / "root.cer").unlink()
    with pytest.raises(TrustMaterialUnusable, match="self-issued"):
        FolderTrust(roots, crls)


def test_a_folder_with_junk_is_refused_by_name(tmp_path):
    roots, crls = folders(tmp_path)
    (roots / "junk.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nx")
    with pytest.raises(TrustMaterialUnusable, match=r"junk\.pem"):
        FolderTrust(roots, crls)


def test_the_offline_options_reach_the_verifier(run, file, tmp_path):
    roots, crls = folders(tmp_path)
    result = run(file(world.good()), "--roots", roots, "--crls", crls, "--json")
    chain = next(step for step in json.loads(result.stdout)["steps"] if step["step"] == "chain")
    # The command judges by the machine's clock, which no test may set: present or stale, but never unknown.
    assert chain["code"] in ("chain-trusted", "crl-stale", "crl-missing", "x509-not-yet-valid", "x509-expired")


def test_without_folder_and_installation_the_command_says_what_is_missing(file):
    result = CliRunner().invoke(verify_command(), [str(file(world.good()))])
    assert result.exit_code == 3
    assert "--roots" in result.output


def test_an_outsider_runs_the_same_command_without_the_service(file, tmp_path):
    roots, _ = folders(tmp_path)
    for arguments, code in ((("--roots", roots), (0, 1, 2)), ((), (3,))):
        done = subprocess.run(
            [sys.executable, "-m", "verifier", file(world.good()), *arguments, "--json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in code, done.stderr  # by the machine's clock, as above
        assert json.loads(done.stdout)["code"]


def test_a_refusal_names_the_field(run):
    assert json.loads(run("--identifier", "x", "--json").stdout)["field"] == "identifier"
    assert "[identifier]" in run("--identifier", "x").output


def test_a_folder_holds_so_many_files_and_no_more(tmp_path):
    roots, crls = folders(tmp_path)
    for number in range(len(list(crls.iterdir())), 1000):
        (crls / f"{number}.crl").write_bytes(world.material().crls[0])
    assert len(FolderTrust(roots, crls).material().crls) == 1000
    (crls / "1000.crl").write_bytes(world.material().crls[0])
    with pytest.raises(TrustMaterialUnusable, match="1000 files"):
        FolderTrust(roots, crls)
