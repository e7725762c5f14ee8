from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hsm_adapter.api import Custodian, VerifyAnswer
from hsm_adapter.guard import GuardedSigner
from seals.artwork import SealText, draw
from seals.domain import Placement, SealRecord
from seals.making import MakingPoint
from seals.outlines import FontChain, digit_fonts, seal_fonts
from seals.picture import as_operators
from seals.service import SealService
from seals.store import SqlSealStore
from tests.fakes import MOMENT, CountingRandomness, FixedClock, MemoryRecorder
from trust.authority.domain import AuthorityNames
from trust.authority.service import AuthorityService
from trust.authority.store import SqlAuthorityStore
from trust.db import Base, Database
from trust.gm.sm2 import PrivateKey
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import NotFound
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState, UseContext
from trust.typesetting import Typesetter

NAME, LINE, CODE = "示例市市场监督管理局", "证照专用章", "4201000012345"
USCC = "114201000000000004"
CONTEXT = UseContext(principal="client:test", why="issue certificate", document="1.2.156.3005.2.test")
PLACE = Placement(page=1, x_mm=150.0, y_mm=60.0)

PAGE = """
#let data = json(bytes(sys.inputs.data))
#set document(title: "test", date: auto)
#set page(width: 210mm, height: 297mm)
#set text(font: ("Noto Serif SC",), lang: "zh", region: "cn", fallback: false)
#pdf.attach("metadata.json", bytes(sys.inputs.data), relationship: "data", mime-type: "application/json",
  description: "data")
#data.name
#if data.pages == 2 [#pagebreak() 第二页]
"""


class MemoryDevice:
    """A `KeyDevice` in memory."""

    def __init__(self) -> None:
        self._held: dict[KeyRef, tuple[KeyInfo, PrivateKey]] = {}

    def keys(self) -> Sequence[KeyInfo]:
        return [info for info, _ in self._held.values()]

    def info(self, ref: KeyRef) -> KeyInfo:
        if ref not in self._held:
            raise NotFound(field="key")
        return self._held[ref][0]

    def generate(self, *, algorithm: Algorithm, purpose: KeyPurpose, label: str) -> KeyInfo:
        key = PrivateKey.generate()
        info = KeyInfo(
            ref=KeyRef(f"K{len(self._held)}"),
            algorithm=algorithm,
            purpose=purpose,
            label=label,
            public_key=key.public_key.spki,
            created_at=MOMENT,
            state=KeyState.ACTIVE,
        )
        self._held[info.ref] = (info, key)
        return info

    def retire(self, ref: KeyRef) -> KeyInfo:
        info, key = self._held[ref]
        self._held[ref] = (replace(info, state=KeyState.RETIRED), key)
        return self._held[ref][0]

    def sign_batch(
        self, ref: KeyRef, messages: Sequence[bytes], *, lane: str = "", verify: VerifyAnswer | None = None
    ) -> Sequence[bytes]:
        return [self._held[ref][1].sign(message) for message in messages]

    def check(self) -> None:
        return None


@dataclass
class World:
    """A whole small installation in one place."""

    clock: FixedClock
    device: MemoryDevice
    recorder: MemoryRecorder
    signer: GuardedSigner
    authority: AuthorityService
    store: SqlSealStore
    database: Database
    making: MakingPoint
    service: SealService

    def keys_for(self, purpose: KeyPurpose) -> list[KeyInfo]:
        known = self.device.keys()
        return [key for key in known if key.purpose is purpose]

    def made(self, code: str = CODE) -> SealRecord:
        applied = self.service.apply_for(name=NAME, line=LINE, uscc=USCC, code=code, requested_by="operator:wang")
        return self.service.approve(applied.seal_id, approved_by="operator:li")


@pytest.fixture(scope="session")
def names() -> FontChain:
    return seal_fonts([])


@pytest.fixture(scope="session")
def digits() -> FontChain:
    return digit_fonts()


@pytest.fixture(scope="session")
def vector(names: FontChain, digits: FontChain) -> bytes:
    return as_operators(draw(SealText(name=NAME, code=CODE, line=LINE), names=names, digits=digits))


def build_world(folder: Path, names: FontChain, digits: FontChain) -> World:
    clock, randomness, recorder = FixedClock(), CountingRandomness(), MemoryRecorder()
    database = Database(f"sqlite:///{folder / 'test.sqlite3'}")
    Base.metadata.create_all(database.engine)
    device = MemoryDevice()
    signer = GuardedSigner(device, recorder, clock)
    custodian = Custodian(device)
    authority = AuthorityService(
        store=SqlAuthorityStore(database),
        signer=signer,
        clock=clock,
        randomness=randomness,
        public_url="http://127.0.0.1:8080",
    )
    ca = AuthorityNames(organization="示例市", root_common_name="示例根", issuing_common_name="示例签发")
    authority.establish(custodian, ca, principal="operator:init")
    store = SqlSealStore(database)
    making = MakingPoint(store=store, signer=signer, custodian=custodian, issuer=authority, names=names, digits=digits)
    making.establish(organization="示例市印章制作中心", uscc=None, principal="operator:init")
    service = SealService(store=store, signer=signer, clock=clock, randomness=randomness, making=making)
    return World(clock, device, recorder, signer, authority, store, database, making, service)


@pytest.fixture
def world(tmp_path: Path, names: FontChain, digits: FontChain) -> Iterator[World]:
    built = build_world(tmp_path, names, digits)
    yield built
    built.database.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, names: FontChain, digits: FontChain) -> Iterator[World]:
    """A world with a made seal for tests that change nothing in it."""
    built = build_world(tmp_path_factory.mktemp("world"), names, digits)
    built.made()
    yield built
    built.database.close()


@pytest.fixture(scope="module")
def seal_id(shared: World) -> str:
    return shared.service.seals()[0].seal_id


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "page.typ"
    path.write_text(PAGE, "utf-8")
    return path


@pytest.fixture(scope="session")
def pdf(template: Path) -> bytes:
    return Typesetter().pdf(template, {"name": "食品经营许可证" * 40, "pages": 1}, timestamp=MOMENT)


@pytest.fixture(scope="session")
def two_pages(template: Path) -> bytes:
    return Typesetter().pdf(template, {"name": "居住证", "pages": 2}, timestamp=MOMENT)
