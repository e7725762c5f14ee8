"""A person's way through a sign-in, step by step, as pages and clients take it."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.counters.domain import Clerk, Matter
from sso.mandates.domain import Mandate, MandateKind
from sso.provider.authorize import Need
from sso.provider.domain import Registered, RelyingSystem
from sso.signin.domain import Method, Session, Strength
from tests.sso.provider.support import USCC, House, application
from trust.formats.holders import HolderNumber
from trust.kernel.identifiers import Uscc

REDIRECT = "https://counter.example/cb"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
MATTER = "food-licence"
TYPES = frozenset({"identity-card", "food-licence"})
SCOPES = "openid profile certs:read offline_access"
CITIZEN, FIRM = "P1", "P9"


def settle(house: House) -> None:
    """People, a matter, no mandates."""
    house.registers.matters[MATTER] = Matter(
        code=MATTER, name="Food", name_zh="食品", purpose="To license food", purpose_zh="办理食品许可", types=TYPES
    )
    for identifier, kind, number, name in (
        (CITIZEN, "111", "11010519491231002X", "王小明"),
        ("P2", "111", "440524188001010014", "李四"),
        (FIRM, "001", USCC, "某某餐饮有限公司"),
    ):
        house.registers.people[identifier] = Person(
            id=identifier,
            code=HolderNumber(kind=kind, number=number),
            name=name,
            level=ProofingLevel.DOCUMENT_CHECKED,
            state=PersonState.ACTIVE,
            epoch=1,
            created_at=house.clock.now(),
        )


def relying(**changes: Any) -> RelyingSystem:
    values: dict[str, Any] = {
        "redirect_uris": (REDIRECT,),
        "matters": frozenset({MATTER}),
        "types": TYPES,
        "resource": "https://counter.example/",
    }
    return RelyingSystem(**(values | changes))


def register(house: House, scopes: str = SCOPES, **changes: Any) -> Registered:
    return house.registry.register_relying(label="窗口系统", authority=USCC, scopes=scopes, relying=relying(**changes))


def session(house: House, **changes: Any) -> Session:
    now = house.clock.now()
    made = Session(
        id="S1",
        person=CITIZEN,
        person_epoch=1,
        strength=Strength.PASSWORD,
        methods=(Method.PASSWORD,),
        auth_time=now,
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=8),
        client="Firefox",
    )
    return replace(made, **changes)


def mandate(house: House, **changes: Any) -> Mandate:
    now = house.clock.now()
    values: dict[str, Any] = {
        "id": "M1",
        "kind": MandateKind.LEGAL_REPRESENTATIVE,
        "principal": FIRM,
        "agent": CITIZEN,
        "granted_by": FIRM,
        "matters": frozenset(),
        "types": frozenset(),
        "valid_from": now - timedelta(days=1),
        "valid_until": None,
        "created_at": now - timedelta(days=1),
    }
    made = Mandate(**(values | changes))
    house.registers.mandates.append(made)
    return made


def clerk(house: House, person: str = CITIZEN) -> Clerk:
    made = Clerk(
        id="C1",
        person=person,
        staff_number="0042",
        name="王小明",
        authority=Uscc.parse(USCC),
        counters=frozenset(),
        epoch=1,
    )
    house.registers.clerks[person] = made
    return made


def parameters(client: str, **changes: str | None) -> dict[str, Sequence[str]]:
    values: dict[str, str | None] = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": REDIRECT,
        "scope": "openid profile certs:read",
        "state": "af0ifjsldkj",
        "nonce": "n-0S6_WzA2Mj",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: [value] for name, value in (values | changes).items() if value is not None}


def answer_of(address: str) -> dict[str, str]:
    """Return what a client finds in its redirect address."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def granted(
    house: House, client: str, who: Session | None = None, represents: str | None = None, **changes: str
) -> str:
    """Return the code of a whole authorization."""
    who = who or session(house)
    pending = house.desk.open(parameters(client, **changes))
    if house.desk.need(pending, who) is Need.CONSENT:
        pending = house.desk.find(pending.id)
    return answer_of(house.desk.approve(pending, who, represents=represents))["code"]


def browser(house: House) -> FlaskClient:
    return application(house).test_client()


def post(house: House, path: str, form: Mapping[str, object], who: Registered | None, **headers: str) -> TestResponse:
    credentials = {} if who is None else {"client_id": who.client.id}
    if who is not None and who.secret:
        credentials["client_secret"] = who.secret
    return browser(house).post(path, data={**credentials, **form}, headers=headers)


def redeem(
    house: House, who: Registered, code: str, headers: Mapping[str, str] | None = None, **changes: str
) -> TestResponse:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return post(house, "/oauth/token", {**form, **changes}, who, **(headers or {}))


def refresh(house: House, who: Registered, token: str, **changes: str) -> TestResponse:
    return post(house, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": token, **changes}, who)


def signed_in(house: House, who: Registered, **changes: str) -> dict[str, Any]:
    """Return the tokens of a whole sign-in."""
    answer = redeem(house, who, granted(house, who.client.id, **changes))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.get_json())


def error_of(answer: TestResponse) -> tuple[int, str]:
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.get_json()["error"]
