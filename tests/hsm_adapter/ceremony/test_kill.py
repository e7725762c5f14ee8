import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hsm_adapter.ceremony.errors import RecordBroken
from hsm_adapter.ceremony.progress import follow
from hsm_adapter.ceremony.record import Kind, read_record
from hsm_adapter.ceremony.signing import OUT, ROOT_FILE
from trust.formats.x509 import parse_x509

ROOT = Path(__file__).parents[3]
LINES = 29  # of a ceremony with three custodians; test_a_whole_ceremony_has_as_many_lines keeps it true


def run(medium, tmp_path, lines):
    return subprocess.run(
        [sys.executable, "-m", "tests.hsm_adapter.ceremony.killing", medium, tmp_path / "papers", str(lines)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )


def test_a_whole_ceremony_has_as_many_lines(held, medium):
    assert len(read_record(medium)) == LINES


@pytest.mark.integration
@pytest.mark.parametrize("lines", [*range(1, LINES), -8, -10, -16, -19, -28])
def test_killed_after_or_within_any_line_the_ceremony_goes_on(medium, tmp_path, lines):
    assert run(medium, tmp_path, lines).returncode == -signal.SIGKILL
    if lines < 0:
        with pytest.raises(RecordBroken):
            read_record(medium)
    before = {} if lines < 0 else {line.number: line.digest for line in read_record(medium)}
    resumed = run(medium, tmp_path, 0)
    assert resumed.returncode == 0, resumed.stderr.decode()[-2000:]
    after = read_record(medium)
    assert {line.number: line.digest for line in after if line.number in before} == before
    progress = follow(after)
    assert (progress.end, after[-1].kind) == (Kind.FINISHED, Kind.PROTOCOL)
    tokens = [path.name for path in medium.glob("token-*")]
    assert tokens == [progress.root["token"]]
    assert parse_x509((medium / OUT / ROOT_FILE).read_bytes()).spki.hex() == progress.root["public_key"]
    tbs = [line.facts["tbs"] for line in after if line.kind is Kind.BEGUN and "tbs" in line.facts]
    assert len(tbs) == len(set(tbs)) == 3, "nothing was decided twice"
