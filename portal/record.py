"""The ledger as the world outside sees it: checkpoints as notes, witnesses, receipts; plugged together."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from flask import Blueprint

from portal.foundation import Foundation
from trust.http.access import TokenChecker, caller
from trust.keys import KeyPurpose, KeyRef
from trust.ledger.checkpoints import Checkpointer, Outside
from trust.ledger.memory import CheckpointMemory, RollBackWatch
from trust.ledger.note_keys import VerifierKey, ed25519_key, own_key
from trust.ledger.notebook import Notebook
from trust.ledger.officer import bundle_reader, receipt_reader
from trust.ledger.public.routes import PublicLedger, receipts_blueprint, tiles_blueprint
from trust.ledger.receipts import ReceiptDesk
from trust.ledger.witness.asking import Witnessing
from trust.ledger.witness.store import SqlNoteLines
from trust.ledger.witness.transport import HttpTransport, WitnessPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What keeps the ledger honest before others. `watch` compares it with what was signed once."""

    checkpointer: Checkpointer
    notebook: Notebook
    watch: RollBackWatch
    witnessing: Witnessing
    receipts: ReceiptDesk


def open_record(base: Foundation, key: KeyRef) -> Record:
    """Plug the parts together; checkpoints are signed by `key` until another succeeds it.

    Raises `WitnessMisconfigured`, `NoteMalformed`.
    """
    settings, store, origin = base.settings, base.ledger_store, ledger_origin(base.settings.public_url)
    places = [WitnessPlace.parse(text) for text in settings.witnesses]
    notebook = Notebook(
        SqlNoteLines(base.database),
        base.signer.describe,
        origin=origin,
        public_key=base.note_signer.public_key,
        witnesses=[place.key for place in places],
    )
    watch = RollBackWatch(
        store=store,
        memory=CheckpointMemory(base.home.ledger, base.randomness),
        halt=base.halt,
        keys=partial(log_keys, base),
        origin=origin,
    )
    witnessing = Witnessing(
        store=store,
        notebook=notebook,
        watch=watch,
        transport=HttpTransport(),
        places=places,
        quorum=settings.witness_quorum,
    )
    return Record(
        checkpointer=Checkpointer(
            store,
            base.signer,
            partial(_key_of_the_moment, base, key),
            base.clock,
            origin=origin,
            outside=Outside(signer=base.note_signer, notebook=notebook, watch=watch),
            every=timedelta(seconds=settings.checkpoint_seconds),
        ),
        notebook=notebook,
        watch=watch,
        witnessing=witnessing,
        receipts=ReceiptDesk(ledger=base.ledger, store=store, notebook=notebook, witnessing=witnessing),
    )


def record_routes(base: Foundation, record: Record, tokens: TokenChecker) -> tuple[Blueprint, ...]:
    """Return the routes of checkpoints, tiles and receipts; leaves are for whoever may read the ledger."""
    public = PublicLedger(
        ledger=base.ledger,
        store=base.ledger_store,
        notebook=record.notebook,
        witnessing=record.witnessing,
        receipts=record.receipts,
    )

    return (
        tiles_blueprint(public, bundle_reader(tokens)),
        receipts_blueprint(public, receipt_reader(tokens), lambda: caller(tokens)),
    )


def ledger_origin(public_url: str) -> str:
    """Return the name of this ledger among all others: host and path, without a scheme."""
    return f"{urlsplit(public_url).netloc}/ledger"


def _key_of_the_moment(base: Foundation, first: KeyRef) -> KeyRef:
    """Return the active checkpoint key to sign with; where there is none, the `first`, whose refusal says why."""
    active = [key.ref for key in base.policies.in_service() if key.purpose is KeyPurpose.LEDGER_CHECKPOINT]
    return active[-1] if active else first


def log_keys(base: Foundation, origin: str) -> tuple[VerifierKey, ...]:
    """Return the keys that this installation has ever signed checkpoints with, the retired ones too: Ed25519 first."""
    known = base.keys.custodian.keys()
    own = (own_key(origin, key.public_key) for key in known if key.purpose is KeyPurpose.LEDGER_CHECKPOINT)
    return ed25519_key(origin, base.note_signer.public_key), *own
