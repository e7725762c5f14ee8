"""The blob store: whole files by name, written once, sealed, and durable before anyone names them (law 6).

`obstore` gives one code path for a folder and for S3. Its local store makes no fsync, so the folder variant syncs
file and folder itself. A certificate shows its holder's number; files are therefore sealed like fields (law 7).
"""

from pathlib import Path
from typing import Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore

from trust.durable import sync
from trust.kernel.errors import Conflict, NotFound, Unavailable
from trust.sealing import FieldCipher


class BlobExists(Conflict):
    """There is already another file under this name; files are written once."""

    code = "blob-exists"
    title = "A file of this name exists already."
    title_zh = "同名文件已存在。"


class BlobMissing(NotFound):
    """The file store holds nothing under this name."""

    code = "blob-missing"
    title = "The file is not in the store."
    title_zh = "文件库中没有该文件。"


class BlobStoreUnavailable(Unavailable):
    """The file store refused to read or write."""

    code = "file-store-unavailable"
    title = "The file store does not answer."
    title_zh = "文件存储不可用。"


class BlobStore(Protocol):
    """Where whole files are kept."""

    def put(self, name: str, content: bytes) -> None:
        """Store `content` under a name not used before. Durable when it returns. Raises `BlobExists`."""
        ...

    def get(self, name: str) -> bytes:
        """Return the content. Raises `BlobMissing`."""
        ...


class SealedFolder:
    """A `BlobStore` in a local folder; each file is sealed and bound to its name."""

    def __init__(self, folder: Path, cipher: FieldCipher) -> None:
        self._folder = folder
        self._cipher = cipher
        self._store = LocalStore(folder, mkdir=True)

    def put(self, name: str, content: bytes) -> None:
        """Seal and store; file and folder are synced before this returns."""
        sealed = self._cipher.seal(content, place=f"blob:{name}")
        try:
            obstore.put(self._store, name, sealed, mode="create")
            _sync(self._folder / name, stop=self._folder)
        except AlreadyExistsError:
            raise BlobExists(field=name) from None
        except (BaseError, OSError) as error:
            raise BlobStoreUnavailable(kind=type(error).__name__) from error

    def get(self, name: str) -> bytes:
        """Read and open."""
        try:
            sealed = bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            raise BlobMissing(field=name) from None
        except (BaseError, OSError) as error:
            raise BlobStoreUnavailable(kind=type(error).__name__) from error
        return self._cipher.open(sealed, place=f"blob:{name}")


def _sync(path: Path, *, stop: Path) -> None:
    """Sync the file and every folder from its own up to `stop`, as each may just have been made."""
    for node in (path, *path.parents):
        sync(node)
        if node == stop:
            return
