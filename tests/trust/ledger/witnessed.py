"""A ledger with everything outside its database: note key, kept checkpoint, witnesses in memory."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes import FixedClock
from tests.trust.ledger.building import KEY, ORIGIN, RecordingSigner, Setting, setting
from trust.db import Base
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyPurpose, KeyRef, Signature, SigningRequest
from trust.ledger.checkpoints import Checkpointer, Outside
from trust.ledger.halting import Halt
from trust.ledger.memory import CheckpointMemory, RollBackWatch
from trust.ledger.note_errors import WitnessUnreachable
from trust.ledger.note_keys import VerifierKey, ed25519_key, own_key
from trust.ledger.notebook import Notebook
from trust.ledger.receipts import ReceiptDesk
from trust.ledger.witness.asking import Witnessing
from trust.ledger.witness.service import Witness
from trust.ledger.witness.state import LogHash, WatchedLog, WitnessFolder
from trust.ledger.witness.store import SqlNoteLines
from trust.ledger.witness.transport import Reply, WitnessPlace


class BothSigner:
    """Signs as the note signer of hsm_adapter does: the recorded signature first, Ed25519 of the same bytes second."""

    def __init__(self, signer: RecordingSigner) -> None:
        self._signer = signer
        self.private = Ed25519PrivateKey.generate()
        self.public_key = self.private.public_key().public_bytes_raw()

    def sign(self, key: KeyRef, request: SigningRequest, *, purpose: KeyPurpose) -> tuple[Signature, bytes]:
        return self._signer.sign(key, request, purpose=purpose), self.private.sign(request.message)


@dataclass
class LocalTransport:
    """Reaches witnesses without a network; `down` ones do not answer, `lies` are answered instead."""

    witnesses: dict[str, Witness]
    down: set[str] = field(default_factory=set)
    lies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def post(self, url: str, body: bytes) -> Reply:
        prefix, _, name = url.rpartition("/")
        self._reach(prefix, url)
        lie = self.lies.get((prefix, name))
        if lie:
            return lie
        answer = self.witnesses[prefix].add_checkpoint(body)
        return Reply(status=answer.status, body=answer.body)

    def get(self, url: str) -> Reply:
        prefix, origin, name = url.rsplit("/", 2)
        self._reach(prefix, url)
        lie = self.lies.get((prefix, name))
        if lie:
            return lie
        found = self.witnesses[prefix].checkpoint(origin)
        return Reply(status=200, body=found) if found else Reply(status=404, body=b"")

    def _reach(self, prefix: str, url: str) -> None:
        self.asked.append(url)
        if prefix in self.down:
            raise WitnessUnreachable(host=prefix)


@dataclass
class Witnessed:
    base: Setting
    signer: BothSigner
    notebook: Notebook
    watch: RollBackWatch
    checkpointer: Checkpointer
    witnessing: Witnessing
    transport: LocalTransport
    folders: list[WitnessFolder]
    clock: FixedClock
    outside: Path

    @property
    def log_keys(self) -> list[VerifierKey]:
        return [self.notebook.log_key, own_key(ORIGIN, self.base.signer.info.public_key)]

    @property
    def witness_keys(self) -> list[VerifierKey]:
        return [place.key for place in self.witnessing.places]

    @property
    def desk(self) -> ReceiptDesk:
        return ReceiptDesk(
            ledger=self.base.ledger, store=self.base.store, notebook=self.notebook, witnessing=self.witnessing
        )

    def restarted(self) -> Checkpointer:
        """The checkpointer of a process that has seen nothing yet."""
        outside = Outside(signer=self.signer, notebook=self.notebook, watch=self.watch)
        return Checkpointer(self.base.store, self.base.signer, KEY, self.clock, origin=ORIGIN, outside=outside)


def url_of(number: int) -> str:
    return f"https://w{number}.example"


def witnessed(folder: Path, *, witnesses: int = 2, quorum: int = 2) -> Witnessed:
    (folder / "db").mkdir()
    (folder / "outside").mkdir()
    base = setting(folder / "db")
    Base.metadata.create_all(base.database.writer, tables=[Base.metadata.tables["ledger_note_line"]])
    signer, clock, randomness = BothSigner(base.signer), FixedClock(), SystemRandomness()
    keys = (own_key(ORIGIN, base.signer.info.public_key),)
    folders = [WitnessFolder(folder / f"w{number}", randomness) for number in range(witnesses)]
    places = []
    for number, each in enumerate(folders):
        key = each.establish(f"w{number}.example/w")
        each.watch(WatchedLog(origin=ORIGIN, hash=LogHash.SM3, keys=keys))
        places.append(WitnessPlace(key=key, url=url_of(number)))
    transport = LocalTransport({url_of(number): Witness(each, clock) for number, each in enumerate(folders)})
    notebook = Notebook(
        SqlNoteLines(base.database),
        base.signer.describe,
        origin=ORIGIN,
        public_key=signer.public_key,
        witnesses=[place.key for place in places],
    )
    watch = RollBackWatch(
        store=base.store,
        memory=CheckpointMemory(folder / "outside", randomness),
        halt=Halt(folder / "outside", clock, randomness),
        keys=lambda origin: (ed25519_key(origin, signer.public_key), own_key(origin, base.signer.info.public_key)),
        origin=ORIGIN,
    )
    outside = Outside(signer=signer, notebook=notebook, watch=watch)
    return Witnessed(
        base=base,
        signer=signer,
        notebook=notebook,
        watch=watch,
        checkpointer=Checkpointer(base.store, base.signer, KEY, clock, origin=ORIGIN, outside=outside),
        witnessing=Witnessing(
            store=base.store, notebook=notebook, watch=watch, transport=transport, places=places, quorum=quorum
        ),
        transport=transport,
        folders=folders,
        clock=clock,
        outside=folder / "outside",
    )
