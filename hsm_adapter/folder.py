"""The folder of the software token: for our account alone, its troubles under their own name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsm_adapter.errors import TokenFolderUnusable

_FOLDER_MODE = 0o700


def make_folder(folder: Path) -> None:
    """Make the folder for our account alone. Raises `TokenFolderUnusable`."""
    with usable(folder):
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(_FOLDER_MODE)


@contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Translate errors of the file system; the name of the folder is shown, its path is not."""
    try:
        yield
    except OSError as error:
        raise TokenFolderUnusable(f"The folder {folder.name}: {error.strerror}.", field=folder.name) from None
