"""An authority on a fresh SQLite file; keys in memory behind the real guard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hsm_adapter.api import Custodian, VerifyAnswer
from hsm_adapter.guard import GuardedSigner
from tests.fakes import CountingRandomness, FixedClock, MemoryRecorder
from trust.authority.domain import AuthorityNames, X509Subject
from trust.authority.profiles import Profile
from trust.authority.service import AuthorityService
from trust.authority.store import SqlAuthorityStore
from trust.db import Base, Database
from trust.formats.x509 import X509
from trust.gm.sm2 import PrivateKey
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import Unavailable
from trust.kernel.identifiers import Uscc
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState

NAMES = AuthorityNames(
    organization="演示市政务服务数据管理局",
    root_common_name="演示市电子印章根CA",
    issuing_common_name="演示市电子印章签发CA",
)
UNIT = X509Subject(
    common_name="演示市市场监督管理局", organization="演示市市场监督管理局", uscc=Uscc.parse("91110000600037341L")
)
OPERATOR = "operator:zhang"
PUBLIC_URL = "http://127.0.0.1:8080"


class MemoryDevice:
    """A key device that forgets everything at the end of the test. `failures` counts down refused batches."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self._keys: dict[KeyRef, tuple[KeyInfo, PrivateKey]] = {}
        self.failures = 0

    def keys(self) -> Sequence[KeyInfo]:
        return [info for info, _ in self._keys.values()]

    def info(self, ref: KeyRef) -> KeyInfo:
        return self._keys[ref][0]

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        key = PrivateKey.generate()
        info = KeyInfo(
            ref=KeyRef(f"key-{len(self._keys)}"),
            algorithm=algorithm,
            purpose=purpose,
            label=label,
            public_key=key.public_key.spki,
            created_at=self._clock.now(),
            state=KeyState.ACTIVE,
        )
        self._keys[info.ref] = (info, key)
        return info

    def retire(self, ref: KeyRef) -> KeyInfo:
        info, key = self._keys[ref]
        self._keys[ref] = (replace(info, state=KeyState.RETIRED), key)
        return self._keys[ref][0]

    def sign_batch(
        self, ref: KeyRef, messages: Sequence[bytes], *, lane: str = "", verify: VerifyAnswer | None = None
    ) -> Sequence[bytes]:
        if self.failures:
            self.failures -= 1
            raise Unavailable
        return [self._keys[ref][1].sign(message) for message in messages]

    def check(self) -> None:
        pass


@dataclass(kw_only=True)
class World:
    """Everything a test of the authority needs at hand."""

    clock: FixedClock
    device: MemoryDevice
    recorder: MemoryRecorder
    custodian: Custodian
    store: SqlAuthorityStore
    service: AuthorityService

    def establish(self) -> tuple[X509, X509]:
        return self.service.establish(self.custodian, NAMES, principal=OPERATOR)

    def issue(
        self, request_id: str = "seal:1", profile: Profile = Profile.SEAL_SIGNER, spki: bytes | None = None
    ) -> X509:
        return self.service.issue(
            profile, UNIT, spki or PrivateKey.generate().public_key.spki, request_id=request_id, principal=OPERATOR
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = FixedClock()
    database = Database(f"sqlite:///{tmp_path / 'authority.sqlite3'}")
    Base.metadata.create_all(database.engine)
    device, recorder, store = MemoryDevice(clock), MemoryRecorder(), SqlAuthorityStore(database)
    service = AuthorityService(
        store=store,
        signer=GuardedSigner(device, recorder, clock),
        clock=clock,
        randomness=CountingRandomness(),
        public_url=PUBLIC_URL + "/",
    )
    yield World(
        clock=clock, device=device, recorder=recorder, custodian=Custodian(device), store=store, service=service
    )
    database.close()
