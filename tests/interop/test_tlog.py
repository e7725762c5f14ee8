"""Checkpoints, cosignatures, tiles and proofs, judged by golang.org/x/mod/sumdb, which Go trusts its modules to.

The tree is SM3 in the product; the same code runs here over SHA-256, which is all that the judge knows. Notes are
independent of that: the product's own checkpoints open as they are.
"""

import base64
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.interop.programs import need
from tests.trust.ledger.building import uses
from tests.trust.ledger.witnessed import witnessed
from trust.kernel import merkle
from trust.kernel.merkle import Frontier, Node, TreeHash
from trust.ledger.note_keys import VerifierKey
from trust.ledger.notes import Note
from trust.ledger.tiles import hash_tile, tiles_of

SOURCE = Path(__file__).with_name("tlog")
SHA256 = TreeHash(function=lambda data: hashlib.sha256(data).digest())
_SECONDS = 300

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def judge(tmp_path_factory) -> Path:
    """The Go program, built; `.ci/run` fetches its one module beforehand."""
    program = tmp_path_factory.mktemp("go") / "tlog"
    done = subprocess.run(
        [need("go"), "build", "-o", str(program), "."],
        cwd=SOURCE,
        env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode and "golang.org/x/mod" in done.stderr:
        pytest.skip(f"missing part: the module golang.org/x/mod (go mod download in {SOURCE.name})")
    assert done.returncode == 0, done.stderr
    return program


def ask(judge: Path, *arguments: str, note: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([judge, *arguments], input=note, capture_output=True, check=False, timeout=_SECONDS)


@pytest.fixture
def house(tmp_path):
    made = witnessed(tmp_path)
    made.base.ledger.record(uses(5))
    made.checkpointer.checkpoint()
    made.witnessing.ask()
    yield made
    made.base.database.close()


def test_our_checkpoint_opens_with_the_ed25519_key_and_with_each_witness(judge, house):
    signed = house.checkpointer.latest()
    note = house.notebook.note(signed).content
    for word, key in (("open", house.notebook.log_key), *(("cosigned", each) for each in house.witness_keys)):
        done = ask(judge, word, key.text, note=note)
        assert (done.returncode, done.stdout) == (0, signed.body), done.stderr
        changed = ask(judge, word, key.text, note=note.replace(b"\n5\n", b"\n6\n"))
        assert (changed.returncode, changed.stdout) == (1, b"")


def test_the_judge_ignores_our_own_signature_type_as_the_specification_asks(judge, house):
    own = house.log_keys[1]
    assert own.material[0] == 0xFF
    assert ask(judge, "open", own.text, note=house.notebook.note(house.checkpointer.latest()).content).returncode == 1


def test_a_note_of_the_judge_opens_here(judge):
    done = ask(judge, "sign", "log.example/go", "log.example/go\n1\nnot a root\n")
    vkey, _, note = done.stdout.partition(b"\n")
    key = VerifierKey.parse(vkey.decode())
    assert Note.parse(note).opened([key]).text == b"log.example/go\n1\nnot a root\n"


@pytest.mark.parametrize(("old", "new"), [(1, 2), (200, 256), (255, 257), (256, 700), (513, 1000)])
def test_the_judge_proves_every_record_and_the_growth_from_our_tiles(judge, tmp_path, old, new):
    hashes = [SHA256.leaf(str(number).encode()) for number in range(new)]
    _, finished = Frontier().extend(SHA256, hashes)
    nodes = {Node(0, index): value for index, value in enumerate(hashes)} | dict(finished)

    def read(wanted):
        return {node: nodes[node] for node in wanted}

    for tile in tiles_of(new):
        path = tmp_path / "tile" / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(hash_tile(tile, read))
    for size in (old, new):
        root = merkle.frontier(size, read).root(SHA256)
        (tmp_path / f"root-{size}").write_text(base64.b64encode(root).decode())
    done = ask(judge, "tiles", str(tmp_path), str(old), str(new))
    assert done.returncode == 0, done.stderr
    ours = merkle.consistency_proof(SHA256, old, new, read)
    assert done.stdout.decode().split() == [base64.b64encode(item).decode() for item in ours]
    (tmp_path / f"root-{old}").write_text(base64.b64encode(bytes(32)).decode())
    assert ask(judge, "tiles", str(tmp_path), str(old), str(new)).returncode == 1
