"""The device handle that all sessions of this process share, and one session. Every method here may hang.

Who calls them is `hsm_adapter.sdf.workers`: a thread that owns the session and that nobody waits for beyond a deadline.
"""

import contextlib
import threading
from typing import Any, Final

import structlog

from hsm_adapter.errors import DeviceFailed, KeyUnknown
from hsm_adapter.sdf.access import AccessGate
from hsm_adapter.sdf.errors import Ends, SdfFailed, SdfKeyNotExist
from hsm_adapter.sdf.faults import SdfTimedOut
from hsm_adapter.sdf.library import DeviceInfo, SdfLibrary, load
from hsm_adapter.sdf.profile import SdfProfile

_log: Final = structlog.get_logger("hsm_adapter.sdf")


class Connection:
    """One handle of SDF_OpenDevice and the number of sessions on it; `lost` once the device did not answer."""

    __slots__ = ("handle", "lost", "sessions")

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self.lost = False
        self.sessions = 0


class Connector:
    """Opens the device for the first session and again after a loss; closes a handle after its last session."""

    def __init__(self, profile: SdfProfile) -> None:
        self.profile = profile
        self.gate = AccessGate(profile)
        self._current: Connection | None = None
        self._opening = threading.Lock()  # held while the device is opened, which may hang
        self._counting = threading.Lock()  # never held during a call of the device

    def open(self) -> "Session":
        """Open a session, and the device if nobody has. Raises `SdfLibraryUnusable`, `SdfFailed`, `SdfTimedOut`."""
        library = load(self.profile)
        connection = self._join(library)
        try:
            return Session(library, connection, library.open_session(connection.handle), self)
        except BaseException as error:
            if ends_of(error) is Ends.DEVICE:
                self.lose(connection)
            self.leave(library, connection)
            raise

    def _join(self, library: SdfLibrary) -> Connection:
        if not self._opening.acquire(timeout=self.profile.timeout_seconds):
            raise SdfTimedOut("SDF_OpenDevice does not come back.", device=self.profile.name)
        try:
            with self._counting:
                if self._current is not None and not self._current.lost:
                    self._current.sessions += 1
                    return self._current
            connection = Connection(library.open_device())
            connection.sessions = 1
            with self._counting:
                self._current = connection
            return connection
        finally:
            self._opening.release()

    def lose(self, connection: Connection) -> None:
        """Note that the device did not answer on this handle: the next session opens it anew."""
        if not connection.lost:
            connection.lost = True
            _log.warning("sdf_device_lost", device=self.profile.name)

    def leave(self, library: SdfLibrary, connection: Connection) -> None:
        """Count a session off; the last one closes the device."""
        with self._counting:
            connection.sessions -= 1
            last = connection.sessions == 0
            if last and self._current is connection:
                self._current = None
        if last:
            with contextlib.suppress(DeviceFailed, KeyUnknown):  # it may be gone; there is nothing left to save
                library.close_device(connection.handle)


class Session:
    """One session; used by one thread. It obtains the access right to a key at its first use, once."""

    __slots__ = ("_connector", "_handle", "_library", "_rights", "connection")

    def __init__(self, library: SdfLibrary, connection: Connection, handle: Any, connector: Connector) -> None:
        self._library = library
        self._handle = handle
        self._connector = connector
        self._rights: set[int] = set()
        self.connection = connection

    def info(self) -> DeviceInfo:
        """Return what the device says of itself."""
        return self._library.device_info(self._handle)

    def random(self, size: int) -> bytes:
        """Return random bytes of the device."""
        return self._library.random(self._handle, size)

    def public_key(self, index: int) -> bytes:
        """Return 04 || X || Y of the signature key pair at `index`."""
        return self._library.export_sign_public_key(self._handle, index)

    def unlock(self, index: int) -> None:
        """Obtain the access right to the private key, unless the session has it. Raises as `AccessGate.attempt`."""
        if index in self._rights or index not in self._connector.profile.passwords:
            return
        with self._connector.gate.attempt(index) as password:
            self._library.get_access_right(self._handle, index, password)
        self._rights.add(index)

    def sign(self, index: int, e: bytes) -> tuple[int, int]:
        """Return (r, s) over e. Raises as `unlock`, `SdfFailed`, `SdfKeyNotExist`, `SdfAnswerMalformed`."""
        self.unlock(index)
        return self._library.internal_sign(self._handle, index, e)

    def close(self, *, lost: bool = False) -> None:
        """Give the rights back and end the session; a device that is gone is not asked for more than the end."""
        suppressed = contextlib.suppress(DeviceFailed, KeyUnknown)
        if lost:
            self._connector.lose(self.connection)
        if not self.connection.lost:
            for index in self._rights:
                with suppressed:
                    self._library.release_access_right(self._handle, index)
        self._rights.clear()
        with suppressed:
            self._library.close_session(self._handle)
        self._connector.leave(self._library, self.connection)


def ends_of(error: BaseException) -> Ends:
    """Return what cannot be used after an error: what is not an answer of the device puts its session in doubt."""
    return error.ends if isinstance(error, SdfFailed | SdfKeyNotExist) else Ends.SESSION
