"""The lower half of the house, opened from the settings: state, keys, ledger. Everything else stands on it.

`open_foundation` refuses when anything is missing; `lay_foundation` (the lower half of `yinxin init`) makes it.
"""

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from hsm_adapter.api import Custodian
from hsm_adapter.errors import InsecureSignerWarning
from hsm_adapter.guard import GuardedSigner
from hsm_adapter.software import SoftwareToken, create_software_token, open_software_token
from portal.home import Home, check_passphrase_place, prepare_home
from trust.config import Settings
from trust.db import Database
from trust.files import SealedFolder
from trust.gm import selftest
from trust.kernel.clock import Clock, SystemClock
from trust.kernel.randomness import Randomness, SystemRandomness
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

    Services see `signer`. Operator commands make keys with `custodian`, which cannot sign. `token` is the bare device:
    nothing but the benchmark, which measures the guard against it, may sign with it.
    """

    settings: Settings
    home: Home
    clock: Clock
    randomness: Randomness
    database: Database
    fields: FieldCipher
    index: BlindIndex
    files: SealedFolder
    token: SoftwareToken
    custodian: Custodian
    ledger_store: SqlLedgerStore
    ledger: Ledger
    signer: GuardedSigner

    def close(self) -> None:
        """Close the database."""
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
        token = _open_token(settings, home, clock, randomness)
        ledger_store = SqlLedgerStore(database)
        ledger = Ledger(ledger_store, clock, token.info)
        return Foundation(
            settings=settings,
            home=home,
            clock=clock,
            randomness=randomness,
            database=database,
            fields=FieldCipher(read_secret_key(home.field_key)),
            index=BlindIndex(read_secret_key(home.index_key)),
            files=SealedFolder(home.files, FieldCipher(read_secret_key(home.file_key))),
            token=token,
            custodian=Custodian(token),
            ledger_store=ledger_store,
            ledger=ledger,
            signer=GuardedSigner(token, ledger, clock),
        )


@contextmanager
def closed_on_failure(part: Closable) -> Iterator[None]:
    """Close what was opened when the block that needs it raises; otherwise it stays open for whoever gets it."""
    try:
        yield
    except BaseException:
        part.close()
        raise


def _open_token(settings: Settings, home: Home, clock: Clock, randomness: Randomness) -> SoftwareToken:
    with warnings.catch_warnings(record=True, action="always", category=InsecureSignerWarning) as raised:
        token = open_software_token(
            home.keys,
            settings.passphrase_path,
            clock=clock,
            randomness=randomness,
            production=settings.environment == "production",
            allowed=settings.allow_software_keys,
        )
    check_passphrase_place(settings)
    for warning in raised:
        _log.info("insecure-signer", reason=str(warning.message))
    return token
