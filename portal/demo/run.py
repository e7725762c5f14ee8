"""The demonstration, step by step; each prints one line with what it did and how long it took.

1 a fresh installation · 2 the authority, its seal, its API client · 3 the service is started · 4 two certificates are
issued over HTTP · 5 both are verified · 6 altered copies are refused · 7 one is revoked · 8 the ledger is checked.
A step that does not come out as it must ends the demonstration with an error.
"""

import base64
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from certs import preview
from portal.commands.output import writing_to
from portal.demo import data, world
from portal.demo.client import ServiceClient
from portal.demo.failure import DemonstrationFailed
from portal.demo.server import free_port, served
from portal.demo.trust import Stage, run_sso, set_the_stage
from portal.setup import initialise
from portal.telemetry import configure_logging
from portal.wiring import open_installation
from trust.config import load_settings
from trust.kernel import merkle
from trust.kernel.clock import SystemClock, calendar_day
from trust.kernel.errors import Conflict
from trust.ledger.domain import TREE
from trust.ledger.service import MAX_ENTRIES
from trust.signatures import algorithm_of, verify
from verifier.rehearsal import with_changed_byte, with_page_added

PURPOSE: Final = "演示：核对所签发的证照"
_MARK: Final = ".yinxin-demonstration"  # a folder without it is never emptied: it may be anybody's
_CHECKPOINT_SECONDS = 20.0  # one is due every second; a loaded machine may be late
_POLL_SECONDS = 0.2
_PREVIEW_SCALE = 2.0  # 144 pixels per inch: small print stays legible


class FolderTaken(Conflict):
    """The folder holds something that no demonstration has written, and a demonstration begins by emptying it."""

    code = "demonstration-folder-taken"
    title = "The folder for the demonstration holds other files."
    title_zh = "演示目录中存有其他文件。"
    remedy = "Name a new or empty folder with --out; only the folder of an earlier demonstration is written anew."
    remedy_zh = "请用 --out 指定新的或空的目录；只有以往演示所建的目录才会被重写。"


class _Script:
    """Prints one line per step, to standard error when the result is for machines, and keeps the times."""

    def __init__(self, *, as_json: bool) -> None:
        self.timings_ms: dict[str, float] = {}
        self._aside = as_json

    @contextmanager
    def step(self, name: str, zh: str, en: str) -> Iterator[Callable[[str], None]]:
        """Time a step; the block may say what came out."""
        said: list[str] = []
        start = time.perf_counter()
        yield said.append
        spent = (time.perf_counter() - start) * 1000
        self.timings_ms[name] = round(spent, 1)
        outcome = f": {'; '.join(said)}" if said else ""
        click.echo(f"[{len(self.timings_ms):>2}] {zh} {en}{outcome} ({spent:.0f} ms)", err=self._aside)


def run_demo(out: Path, *, as_json: bool = False) -> dict[str, Any]:
    """Run the whole job in a fresh home below `out`, and write PDFs, previews and summary.json there.

    Raises `FolderTaken`, `OutputNotWritable`, `DemonstrationFailed`.
    """
    configure_logging("error")
    _empty(out)
    port = free_port()
    settings: dict[str, object] = {
        "home": str((out / "home").absolute()),
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "workers": 1,
        "checkpoint_seconds": 1,
    }
    script = _Script(as_json=as_json)
    client, stage = _prepare(script, settings)
    with served_step(script, settings, out / "server.log") as address:
        summary = _main_job(script, ServiceClient(address, client), out)
        summary["sso"] = run_sso(script.step, stage, out / "home")
    with script.step("ledger-whole", "核验整个签名日志", "The whole ledger is verified") as say:
        installation = open_installation(load_settings(**settings))
        report = installation.foundation.ledger.verify()
        installation.close()
        say(f"{report.size} entries, {report.checkpoints} checkpoints")
    summary["ledger"] = {"size": report.size, "root": report.root.hex(), "verified": True}
    summary["timings_ms"] = script.timings_ms
    (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return summary


def _empty(out: Path) -> None:
    """Make the folder, or remove an earlier demonstration in it and nothing else."""
    with writing_to(out):
        if any(out.iterdir()) and not (out / _MARK).exists():
            raise FolderTaken(f"{out} is not the folder of a demonstration.", field="out")
        shutil.rmtree(out)
        out.mkdir()
        (out / _MARK).touch()


def _prepare(script: _Script, settings: dict[str, object]) -> tuple[world.ApiClient, Stage]:
    with script.step("init", "新建系统：密钥、根证书、数据库", "A fresh installation: keys, PKI, database") as say:
        installation = initialise(load_settings(**settings))
        say(f"ledger has {installation.foundation.ledger.size()} entries")
    with script.step("seal", "制作电子印章（一人申请、一人审批）", "The seal is made, two people involved") as say:
        seal = world.make_seal(installation)
        say(f"{seal.application.text.name} {seal.application.text.code}")
    with script.step("onboard", "接入颁发机构与业务系统", "The authority and its API client are registered") as say:
        authority = world.onboard(installation, seal)
        client = world.register_client(installation)
        say(str(authority.uscc))
    with script.step("people", "登记事项、窗口、人员与系统", "Matters, counters, people and systems") as say:
        stage = set_the_stage(installation, str(settings["public_url"]))
        say(f"{len(stage.people.counters)} counters")
    installation.close()
    return client, stage


@contextmanager
def served_step(script: _Script, settings: dict[str, object], log: Path) -> Iterator[str]:
    """Start the service as a step of its own and stop it after the block."""
    with script.step("serve", "启动服务", "The service is started") as say:
        server = served(settings, log)
        address = server.__enter__()
        say(address)
    try:
        yield address
    finally:
        server.__exit__(None, None, None)


def _main_job(script: _Script, service: ServiceClient, out: Path) -> dict[str, Any]:
    today = calendar_day(SystemClock().now())
    bodies = {"food-business-licence": data.food_licence(today), "residence-permit": data.residence_permit(today)}
    certificates = []
    for name, body in bodies.items():
        with script.step(f"issue-{name}", "签发", "Issued over HTTP") as say:
            answer = service.issue(body, key=f"demo-{name}")
            say(f"{answer['type_name_zh']} {answer['identifier']}")
        pdf = out / f"{name}.pdf"
        pdf.write_bytes(service.file(answer["identifier"], purpose=PURPOSE))
        image = pdf.with_suffix(".png")
        image.write_bytes(preview.png(pdf.read_bytes(), scale=_PREVIEW_SCALE))
        with script.step(f"verify-{name}", "核验", "Verified") as say:
            report = service.verify_file(pdf.read_bytes())
            say(_expected(report, verdict="VALID", code="valid"))
        certificates.append(
            {
                "identifier": answer["identifier"],
                "type": answer["type"],
                "pdf": pdf.name,
                "preview": image.name,
                "verdict": report["verdict"],
            }
        )
    original = out / str(certificates[0]["pdf"])
    return {
        "certificates": certificates,
        "altered": [
            _altered(script, service, out / "one-byte-changed.pdf", with_changed_byte, original, "digest-mismatch"),
            _altered(script, service, out / "page-added.pdf", with_page_added, original, "modified-after-signing"),
        ],
        "revoked": _revoked(script, service, str(certificates[1]["identifier"]), out / str(certificates[1]["pdf"])),
        "inclusion_proof": _proved(script, service, str(certificates[0]["identifier"])),
    }


def _altered(
    script: _Script, service: ServiceClient, copy: Path, alter: Callable[[bytes], bytes], original: Path, code: str
) -> dict[str, Any]:
    with script.step(copy.stem, "核验被改动的副本", "An altered copy is refused") as say:
        copy.write_bytes(alter(original.read_bytes()))
        report = service.verify_file(copy.read_bytes())
        say(_expected(report, verdict="INVALID", code=code))
    return {"pdf": copy.name, "verdict": report["verdict"], "code": report["code"]}


def _revoked(script: _Script, service: ServiceClient, identifier: str, pdf: Path) -> dict[str, Any]:
    with script.step("revoke", "吊销后再次核验", "One is revoked and verified again") as say:
        service.revoke(identifier, reason="演示：持证人申请注销", requested_by="郑经办", approved_by="王审批")
        by_file, by_identifier = service.verify_file(pdf.read_bytes()), service.verify_identifier(identifier)
        say(_expected(by_file, verdict="INVALID", code="revoked"))
        say(f"by identifier {_expected(by_identifier, verdict='INVALID', code='revoked')}")
    return {"identifier": identifier, "verdict": by_file["verdict"], "code": by_file["code"]}


def _proved(script: _Script, service: ServiceClient, document: str) -> dict[str, Any]:
    """Check that the key use behind a certificate is in the ledger, with the service's answers and arithmetic alone."""
    with script.step("inclusion-proof", "核对该证照签章的日志存在证明", "Its key use is proved to be recorded") as say:
        entries = service.ledger("entries", start=0, count=MAX_ENTRIES)["entries"]
        entry = next(entry for entry in entries if json.loads(entry["data"])["document"] == document)
        index = int(entry["index"])
        checkpoint = _checkpoint_over(service, index)
        size = int(checkpoint["size"])
        body = checkpoint["body"].encode()
        key = base64.b64decode(checkpoint["public_key"])
        verify(algorithm_of(key), key, body, base64.b64decode(checkpoint["signature"]))
        proof = service.ledger("proof/inclusion", index=index, size=size)
        merkle.verify_inclusion(
            TREE,
            index=index,
            size=size,
            leaf_hash=TREE.leaf(entry["data"].encode()),
            path=[base64.b64decode(step) for step in proof["path"]],
            root=base64.b64decode(body.splitlines()[2]),
        )
        say(f"entry {index} of {size}")
    return {"document": document, "index": index, "size": size, "verified": True}


def _checkpoint_over(service: ServiceClient, index: int) -> dict[str, Any]:
    """Return the first checkpoint that covers an entry; the housekeeping signs one every second here."""
    deadline = time.monotonic() + _CHECKPOINT_SECONDS
    while time.monotonic() < deadline:
        checkpoint = service.ledger("checkpoint")
        if int(checkpoint["size"]) > index:
            return checkpoint
        time.sleep(_POLL_SECONDS)
    raise DemonstrationFailed(f"No checkpoint covered entry {index} within {_CHECKPOINT_SECONDS:g} s.")


def _expected(report: dict[str, Any], *, verdict: str, code: str) -> str:
    found = f"{report['verdict']} ({report['code']})"
    if (report["verdict"], report["code"]) != (verdict, code):
        raise DemonstrationFailed(f"{verdict} ({code}) was due, the verifier says {found}.")
    return found
