"""The folder that holds all state of an installation: its layout, its making, and the check that it is usable."""

import os
from dataclasses import dataclass
from pathlib import Path

from trust.config import Settings
from trust.durable import write_new
from trust.kernel.errors import NotReady
from trust.kernel.randomness import Randomness
from trust.sealing import KEY_BYTES

_OWNER_ONLY_FOLDER = 0o700
_PASSPHRASE_BYTES = 24  # 192 random bits; nobody types it, it is only read from its file


class HomeMissing(NotReady):
    """The home folder does not exist or was never initialised."""

    code = "home-missing"
    title = "There is no initialised home folder."
    title_zh = "尚无已初始化的主目录。"
    remedy = "Set YINXIN_HOME to the right folder, or run `yinxin init` to make a new installation."
    remedy_zh = "请将 YINXIN_HOME 设为正确的目录，或运行 `yinxin init` 新建系统。"


class HomeNotWritable(NotReady):
    """The home folder cannot be written."""

    code = "home-not-writable"
    title = "The home folder cannot be written."
    title_zh = "主目录不可写。"
    remedy = "Give the service's user write permission on the folder, or free space on its disk."
    remedy_zh = "请授予服务用户对该目录的写权限，或清理磁盘空间。"


class PassphraseNotSet(NotReady):
    """In production the passphrase of the software token must not lie beside the keys that it protects."""

    code = "passphrase-not-set"
    title = "Production needs a passphrase file of its own."
    title_zh = "生产环境必须单独指定口令文件。"
    remedy = "Put the passphrase into a file on another volume and name it in YINXIN_PASSPHRASE_FILE."
    remedy_zh = "请将口令放在另一存储卷的文件中，并用 YINXIN_PASSPHRASE_FILE 指明。"


@dataclass(frozen=True, slots=True)
class Home:
    """The places inside the home folder."""

    folder: Path

    @property
    def keys(self) -> Path:
        """Folder of the software token."""
        return self.folder / "keys"

    @property
    def devices(self) -> Path:
        """Folder of what must be remembered of key devices: which refused a PIN, which is out of service."""
        return self.folder / "devices"

    @property
    def ledger(self) -> Path:
        """Folder of what the ledger keeps outside the database: its last checkpoint, the mark that stops signing."""
        return self.folder / "ledger"

    @property
    def segments(self) -> Path:
        """Folder of the sealed segments: ledger entries that left the database."""
        return self.folder / "segments"

    @property
    def files(self) -> Path:
        """Folder of the sealed files."""
        return self.folder / "files"

    @property
    def field_key(self) -> Path:
        """Key that seals personal data in the database."""
        return self.folder / "secrets" / "field.key"

    @property
    def file_key(self) -> Path:
        """Key that seals the file store."""
        return self.folder / "secrets" / "file.key"

    @property
    def index_key(self) -> Path:
        """Key of the blind index and of verification links."""
        return self.folder / "secrets" / "index.key"

    @property
    def metrics(self) -> Path:
        """Folder where the server processes share their metrics."""
        return self.folder / "metrics"

    def check(self) -> None:
        """Raise `HomeMissing` or `HomeNotWritable` unless the service can work here."""
        if not self.field_key.exists():
            raise HomeMissing(f"{self.folder} is not an initialised home folder.")
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise HomeNotWritable(f"{self.folder} cannot be written.")


def check_passphrase_place(settings: Settings) -> None:
    """Raise `PassphraseNotSet` when production would keep the passphrase beside the keys that it opens."""
    path = settings.passphrase_file
    beside = path is None or path.resolve().is_relative_to(settings.home.resolve())
    if settings.environment == "production" and beside:
        raise PassphraseNotSet(field="passphrase_file")


def prepare_home(settings: Settings, randomness: Randomness) -> Home:
    """Make what is missing in the home folder and leave alone what is there.

    Raises `HomeNotWritable`, `PassphraseNotSet`.
    """
    home = Home(settings.home)
    check_passphrase_place(settings)
    try:
        for folder in (home.folder, home.field_key.parent, home.files, home.ledger, home.segments, home.metrics):
            folder.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
            folder.chmod(_OWNER_ONLY_FOLDER)  # a home that was there before may be open, and the database in it with it
        for path in (home.field_key, home.file_key, home.index_key):
            _make(path, randomness.token(KEY_BYTES), randomness)
        if settings.passphrase_file is None:
            _make(settings.passphrase_path, randomness.token(_PASSPHRASE_BYTES), randomness)
    except OSError as error:
        raise HomeNotWritable(f"{home.folder}: {error.strerror}.") from None
    home.check()
    return home


def _make(path: Path, secret: bytes, randomness: Randomness) -> None:
    """Write a secret as hex; an existing one is never touched."""
    if not path.exists():
        write_new(path, secret.hex().encode() + b"\n", randomness)
