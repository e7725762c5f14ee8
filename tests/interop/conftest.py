"""One installation, made in-process as the demonstration makes its own, and what third parties get to see of it.

A folder holds one stamped certificate of each type with the X.509s and revocation lists of the PKI, as downloaded.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from certs.access_log import Purpose
from certs.domain import Certificate
from certs.routes import IssueBody
from portal.demo import data, world
from portal.setup import initialise
from portal.wiring import Installation
from seals.domain import Placement, StampJob
from sso.provider.domain import ClientAuthentication
from tests.integration.installation import template
from tests.interop.relying.house import Citizen, House, opened
from tests.interop.relying.listener import Listener, listening
from tests.interop.relying.node import LIBRARIES, Library, prepare, started
from tests.interop.relying.system import REGISTERED_AS, Registering, System
from trust.config import load_settings
from trust.kernel.identifiers import CertificateIdentifier
from trust.keys import UseContext
from trust.typesetting import Typesetter, UnrenderableCharacter

PUBLIC_URL = "https://zz.example.gov.cn"
NAMES = ("food", "permit")
RARE_NAME = "演示市𠮷𫖯𬮿小馆"  # U+20BB7, U+2B5AF, U+2CBBF: extensions B, C and E of the unified ideographs
PUBLISHED = ("root.cer", "issuing.cer", "root.crl", "issuing.crl")


@dataclass(frozen=True, kw_only=True)
class Clerk:
    """The caller: the authority's business system."""

    client: str = "interop"
    authority: str = data.AUTHORITY
    name: str = "client:interop"


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A stamped certificate as its holder has it."""

    certificate: Certificate
    body: dict[str, Any]
    path: Path
    link: str

    @property
    def pdf(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True, kw_only=True)
class Exhibits:
    """Everything that anyone can download: the certificates, and what is published under /pki."""

    folder: Path
    food: Exhibit
    permit: Exhibit

    def published(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


def today() -> date:
    """The calendar day of the issuing authorities."""
    return datetime.now(timezone(timedelta(hours=8))).date()


def issue(installation: Installation, body: dict[str, Any], key: str, folder: Path) -> Exhibit:
    """Issue one certificate and keep its file, named for the key."""
    service = installation.certs
    certificate = service.issue(Clerk(), IssueBody.model_validate(body, strict=False).parse(f"interop-{key}"))
    identifier = CertificateIdentifier.parse(certificate.identifier)
    path = folder / f"{key}.pdf"
    path.write_bytes(service.file(Clerk(), identifier, Purpose(text="interop test")).content)
    return Exhibit(certificate=certificate, body=body, path=path, link=service.verification_link(certificate).text)


def found(home: Path, **settings: object) -> Installation:
    """Make an installation with the demonstration's authority and seal."""
    opened = initialise(load_settings(home=home, public_url=PUBLIC_URL, **settings), organization="测试运营单位")
    world.onboard(opened, world.make_seal(opened))
    return opened


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    opened = found(tmp_path_factory.mktemp("interop") / "home")
    yield opened
    opened.close()


def exhibit_all(installation: Installation, folder: Path) -> Exhibits:
    """Issue one certificate of each type and lay out what is published."""
    food = issue(installation, data.food_licence(today()), "food", folder)
    permit = issue(installation, data.residence_permit(today()), "permit", folder)
    publish(installation, folder)
    return Exhibits(folder=folder, food=food, permit=permit)


def publish(installation: Installation, folder: Path) -> None:
    """Write the files that are downloaded from /pki."""
    material = installation.authority.material()
    contents = (*material.roots, *material.intermediates, *material.crls)
    for name, content in zip(PUBLISHED, contents, strict=True):
        (folder / name).write_bytes(content)


@pytest.fixture(scope="session")
def exhibits(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Exhibits:
    return exhibit_all(installation, tmp_path_factory.mktemp("exhibits"))


@pytest.fixture(scope="session")
def rare(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Exhibit:
    """A certificate with characters that only the rare-character fonts have."""
    body: dict[str, Any] = data.food_licence(today())
    body["holder"]["name"] = RARE_NAME
    try:
        return issue(installation, body, "rare", tmp_path_factory.mktemp("rare"))
    except UnrenderableCharacter as refusal:
        pytest.skip(f"missing part: rare-character fonts (fonts-hanazono, fonts-babelstone-han): {refusal.detail}")


@pytest.fixture(scope="session")
def twice(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of PDF/A-3b with two seals, the second in a revision of its own (联合颁发)."""
    folder = tmp_path_factory.mktemp("twice")
    (folder / "page.typ").write_text('#set document(title: "联合颁发")\n#set text(font: "Noto Serif SC")\n联合颁发')
    page = Typesetter().pdf(folder / "page.typ", {}, timestamp=installation.foundation.clock.now())
    (seal,) = installation.seals.seals()
    context = UseContext(principal="test", why="interop test")
    first, second = (Placement(page=1, x_mm=x, y_mm=60.0) for x in (60.0, 140.0))
    job = StampJob(pdf=page, placement=first, context=context, further_seals=True)
    (once,) = installation.seals.stamp_many(seal.seal_id, (job,))
    both = installation.seals.countersign(seal.seal_id, StampJob(pdf=once, placement=second, context=context))
    path = folder / "twice.pdf"
    path.write_bytes(both)
    return path


@pytest.fixture(params=NAMES)
def exhibit(exhibits: Exhibits, request: pytest.FixtureRequest) -> Exhibit:
    """Each certificate in turn."""
    chosen: Exhibit = getattr(exhibits, request.param)
    return chosen


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    """The address of the relying systems."""
    with listening() as found:
        yield found


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Iterator[House]:
    """The served provider, with a citizen who can sign in."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("house"), listener) as found:
        yield found


@pytest.fixture
def citizen() -> Iterator[Citizen]:
    """The citizen with a fresh browser."""
    made = Citizen()
    yield made
    made.browser.close()


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("relying"))


@pytest.fixture(scope="session", params=LIBRARIES)
def library(request: pytest.FixtureRequest, scripts: Path) -> Iterator[Library]:
    with started(scripts, request.param) as running:
        yield running


@pytest.fixture
def register(library: Library, house: House) -> Registering:
    """Register a system that runs on the library."""

    def made(method: str = "basic", *, dpop: bool = False, **relying: Any) -> System:
        node = library.party()
        if method == "private_key_jwt":
            relying["jwks"] = json.dumps(node.do("keys"))
        relying["authentication"] = REGISTERED_AS.get(method, ClientAuthentication.SECRET)
        system = System(node=node, registered=house.register(dpop_required=dpop, **relying), house=house)
        system.set_up(method, dpop=dpop)
        return system

    return made
