"""Kill -9 at any moment of a run of issues: nothing is lost, nothing happens twice, no signature lacks its entry."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from asn1crypto import cms

from tests.integration.holdings import files, key_uses, rows
from tests.integration.installation import today
from tests.integration.issuing_process import BOUNDARIES, COMMITS, Caller, command, open_later
from trust.config import child_environment
from trust.gm.sm3 import sm3
from verifier.report import Verdict

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
SEED = 36904
MOMENTS = 30
COLD_SECONDS = 0.6  # from an opened installation: its first issue, which reads fonts and templates, takes about this
WARM_SECONDS = 0.25  # from the first answer: two or three more issues in each thread
THREADS = 3
AFTER = 600  # minutes: beyond every lease, within the life of the revocation lists
BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+) (\d+) (\d+) (\d+)\s*\]")


class Lives:
    """Starts one life of the service after the other and keeps what each said."""

    def __init__(self, settings):
        self.settings = settings
        self.day = today().isoformat()
        self.acknowledged = {}
        self.last_seen = Counter()
        self._minutes = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.issuing_process"],
            cwd=ROOT,
            env=child_environment({}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def live(self, *, threads=1, since=None, seconds=0.0, **order):
        """Run one life; kill it `seconds` after it says `since`, or wait until it kills itself. Return what it said."""
        self._minutes += 1
        order |= {"settings": self.settings, "minutes": self._minutes, "day": self.day, "threads": threads}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = int(self._until("forked")[-1].split()[1])
        said = []
        if since is not None:
            said += self._until(since)
            time.sleep(seconds)
            os.kill(pid, signal.SIGKILL)
        said += self._until("ended")
        assert said[-1] == f"ended {signal.SIGKILL}", said[-3:]
        assert not any(line.startswith("failed") for line in said), said
        self._note(said)
        return said

    def _until(self, word):
        lines = []
        while not lines or lines[-1].split()[0] != word:
            line = self._process.stdout.readline()
            assert line, "the issuing process ended"
            lines.append(line.rstrip("\n"))
        return lines

    def _note(self, said):
        for line in said:
            word, *rest = line.split()
            if word == "done":
                key, identifier = rest
                assert self.acknowledged.setdefault(key, identifier) == identifier
        self.last_seen[next((line for line in reversed(said) if line.startswith("at")), "at nothing")] += 1


@pytest.fixture
def lives(own):
    made = Lives(own)
    yield made
    made.close()


def signed_attributes(pdf):
    """Return what the signature of a PDF was made over (RFC 5652 section 5.4), read without our own code."""
    (found,) = BYTE_RANGE.findall(pdf)
    start, first, second, _ = map(int, found)
    assert start == 0
    content = cms.ContentInfo.load(bytes.fromhex(pdf[first + 1 : second - 1].decode()))
    (signer,) = content["content"]["signer_infos"]
    return signer["signed_attrs"].untag().dump()


def check(lives):
    """Check everything that must hold after the last life, once recovery has run."""
    home = Path(lives.settings["home"])
    installation = open_later(lives.settings, AFTER)
    try:
        report = installation.certs.recover()
        assert report.waiting == ()
        assert installation.certs.recover().finished == ()
        intents = rows(home, "select identifier, state, sealed from certs_intents")
        certificates = {row["identifier"]: row for row in rows(home, "select * from certs_certificates")}
        check_intents(intents, certificates)
        check_files(installation, home, certificates)
        check_acknowledged(installation, lives, certificates)
        ledger = installation.foundation.ledger.verify()
        assert ledger.size == len(key_uses(home))
    finally:
        installation.close()
    assert rows(home, "pragma integrity_check")[0][0] == "ok"
    return intents, certificates


def check_intents(intents, certificates):
    """Each intent is finished or cleanly abandoned; nothing here gives a reason to abandon one."""
    assert Counter(row["state"] for row in intents) == {"completed": len(intents)}
    assert {row["identifier"] for row in intents} == set(certificates)
    assert all(row["sealed"] is None for row in intents)


def check_files(installation, home, certificates):
    """Each file has its ledger entry, those that a killed run left unnamed too; each certificate's file is valid."""
    entries = {}
    for use in key_uses(home):
        if use["purpose"] == "sealing" and use["outcome"] == "signed":
            entries.setdefault(use["document"], set()).add(use["digest"])
    named = {row["blob"]: row for row in certificates.values()}
    stored = [name for name in files(home) if name.endswith(".pdf")]
    assert set(named) <= set(stored)
    for name in stored:
        pdf = installation.foundation.files.get(name)
        identifier = name.split("/")[1].rsplit(".", 2)[0]
        assert sm3(signed_attributes(pdf)).hex() in entries[identifier], name
        if name in named:
            assert named[name]["identifier"] == identifier
            assert named[name]["file_sm3"] == sm3(pdf)
            verdict = installation.verifier.verify_file(pdf)
            assert verdict.verdict is Verdict.VALID, verdict.code
            assert verdict.facts.certificate_identifier == identifier


def check_acknowledged(installation, lives, certificates):
    """What was answered is kept under its identifier, and a repeated request gets it again and issues nothing."""
    assert len(set(lives.acknowledged.values())) == len(lives.acknowledged)
    for key, identifier in lives.acknowledged.items():
        repeated = installation.certs.issue(Caller(), command(key, date.fromisoformat(lives.day)))
        assert repeated.identifier == identifier
    kept = rows(Path(lives.settings["home"]), "select identifier from certs_intents")
    assert {row["identifier"] for row in kept} == set(certificates)


def test_30_random_moments(lives):
    """Half of the moments are counted from the start of a life, half from its first answer, when it is warm."""
    choice = random.Random(SEED)  # noqa: S311  a reproducible choice, not a secret
    moments = [
        ("ready", choice.uniform(0, COLD_SECONDS)) if number % 2 else ("done", choice.uniform(0, WARM_SECONDS))
        for number in range(MOMENTS)
    ]
    print(f"seed {SEED}:", ", ".join(f"{since} + {seconds:.4f} s" for since, seconds in moments))
    for since, seconds in moments:
        lives.live(threads=THREADS, since=since, seconds=seconds)
    intents, certificates = check(lives)
    print(f"{len(intents)} intents, {len(certificates)} certificates, {len(lives.acknowledged)} answered")
    print("last boundaries passed:", dict(lives.last_seen.most_common()))
    assert len(lives.acknowledged) >= MOMENTS / 2


def test_every_boundary_of_an_issue(lives):
    for boundary in BOUNDARIES:
        for passage in range(1, COMMITS + 1 if boundary == "before commit" else 2):
            said = lives.live(boundary=boundary, passages=passage)
            assert said[-2] == f"at {boundary}"
    intents, _ = check(lives)
    # What was killed before its reservation was committed has left nothing.
    assert len(intents) == len(BOUNDARIES) + COMMITS - 1 - 2


def test_every_boundary_of_a_recovery(lives):
    lives.live(boundary="after reserve")
    for boundary in BOUNDARIES:
        if "reserve" not in boundary:
            said = lives.live(boundary=boundary, while_recovering=True)
            assert said[-2] == f"at {boundary}"
            assert not any(line.startswith("recovered") for line in said)
            if boundary == "after complete":
                lives.live(boundary="after reserve")
    check(lives)
