"""A library, devices and vouching that the tests of the watch set as they like."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.fakes import FixedClock
from tests.trust.ledger.searching import Found
from trust.keys import KeyPurpose
from trust.ledger.watch.comparing import Vouching
from trust.ledger.watch.domain import Alert, Rule
from trust.ledger.watch.ports import DeviceCount, ListedDocument
from trust.ledger.watch.rules import parse_rules
from trust.ledger.watch.service import AlertDesk, Surroundings, Watch
from trust.ledger.watch.store import SqlWatchStore


@dataclass
class Library:
    documents: list[str] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    name: str = "certs"
    purpose: KeyPurpose = KeyPurpose.SEALING

    def knows(self, document: str) -> bool:
        return document in self.documents or document in self.begun

    def documents_since(self, mark: int, limit: int) -> Sequence[ListedDocument]:
        listed = [ListedDocument(mark=place, document=name) for place, name in enumerate(self.documents, start=1)]
        return listed[mark : mark + limit]


@dataclass
class Devices:
    counted: dict[str, int] = field(default_factory=dict)

    def counts(self) -> Sequence[DeviceCount]:
        return [DeviceCount(key=key, count=count) for key, count in self.counted.items()]


@dataclass
class Watched:
    found: Found
    clock: FixedClock = field(default_factory=FixedClock)
    library: Library = field(default_factory=Library)
    devices: Devices = field(default_factory=Devices)
    due: bool = False
    newest: int | None = None
    witnessed: int | None = None

    def __post_init__(self) -> None:
        self.store = SqlWatchStore(self.found.database)
        self.desk = AlertDesk(self.store, self.clock)

    def watch(self, *rules: Rule) -> Watch:
        vouching = Vouching(
            checkpoint_due=lambda: self.due, newest=lambda: self.newest, witnessed=lambda: self.witnessed
        )
        around = Surroundings(libraries=[self.library], devices=self.devices, vouching=vouching)
        found = self.found
        return Watch(self.store, found.ledger, found.search, self.clock, rules=rules, around=around)

    def places(self) -> list[tuple[str, str]]:
        return [(alert.rule, alert.place) for alert in self.alerts()]

    def alerts(self) -> list[Alert]:
        return self.desk.alerts(still_open=False)


def rule(kind: str, **members: object) -> Rule:
    """One rule as an operator would write it."""
    lines = [f"{name} = {value}" for name, value in members.items()]
    head = f'[[rule]]\nid = "r"\nkind = "{kind}"\nseverity = "warning"\ntitle = "t"\ntitle_zh = "题"\n'
    made = parse_rules(head + "\n".join(lines))["r"]
    assert made is not None
    return made
