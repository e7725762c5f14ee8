"""The witness as a program of its own: started, killed without warning under load, started again."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.trust.ledger.witness.test_witness import KEY, ORIGIN, Log, leaves
from trust.kernel.randomness import SystemRandomness
from trust.ledger.note_errors import WitnessUnreachable
from trust.ledger.notes import parse_lines, verified_by
from trust.ledger.witness.state import LogHash, WatchedLog, WitnessFolder
from trust.ledger.witness.transport import HttpTransport

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[4]
PROGRAM = "from portal.commands.witness import witness; witness()"
LISTENS = re.compile(r"witness w\.example/w at (http://127\.0\.0\.1:\d+)")


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", "--folder", str(folder), "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = LISTENS.match(process.stderr.readline())
        assert found is not None
        yield found[1], process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_killed_again_and_again_it_cosigns_one_history_and_loses_nothing(tmp_path):
    folder = WitnessFolder(tmp_path / "w", SystemRandomness())
    key = folder.establish("w.example/w")
    folder.watch(WatchedLog(origin=ORIGIN, hash=LogHash.SHA256, keys=(KEY,)))
    log, fork, transport = Log(leaves(64)), Log(leaves(64, b"!")), HttpTransport()
    cosigned = 0
    for number in range(4):
        with running(tmp_path / "w") as (url, process):
            for size in range(cosigned, 64, 5):
                reply = transport.post(f"{url}/add-checkpoint", log.submission(cosigned, size))
                assert reply.status == 200
                assert verified_by(log.note(size).text, parse_lines(reply.body), key)
                cosigned = size
                if size >= 15 * (number + 1):
                    break
            process.send_signal(signal.SIGKILL)
            process.wait()
            with pytest.raises(WitnessUnreachable):
                transport.post(f"{url}/add-checkpoint", log.submission(cosigned, 64))
        assert folder.log(ORIGIN).size == cosigned
    with running(tmp_path / "w") as (url, _):
        assert transport.post(f"{url}/add-checkpoint", fork.submission(cosigned, 64)).status == 422
        assert transport.post(f"{url}/add-checkpoint", log.submission(cosigned, 64)).status == 200


def test_it_needs_no_database_and_no_settings_of_the_service(tmp_path):
    check = (
        "import sys; from portal.commands.witness import witness; from trust.ledger.witness.service import Witness; "
        "print(sorted({'sqlalchemy', 'alembic', 'psycopg', 'nacl.signing', 'trust.config'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
