"""The lower half of the house, opened from the settings: state, keys, ledger. Everything else stands on it.

`open_foundation` refuses when anything is missing; `lay_foundation` (the lower half of `yinxin init`) makes it.
"""

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from hsm_adapter.errors import InsecureSignerWarning
from hsm_adapter.guard import GuardedSigner
from hsm_adapter.note_key import RecordedNoteSigner, create_note_key
from hsm_adapter.opening import KeyFiles, OpenedKeys, open_keys
from hsm_adapter.software import create_software_token
from portal.home import Home, check_passphrase_place, prepare_home
from portal.policies import Policies, open_policies
from trust.config import Settings
from trust.db import Database
from trust.files import SealedFolder
from trust.gm import selftest
from trust.kernel.clock import Clock, SystemClock
from trust.kernel.randomness import Randomness, SystemRandomness
from trust.ledger.halting import Halt, HaltingRecorder
from trust.ledger.segments.archive import Archive
from trust.ledger.segments.files import SegmentFolder
from trust.ledger.segments.store import SqlSegmentStore
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore
from trust.migrations.runner import check_migrated, migrate
from trust.sealing import BlindIndex, FieldCipher, read_secret_key

_log = structlog.get_logger("portal.foundation")


class Closable(Protocol):
    """Something that holds connections."""

    def close(self) -> None:
        """Release them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """The opened lower half.

    Services see `signer`; checkpoints are signed by `note_signer`, through it. Operator commands make keys with
    `keys.custodian`, which cannot sign. `keys.token` is the bare device: nothing but the benchmark, which measures the
    guard against it, may sign with it.
    """

    settings: Settings
    home: Home
    clock: Clock
    randomness: Randomness
    database: Database
    fields: FieldCipher
    index: BlindIndex
    files: SealedFolder
    keys: OpenedKeys
    ledger_store: SqlLedgerStore
    ledger: Ledger
    halt: Halt
    policies: Policies
    signer: GuardedSigner
    note_signer: RecordedNoteSigner

    def close(self) -> None:
        """End the sessions of the devices and close the database."""
        self.keys.pool.close()
        self.database.close()


def lay_foundation(settings: Settings, clock: Clock | None = None, randomness: Randomness | None = None) -> Foundation:
    """Make what is missing (home, secrets, database, key store) and open it; safe to repeat.

    Raises `NotReady` errors, each naming what to do.
    """
    randomness = randomness or SystemRandomness()
    home = prepare_home(settings, randomness)
    with closing(Database(settings.database_address)) as database:
        migrate(database)
    if not (home.keys / "token.json").exists():
        create_software_token(home.keys, settings.passphrase_path, randomness=randomness)
    create_note_key(home.keys, settings.passphrase_path, randomness=randomness)
    return open_foundation(settings, clock, randomness)


def open_foundation(settings: Settings, clock: Clock | None = None, randomness: Randomness | None = None) -> Foundation:
    """Open an initialised installation.

    Runs the self-test of the cryptography first and refuses to go on when it fails. Raises `HomeMissing`,
    `HomeNotWritable`, `SecretMissing`, `DatabaseNotMigrated`, `DatabaseNotDurable`, `PassphraseWrong`,
    `PassphraseNotSet`, `SoftwareKeysRefused`, `SelfTestFailed`.
    """
    clock = clock or SystemClock()
    randomness = randomness or SystemRandomness()
    selftest.run()
    home = Home(settings.home)
    home.check()
    database = Database(settings.database_address)
    with closed_on_failure(database):
        check_migrated(database)
        database.check_durable()
        keys = _open_keys(settings, home, clock, randomness)
        ledger_store = SqlLedgerStore(database)
        archive = Archive(SqlSegmentStore(database), SegmentFolder(home.segments, randomness))
        ledger = Ledger(ledger_store, clock, keys.token.info, archive)
        halt = Halt(home.ledger, clock, randomness)
        policies = open_policies(database, ledger, keys, folder=home.ledger, clock=clock, randomness=randomness)
        signer = GuardedSigner(keys.token, HaltingRecorder(ledger, halt), clock, policies.rule)
        return Foundation(
            settings=settings,
            home=home,
            clock=clock,
            randomness=randomness,
            database=database,
            fields=FieldCipher(read_secret_key(home.field_key)),
            index=BlindIndex(read_secret_key(home.index_key)),
            files=SealedFolder(home.files, FieldCipher(read_secret_key(home.file_key))),
            keys=keys,
            ledger_store=ledger_store,
            ledger=ledger,
            halt=halt,
            policies=policies,
            signer=signer,
            note_signer=RecordedNoteSigner(signer, home.keys, settings.passphrase_path),
        )


@contextmanager
def closed_on_failure(part: Closable) -> Iterator[None]:
    """Close what was opened when the block that needs it raises; otherwise it stays open for whoever gets it."""
    try:
        yield
    except BaseException:
        part.close()
        raise


def _open_keys(settings: Settings, home: Home, clock: Clock, randomness: Randomness) -> OpenedKeys:
    files = KeyFiles(
        folder=home.keys,
        passphrase_file=settings.passphrase_path,
        devices_file=settings.devices_file,
        state_folder=home.devices,
    )
    with warnings.catch_warnings(record=True, action="always", category=InsecureSignerWarning) as raised:
        keys = open_keys(
            files,
            clock=clock,
            randomness=randomness,
            production=settings.environment == "production",
            allowed=settings.allow_software_keys,
        )
    check_passphrase_place(settings)
    for warning in raised:
        _log.info("insecure-signer", reason=str(warning.message))
    return keys
