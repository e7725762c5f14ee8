"""An SDF device (GM/T 0018-2023) as a `SigningDevice`: its key pairs lie at indexes and sign e = SM3(Z || M)."""

import itertools
import threading
from collections.abc import Sequence
from typing import Final, NoReturn

import structlog

from hsm_adapter.api import Holding
from hsm_adapter.errors import DeviceCannot, KeyUnknown
from hsm_adapter.sdf.errors import SdfKeyNotExist
from hsm_adapter.sdf.faults import SdfAnswerMalformed
from hsm_adapter.sdf.library import DeviceInfo
from hsm_adapter.sdf.profile import SdfProfile
from hsm_adapter.sdf.sessions import Connector, Session
from hsm_adapter.sdf.workers import Call, Occupancy, SessionPool
from trust.gm.encoding import check_point, encode_signature, encode_spki
from trust.gm.errors import KeyUnusable, SignatureMalformed
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import InvalidInput
from trust.signatures import sm2_key

MAX_RANDOM_BYTES: Final = 4096
"""Most random bytes of one call. It is for tests of the device's health and for seeds, not for bulk."""

_PROBE_BYTES: Final = 16
_log: Final = structlog.get_logger("hsm_adapter.sdf")


class SdfDevice:
    """A `SigningDevice` over a vendor's library. Nothing is opened before the first call; threads may share it.

    Open it in the process that uses it: a vendor's handles do not survive a fork.
    """

    def __init__(self, profile: SdfProfile) -> None:
        self._profile = profile
        self._connector = Connector(profile)
        self._pool = SessionPool(self._connector)

    @property
    def name(self) -> str:
        """The device's name in the settings."""
        return self._profile.name

    @property
    def sessions(self) -> int:
        """How many signatures it makes at the same time in this process."""
        return self._profile.sessions

    def holdings(self) -> Sequence[Holding]:
        """Return the key pairs at the indexes of the profile; an empty index is logged and left out.

        Raises `DeviceFailed` and its kinds, `SdfAnswerMalformed` for a point off the curve.
        """
        found: list[Holding] = []

        def read(session: Session, _call: Call) -> None:
            for index in self._profile.keys:
                try:
                    point = session.public_key(index)
                except SdfKeyNotExist:
                    _log.warning("sdf_key_absent", device=self.name, index=index)
                    continue
                found.append(self._holding(index, point))

        self._pool.run(read)
        return tuple(found)

    def _holding(self, index: int, point: bytes) -> Holding:
        try:
            spki = encode_spki(check_point(point))
        except KeyUnusable as error:
            raise SdfAnswerMalformed(f"Key index {index}: {error.detail}", device=self.name) from None
        return Holding(handle=str(index), algorithm=Algorithm.SM2_SM3, public_key=spki)

    def generate(self, algorithm: Algorithm, *, label: str) -> NoReturn:  # noqa: ARG002  nothing is made
        """GM/T 0018-2023 has no generation among its production functions. Raises `DeviceCannot`."""
        raise DeviceCannot("An SDF device makes keys with its vendor's tool only.", device=self.name)

    def destroy(self, handle: str) -> NoReturn:
        """GM/T 0018-2023 destroys session keys only. Raises `KeyUnknown`, `DeviceCannot`."""
        self._index(handle)
        raise DeviceCannot("An SDF device destroys key pairs with its vendor's tool only.", device=self.name)

    def sign(self, holding: Holding, messages: Sequence[bytes]) -> Sequence[bytes]:
        """Return one DER SEQ{r, s} per message, in order, made on all sessions that are free.

        Raises `KeyUnknown`, `DeviceFailed` and its kinds, or `SdfLockedOut` without asking the device: none of the
        batch is then of use.
        """
        index = self._index(holding.handle)
        if holding.algorithm is not Algorithm.SM2_SM3:
            raise KeyUnknown(f"The key at index {index} signs with SM2 only.", field="key")
        if not messages:
            return ()
        self._connector.gate.check()
        key = sm2_key(holding.public_key)
        batch = _Batch(index, [key.message_digest(message) for message in messages])
        self._pool.run(batch.work, width=min(len(messages), self.sessions))
        return [self._signature(r, s) for r, s in batch.signatures()]

    def _signature(self, r: int, s: int) -> bytes:
        try:
            return encode_signature(r, s)
        except SignatureMalformed as error:
            raise SdfAnswerMalformed(error.detail, device=self.name) from None

    def uses(self, handle: str) -> int | None:
        """GM/T 0018 counts no uses. Raises `KeyUnknown`."""
        self._index(handle)
        return None

    def check(self) -> None:
        """Ask for the device's description, random bytes and the access right to each key.

        Raises `SdfLockedOut` after a refused password, without asking the device; `DeviceFailed` and its kinds.
        """
        self._connector.gate.check()
        self._pool.run(self._probe)

    def _probe(self, session: Session, _call: Call) -> None:
        session.info()
        first, second = session.random(_PROBE_BYTES), session.random(_PROBE_BYTES)
        if first == second or not any(first):
            raise SdfAnswerMalformed("The random generator repeats itself.", device=self.name)
        for index in self._profile.keys:
            try:
                session.unlock(index)
            except SdfKeyNotExist:
                _log.warning("sdf_key_absent", device=self.name, index=index)

    def info(self) -> DeviceInfo:
        """Return what the device says of itself. Raises `DeviceFailed` and its kinds."""
        found: list[DeviceInfo] = []
        self._pool.run(lambda session, _call: found.append(session.info()))
        return found[0]

    def random(self, size: int) -> bytes:
        """Return 1 to `MAX_RANDOM_BYTES` random bytes of the device. Raises `DeviceFailed` and its kinds."""
        if not 0 < size <= MAX_RANDOM_BYTES:
            raise InvalidInput(f"From 1 to {MAX_RANDOM_BYTES} random bytes can be asked for.", field="size")
        found: list[bytes] = []
        self._pool.run(lambda session, _call: found.append(session.random(size)))
        return found[0]

    def occupancy(self) -> Occupancy:
        """Return how many sessions are open, free and abandoned."""
        return self._pool.occupancy()

    def close(self) -> None:
        """End all sessions; the next call opens new ones."""
        self._pool.close()

    def _index(self, handle: str) -> int:
        index = next((index for index in self._profile.keys if str(index) == handle), None)
        if index is None:
            raise KeyUnknown("The profile of the device names no key of this index.", field="key", device=self.name)
        return index


class _Batch:
    """Digests that several sessions sign between them: each takes the next one that nobody has."""

    def __init__(self, index: int, digests: Sequence[bytes]) -> None:
        self._index = index
        self._digests = digests
        self._signatures: list[tuple[int, int] | None] = [None] * len(digests)
        self._next = itertools.count()
        self._lock = threading.Lock()

    def work(self, session: Session, call: Call) -> None:
        while not call.cancelled:
            with self._lock:
                place = next(self._next)
            if place >= len(self._digests):
                return
            self._signatures[place] = session.sign(self._index, self._digests[place])

    def signatures(self) -> list[tuple[int, int]]:
        return [signature for signature in self._signatures if signature is not None]
