"""Law 8 over all doors: whoever gets certificate data of a person leaves one row, and the person sees it."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import pytest
import zxingcpp
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from portal.demo import data, people
from tests.attacks.house import RESIDENCE, Attacked, Browser, give_password
from tests.trust.formats.test_qr import drawn

PURPOSE = "核对住址"
HOLDER = {"kind": "111", "number": data.RESIDENT_NUMBER}
HARMLESS = {"certs.suspend", "certs.resume", "certs.revoke", "pages.scanned"}
"""What takes an identifier and answers with the state of the certificate alone."""


@dataclass(frozen=True, kw_only=True)
class Looking:
    """One certificate, the browser of its holder, and what a department and a system come with."""

    house: Attacked
    identifier: str
    holder: Browser
    department: str
    system: str

    def read(self, token: str, part: str) -> TestResponse:
        # A person's token brings its purpose along; a department names its own.
        query = f"?purpose={PURPOSE}" if token == self.department else ""
        return self.house.api("GET", f"/api/v1/certs/{self.identifier}{part}{query}", token)

    def search(self, token: str) -> TestResponse:
        body = {"holder": HOLDER, "purpose": PURPOSE} if token == self.department else {}
        return self.house.api("POST", "/api/v1/certs/search", token, body)

    def page(self, part: str = "") -> TestResponse:
        return self.holder.get(f"/my/certificates/{self.identifier}{part}")

    def shown(self, page: TestResponse) -> TestResponse:
        return self.holder.submit(page, "/my/shows", {})

    def code(self) -> str:
        """Begin a show and return the path in its picture."""
        page = self.holder.get(self.shown(self.page()).headers["Location"]).get_data(as_text=True)
        (picture,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
        code = zxingcpp.read_barcode(drawn(b64decode(picture).decode()))
        assert code is not None
        return urlsplit(code.text).path


Step = Callable[[], TestResponse]

DOORS: Final[Mapping[str, Callable[[Looking], Step]]] = MappingProxyType(
    {
        "certs.show": lambda who: lambda: who.read(who.department, ""),
        "certs.file": lambda who: lambda: who.read(who.department, "/file"),
        "certs.search": lambda who: lambda: who.search(who.department),
        "certs.show of a system": lambda who: lambda: who.read(who.system, ""),
        "certs.file of a system": lambda who: lambda: who.read(who.system, "/file"),
        "certs.search of a system": lambda who: lambda: who.search(who.system),
        "wallet.overview": lambda who: lambda: who.holder.get("/my/certificates"),
        "wallet.details": lambda who: who.page,
        "wallet.file": lambda who: lambda: who.page("/file"),
        "wallet.preview": lambda who: lambda: who.page("/preview.png"),
        "showing.begin": lambda who: partial(who.shown, who.page()),
        "showing.scanned": lambda who: partial(who.house.browser().get, who.code()),
    }
)
"""By the endpoint: what leads to the door, and returns the step through it."""


@pytest.fixture
def looking(house: Attacked) -> Looking:
    identifier = house.issue(data.RESIDENT_NUMBER, people.CITIZEN_NAME)
    give_password(house, house.people.citizen.id)
    holder = house.browser()
    holder.sign_in(data.RESIDENT_NUMBER)
    system = house.register(
        pass_to=frozenset({"api"}), matters=frozenset({RESIDENCE}), types=frozenset({data.RESIDENCE_PERMIT})
    )
    own = holder.tokens(system, matter=RESIDENCE)["access_token"]
    form = {"client_id": house.department.id, "client_secret": house.department.secret, "scope": "certs:read"}
    department = house.post("/oauth/token", {**form, "grant_type": "client_credentials"})
    return Looking(
        house=house,
        identifier=identifier,
        holder=holder,
        department=department.get_json()["access_token"],
        system=house.exchange(system, own, "api", scope="certs:read").get_json()["access_token"],
    )


def test_every_address_that_takes_an_identifier_is_a_door_or_harmless(house: Attacked) -> None:
    named = {rule.endpoint for rule in house.app.url_map.iter_rules() if "identifier" in rule.arguments}
    assert named - HARMLESS <= DOORS.keys()


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(doors=st.permutations(sorted(DOORS)))
def test_each_look_leaves_one_row_that_the_person_sees(looking: Looking, doors: list[str]) -> None:
    for door in doors:
        step = DOORS[door](looking)
        looking.house.clock.advance(seconds=1)  # looks of one moment for one purpose are one line on the page
        before = rows(looking)
        answer = step()
        assert answer.status_code in {200, 303}, door
        kept, seen = (now - then for now, then in zip(rows(looking), before, strict=True))
        assert (door, kept, seen) == (door, 1, 1)


def rows(looking: Looking) -> tuple[int, int]:
    """Return how many looks are kept of this holder, and how many rows the holder sees."""
    kept = looking.house.installation.certs.accesses(people.resident(data.RESIDENT_NUMBER))
    return len(kept), len(looking.holder.get("/my/looks/export").get_json()["rows"])
