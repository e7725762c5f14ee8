"""A library with small doubles of renderer, sealer and verifier, over a real database and real sealed files.

world = World(tmp_path)
certificate = world.service.issue(CLIENT, command())
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from certs.access_log import Purpose
from certs.authorities import Authority
from certs.catalogue import Catalogue
from certs.domain import Action, ChangeCommand, Contents, Holder, IssueCommand
from certs.links import VerificationLinks
from certs.ports import Archive, Workshop
from certs.service import CertificateService
from certs.store import SqlAuthorities, SqlIntents, SqlLibrary
from certs.vault import Vault
from tests.fakes import CountingRandomness, FixedClock
from trust.db import Base, Database
from trust.files import SealedFolder
from trust.formats.holders import HolderNumber
from trust.gm.sm3 import sm3
from trust.kernel.identifiers import CertificateIdentifier, Uscc
from trust.sealing import BlindIndex, FieldCipher
from verifier.report import Facts, Report, Step, StepResult

LICENCE = "11000000DEM0YX001B001"
PERMIT = "11000000DEM0YX001B002"
PERSON = "11010519491231002X"  # the sample number of GB 11643
OTHER_PERSON = "440524188001010014"
PERSON_NAME = "张示例"
COMPANY = "91350100M000100Y43"  # a published sample of GB 32100
PURPOSE = Purpose(text="办理延续许可")


def uscc(body: str) -> str:
    """Return the credit code that begins with these 17 characters."""
    for last in "0123456789ABCDEFGHJKLMNPQRTUWXY":
        try:
            return Uscc.parse(body + last).value
        except Exception:  # noqa: BLE001, S112  trying all 31
            continue
    raise AssertionError(body)


AUTHORITY = uscc("11110000MB0000000")
OTHER_AUTHORITY = uscc("11110000MB0000001")


@dataclass(frozen=True)
class Caller:
    client: str = "counter-1"
    authority: str = AUTHORITY

    @property
    def name(self) -> str:
        return f"client:{self.client}"


CLIENT = Caller()
OTHER_CLIENT = Caller(client="counter-2", authority=OTHER_AUTHORITY)


def licence(key: str = "key-00000001", **changes) -> IssueCommand:
    """Return a command for a food business licence."""
    face = {
        "representative": "林示例",
        "domicile": "福州市鼓楼区示例路1号",
        "premises": "福州市鼓楼区示例路1号一层",
        "business_form": "餐饮服务经营者",
        "business_items": "热食类食品制售",
        "supervisor": "鼓楼区市场监督管理所",
        "complaints_phone": "12315",
        "signatory": "陈示例",
        **changes.pop("face", {}),
    }
    return command(
        key,
        **{
            "type_code": LICENCE,
            "kind": "001",
            "holder": COMPANY,
            "name": "福州示例餐饮管理有限公司",
            "number": "JY13501020000001",
            "face": face,
            "valid_to": date(2031, 11, 20),
            **changes,
        },
    )


def permit(key: str = "key-00000001", **changes) -> IssueCommand:
    """Return a command for a residence permit."""
    face = {
        "sex": "女",
        "ethnicity": "汉族",
        "birth_date": "1949-12-31",
        "household_address": "北京市朝阳区示例街2号",
        "residence_address": "福州市鼓楼区示例路3号",
        **changes.pop("face", {}),
    }
    return command(
        key,
        **{
            "type_code": PERMIT,
            "kind": "111",
            "holder": PERSON,
            "name": PERSON_NAME,
            "number": "350102000001",
            "face": face,
            "valid_to": date(2027, 11, 20),
            **changes,
        },
    )


def command(key: str, **values) -> IssueCommand:
    holder = Holder(code=HolderNumber(kind=values["kind"], number=values["holder"]), name=values["name"])
    return IssueCommand(
        type_code=values["type_code"],
        contents=Contents(holder=holder, number=values["number"], face=values["face"]),
        valid_from=values.get("valid_from", date(2026, 11, 21)),
        valid_to=values["valid_to"],
        idempotency_key=key,
        supersedes=values.get("supersedes"),
    )


def change(identifier: str, action: Action, **changes) -> ChangeCommand:
    return ChangeCommand(
        identifier=CertificateIdentifier.parse(identifier),
        action=action,
        **{"reason": "经营者申请", "requested_by": "王经办", "approved_by": "李审批", **changes},
    )


class Hooks:
    """Lets a test act at a named boundary: `hooks.at["render"] = callable` runs once, then is gone."""

    def __init__(self) -> None:
        self.at: dict[str, Callable[[], object]] = {}
        self.passed: list[str] = []

    def reach(self, boundary: str) -> None:
        self.passed.append(boundary)
        act = self.at.pop(boundary, None)
        if act is not None:
            act()


class FakeRenderer:
    """Writes the values of the page as text: what a page shows, a reader of its bytes finds."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    def check_renderable(self, face, *, authority):
        self._hooks.reach("check")

    def render(self, values):
        self._hooks.reach("before render")
        page = {
            "identifier": values.identifier.value,
            "values": dict(values.face.values),
            "link": values.link.text,
            "moment": values.moment.isoformat(),
        }
        self._hooks.reach("after render")
        return json.dumps(page).encode()


class FakeSealer:
    """Puts a line under the page; no two seals are the same bytes, as with real signatures."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self.uses = []

    def stamp(self, seal_id, pdf, *, placement, context):
        self._hooks.reach("before seal")
        self.uses.append(context)
        self._hooks.reach("after seal")
        return pdf + f"\nsealed {seal_id} {len(self.uses)}".encode()


class FakeVerifier:
    """Says what it is told to say of every file, and finds the identifier that the fake page holds."""

    def __init__(self, hooks: Hooks, clock: FixedClock) -> None:
        self._hooks = hooks
        self._clock = clock
        self.code = "signature-matches"
        self.identifier = None

    def verify_file(self, data):
        self._hooks.reach("before verify")
        found = self.identifier or json.loads(data.splitlines()[0])["identifier"]
        return Report(
            artefact="pdf",
            digest=sm3(data).hex(),
            judged_at=self._clock.now(),
            steps=(StepResult(step=Step.SIGNATURE, code=self.code),),
            facts=Facts(certificate_identifier=found),
        )


class WatchedFiles:
    """A blob store with boundaries around it."""

    def __init__(self, inner: SealedFolder, hooks: Hooks) -> None:
        self._inner = inner
        self._hooks = hooks
        self.names: list[str] = []

    def put(self, name, content):
        self._hooks.reach("before put")
        self._inner.put(name, content)
        self.names.append(name)
        self._hooks.reach("after put")

    def get(self, name):
        return self._inner.get(name)


class WatchedLibrary(SqlLibrary):
    """The library with boundaries around the final commit."""

    def __init__(self, database: Database, hooks: Hooks) -> None:
        super().__init__(database)
        self._hooks = hooks

    def complete(self, intent, certificate, *, sealed, record):
        self._hooks.reach("before commit")
        super().complete(intent, certificate, sealed=sealed, record=record)
        self._hooks.reach("after commit")


class WatchedIntents(SqlIntents):
    """The intents with boundaries around the reservation."""

    def __init__(self, database: Database, hooks: Hooks) -> None:
        super().__init__(database)
        self._hooks = hooks

    def reserve(self, intent):
        self._hooks.reach("before reserve")
        reserved = super().reserve(intent)
        self._hooks.reach("after reserve")
        return reserved


class World:
    """One installation of the library below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hooks = Hooks()
        self.clock = FixedClock()
        self.database = Database(f"sqlite:///{folder / 'library.sqlite3'}")
        Base.metadata.create_all(self.database.engine)
        self.sealer = FakeSealer(self.hooks)
        self.verifier = FakeVerifier(self.hooks, self.clock)
        self.files = WatchedFiles(SealedFolder(folder / "blobs", FieldCipher(bytes(32))), self.hooks)
        self.intents = WatchedIntents(self.database, self.hooks)
        self.library = WatchedLibrary(self.database, self.hooks)
        index = BlindIndex(b"\x01" * 32)
        self.vault = Vault(cipher=FieldCipher(b"\x02" * 32), index=index)
        self.links = VerificationLinks(base_url="https://example.gov.cn", index=index)
        self.randomness = CountingRandomness()
        self.service = self.build()
        for code in (AUTHORITY, OTHER_AUTHORITY):
            self.service.onboard(authority(code))

    def build(self) -> CertificateService:
        """Return the service as a fresh process would build it over the same state."""
        return CertificateService(
            workshop=Workshop(
                types=Catalogue.load(),
                renderer=FakeRenderer(self.hooks),
                sealer=self.sealer,
                verifier=self.verifier,
            ),
            archive=Archive(
                authorities=SqlAuthorities(self.database),
                intents=self.intents,
                library=self.library,
                files=self.files,
            ),
            vault=self.vault,
            links=self.links,
            clock=self.clock,
            randomness=self.randomness,
        )

    def close(self) -> None:
        self.database.close()


def authority(code: str = AUTHORITY, **changes) -> Authority:
    return Authority(
        **{
            "uscc": Uscc.parse(code),
            "name": "Demonstration Authority",
            "name_zh": "印信演示机关",
            "region": "350102",
            "seal_id": "seal-1",
            "permitted_types": frozenset({LICENCE, PERMIT}),
            **changes,
        }
    )
