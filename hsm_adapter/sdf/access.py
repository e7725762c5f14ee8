"""Access rights to private keys (GM/T 0018, SDF_GetPrivateKeyAccessRight), and the brake on wrong passwords.

A device locks a key for good after a few wrong passwords. Hence: one attempt at a time over all threads and processes
that share the state folder (an flock), and after the first refusal a marker file in that folder: while it is there,
no process asks again. An operator deletes it. Where even the marker cannot be written, this process remembers.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from hsm_adapter.errors import DeviceFailed
from hsm_adapter.sdf import errors
from hsm_adapter.sdf.faults import SdfLockedOut, SdfPasswordUnusable
from hsm_adapter.sdf.profile import SdfProfile
from trust.durable import sync

MIN_PASSWORD_BYTES: Final = 8
"""Shortest password of a private key, bytes (GM/T 0018). A shorter one is not even shown to the device."""

MAX_PASSWORD_BYTES: Final = 256
"""Longest password, bytes. A longer file is some other file named by mistake."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OWNER_ONLY: Final = 0o600
_FOLDER_MODE: Final = 0o700
_LONGEST_ANSWER: Final = 200  # characters of the marker that are shown; its first line is ours and shorter
# Only these say for certain that the password was not judged. Every other answer is taken for a refusal: a vendor may
# have a code of its own for it, and a mistake here costs a look by an operator, the other mistake costs the key.
_NOT_JUDGED: Final = (
    errors.SdfCommunicationFailed,
    errors.SdfHardwareFailed,
    errors.SdfOpenDeviceFailed,
    errors.SdfSessionsExhausted,
    errors.SdfNotSupported,
    errors.SdfKeyNotExist,
)
_log = structlog.get_logger("hsm_adapter.sdf")


class AccessGate:
    """Lets one attempt through at a time, and none after a refusal. Shared by all sessions of a device."""

    def __init__(self, profile: SdfProfile) -> None:
        self._profile = profile
        self._refused = ""

    @property
    def marker(self) -> Path:
        """The file that says the device refused a password."""
        return self._profile.state_folder / f"{self._profile.name}.locked-out"

    def check(self) -> None:
        """Raise `SdfLockedOut` when a password was refused and nobody has acted on it."""
        said = self._refused or self._marked()
        if said:
            raise SdfLockedOut(f"{said} Marker file: {self.marker.name}.", device=self._profile.name)

    def _marked(self) -> str:
        """Return what the device said, from the marker; empty when there is none. One that cannot be read counts."""
        try:
            with self.marker.open("rb") as file:
                said = file.read(_LONGEST_ANSWER).splitlines()[:1]
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            return f"The marker: {error.strerror}."
        return said[0].decode("utf-8", "replace") if said and said[0] else "The marker is empty."

    @contextmanager
    def attempt(self, index: int) -> Iterator[bytearray]:
        """Give the password of the key at `index` for one attempt, and overwrite it; nobody else tries meanwhile.

        Raises:
            SdfLockedOut: a password was refused before, or by what the body raises.
            SdfPasswordUnusable: the file cannot be used, or the state folder cannot keep a marker.
        """
        with self._alone():
            self.check()
            password = _read(self._profile.passwords[index])
            try:
                yield password
            except _NOT_JUDGED:
                raise
            except DeviceFailed as error:
                self._refuse(index, error.detail)
                raise SdfLockedOut(
                    f"{error.detail} Marker file: {self.marker.name}.", device=self._profile.name, index=index
                ) from None
            finally:
                password[:] = bytes(len(password))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of the state folder; it falls with the process that holds it."""
        path = self._profile.state_folder / f"{self._profile.name}.lock"
        try:
            self._profile.state_folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
        except OSError as error:
            raise SdfPasswordUnusable(f"The state folder: {error.strerror}.", device=self._profile.name) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _refuse(self, index: int, said: str) -> None:
        self._refused = said
        _log.error("sdf_password_refused", device=self._profile.name, index=index, said=said)
        try:
            with self.marker.open("w", encoding="utf-8") as file:
                file.write(f"{said}\nkey index {index}; see docs/sdf.md before deleting this file\n")
                file.flush()
                os.fsync(file.fileno())
            sync(self.marker.parent)
        except OSError as error:
            _log.error("sdf_marker_not_written", device=self._profile.name, why=error.strerror)
        else:
            self._refused = ""  # from here on the file speaks, so that deleting it is enough


def _read(path: Path) -> bytearray:
    """Return the password without its line end, in memory that can be overwritten."""
    room = bytearray(MAX_PASSWORD_BYTES + 3)  # room for a line end, and one byte to see that there is more
    try:
        with path.open("rb", buffering=0) as file:
            mode = os.fstat(file.fileno()).st_mode
            size = file.readinto(room)
    except OSError as error:
        raise SdfPasswordUnusable(f"The password file {path.name}: {error.strerror}.", field=path.name) from None
    if mode & _OTHERS:
        _refuse_file(room, path, f"has mode {stat.S_IMODE(mode):04o}; it must be 0600")
    while size and room[size - 1] in b"\r\n":
        size -= 1
    if not MIN_PASSWORD_BYTES <= size <= MAX_PASSWORD_BYTES:
        _refuse_file(room, path, f"must hold {MIN_PASSWORD_BYTES} to {MAX_PASSWORD_BYTES} bytes")
    password = bytearray(size)
    password[:] = memoryview(room)[:size]
    room[:] = bytes(len(room))
    return password


def _refuse_file(room: bytearray, path: Path, why: str) -> None:
    room[:] = bytes(len(room))
    raise SdfPasswordUnusable(f"The password file {path.name} {why}.", field=path.name)
