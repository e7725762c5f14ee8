from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from sso.accounts.domain import Evidence, Person, PersonState, ProofingLevel
from sso.provider.claims import Assurance, ReadToken, Representation, TokenContents
from sso.provider.domain import Scope
from sso.provider.dpop import DpopChecker
from sso.provider.errors import TokenExpired
from sso.provider.metadata import CLAIMS, TRUST_FRAMEWORK
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.reference import represented_claim
from sso.provider.userinfo import UserInfo
from sso.provider.userinfo_routes import blueprint
from sso.signin.domain import Strength
from tests.fakes import MOMENT, FixedClock
from tests.sso.provider.edges import USCC, MemoryClients, MemoryReplay, relying_client
from trust.formats.holders import HolderNumber
from trust.http import problems

NUMBER = "11010519491231002X"  # the specimen of GB 11643
PERSON = Person(
    id="01P",
    code=HolderNumber(kind="111", number=NUMBER),
    name="张三",
    level=ProofingLevel.IN_PERSON,
    state=PersonState.ACTIVE,
    epoch=1,
    created_at=MOMENT,
)
COMPANY = replace(PERSON, id="01C", code=HolderNumber(kind="001", number=USCC), name="演示有限公司")


def proof(identifier: str = "e1", **changes: Any) -> Evidence:
    facts: dict[str, Any] = {
        "person": "01P",
        "source": "counter",
        "level": ProofingLevel.IN_PERSON,
        "at": MOMENT,
        "document_kind": "111",
        "document_expires": date(2030, 1, 1),
        "counter": "01COUNTER",
        "clerk": "01CLERK",
    }
    return Evidence(id=identifier, **(facts | changes))


class Persons:
    def __init__(self, *evidence: Evidence, **changes: Any) -> None:
        self._evidence = evidence
        self._people = {"01P": replace(PERSON, **changes), "01C": COMPANY}

    def get(self, person_id: str) -> Person:
        return self._people[person_id]

    def evidence(self, person_id: str) -> Sequence[Evidence]:
        return self._evidence


def token(*scopes: str, represents: Representation | None = None) -> ReadToken:
    contents = TokenContents(
        client="01RP",
        audience="https://rp.example",
        person="01P",
        grant="01G",
        session="01S",
        scopes=frozenset(scopes),
        assurance=Assurance(
            level=ProofingLevel.SELF_ASSERTED, strength=Strength.PASSWORD, methods=("pwd",), auth_time=MOMENT
        ),
        ties=frozenset(),
        represents=represents,
    )
    claims = {"represents": represented_claim(represents) | {"sub": "pairwise-c"}} if represents else {}
    return ReadToken(
        jti="j", subject="pairwise-p", issued_at=MOMENT, expires_at=MOMENT, contents=contents, claims=claims
    )


def ask(read: ReadToken, *evidence: Evidence, scopes: frozenset[Scope] | None = None, **changes: Any) -> dict[str, Any]:
    client = relying_client("01RP")
    client = client if scopes is None else replace(client, scopes=scopes)
    return dict(UserInfo(Persons(*evidence, **changes), MemoryClients(client), FixedClock()).claims(read))


def test_openid_alone_tells_no_more_than_the_pseudonym_and_the_level() -> None:
    assert ask(token("openid"), proof()) == {"sub": "pairwise-p", "ial": "urn:yinxin:ial:3"}


def test_profile_tells_the_name_and_identity_the_number() -> None:
    claims = ask(token("openid", "profile"), proof())
    assert (claims["name"], "holder_number" in claims) == ("张三", False)
    claims = ask(token("openid", "identity"), proof())
    assert (claims["holder_kind"], claims["holder_number"], "name" in claims) == ("111", NUMBER, False)


def test_the_level_is_that_of_now_and_not_of_the_token() -> None:
    claims = ask(token("openid"), level=ProofingLevel.TWO_ELEMENT_MATCH)
    assert claims["ial"] == "urn:yinxin:ial:1"


@pytest.mark.parametrize("scopes", [(), ("profile",), ("certs:read",)])
def test_without_openid_there_is_no_answer(scopes: tuple[str, ...]) -> None:
    with pytest.raises(OAuthRefused) as refusal:
        ask(token(*scopes))
    assert (refusal.value.error, refusal.value.status) == ("insufficient_scope", 403)


def test_a_scope_taken_from_the_client_is_taken_from_its_tokens() -> None:
    claims = ask(token("openid", "profile", "identity"), proof(), scopes=frozenset({Scope.OPENID, Scope.PROFILE}))
    assert "holder_number" not in claims
    assert "holder_number" not in claims["verified_claims"]["claims"]
    with pytest.raises(OAuthRefused):
        ask(token("openid"), scopes=frozenset({Scope.CERTS_READ}))


def test_verified_claims_say_how_and_when() -> None:
    claims = ask(token("openid", "profile", "identity"), proof(), proof("e2", at=MOMENT + timedelta(days=1)))
    verified = claims["verified_claims"]
    assert verified["claims"] == {"name": "张三", "holder_kind": "111", "holder_number": NUMBER}
    assert verified["verification"]["trust_framework"] == TRUST_FRAMEWORK
    assert verified["verification"]["assurance_level"] == "urn:yinxin:ial:3"
    assert verified["verification"]["time"] == (MOMENT + timedelta(days=1)).isoformat()
    first, _ = verified["verification"]["evidence"]
    assert first == {
        "type": "document",
        "time": MOMENT.isoformat(),
        "check_details": [{"check_method": "vpip", "time": MOMENT.isoformat()}],
        "document_details": {"type": "111", "date_of_expiry": "2030-01-01"},
    }


def test_a_register_that_was_asked_is_an_electronic_record() -> None:
    asked = proof(
        source="population-register", level=ProofingLevel.TWO_ELEMENT_MATCH, document_kind=None, document_expires=None
    )
    claims = ask(token("openid", "profile"), asked, level=ProofingLevel.TWO_ELEMENT_MATCH)
    (evidence,) = claims["verified_claims"]["verification"]["evidence"]
    assert evidence == {
        "type": "electronic_record",
        "time": MOMENT.isoformat(),
        "record": {"type": "population_register", "source": {"name": "population-register"}},
    }


@pytest.mark.parametrize(
    "change",
    [
        {"level": ProofingLevel.TWO_ELEMENT_MATCH},
        {"document_expires": date(2020, 1, 1)},
        {"name_version": 7},
        {"person": "01DUPLICATE"},
    ],
)
def test_evidence_that_does_not_carry_the_level_is_not_named(change: dict[str, Any]) -> None:
    claims = ask(token("openid", "profile"), proof(**change), proof("e2", document_kind="414"))
    (evidence,) = claims["verified_claims"]["verification"]["evidence"]
    assert evidence["document_details"]["type"] == "414"


def test_neither_clerk_nor_counter_is_named() -> None:
    text = str(ask(token("openid", "profile", "identity"), proof()))
    assert "01CLERK" not in text
    assert "01COUNTER" not in text


def test_what_somebody_says_of_themselves_is_not_verified() -> None:
    claims = ask(token("openid", "profile"), level=ProofingLevel.SELF_ASSERTED)
    assert claims == {"sub": "pairwise-p", "ial": "urn:yinxin:ial:0", "name": "张三"}


def test_the_pair_of_representative_and_represented() -> None:
    company = Representation(person="01C", mandate="01M", kind="legal-representative", name="演示有限公司", uscc=USCC)
    claims = ask(token("openid", represents=company))
    assert claims["represents"] == {
        "sub": "pairwise-c",
        "kind": "legal",
        "mandate": {"id": "01M", "kind": "legal-representative"},
        "name": "演示有限公司",
        "uscc": USCC,
    }


def test_a_represented_person_is_named_as_the_scopes_allow() -> None:
    other = Representation(person="01P", mandate="01M", kind="one-off", name="张三", uscc=None)
    assert "name" not in ask(token("openid", represents=other))["represents"]
    assert ask(token("openid", "profile", represents=other))["represents"]["name"] == "张三"


def test_every_claim_is_in_the_metadata() -> None:
    company = Representation(person="01C", mandate="01M", kind="one-off", name="演示有限公司", uscc=USCC)
    claims = ask(token("openid", "profile", "identity", represents=company), proof())
    assert set(claims) <= set(CLAIMS)


class Reader:
    def __init__(self, read: ReadToken) -> None:
        self._read = read

    def read(self, text: str) -> ReadToken:
        if text != "living":
            raise TokenExpired
        return self._read


def served(read: ReadToken, method: str = "GET", authorization: str = "Bearer living") -> TestResponse:
    app = APIFlask(__name__)
    problems.install(app)
    desk = UserInfo(Persons(proof()), MemoryClients(relying_client("01RP")), FixedClock())
    proofs = DpopChecker(MemoryReplay(), FixedClock(), issuer="https://trust.example")
    app.register_blueprint(blueprint(desk, Reader(read), proofs))
    return app.test_client().open("/oauth/userinfo", method=method, headers={"Authorization": authorization})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_endpoint_answers_and_is_not_kept(method: str) -> None:
    answer = served(token("openid", "profile"), method)
    assert (answer.status_code, answer.get_json()["name"]) == (200, "张三")
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_endpoint_refuses_as_rfc_6750_says() -> None:
    answer = served(token("profile"))
    assert (answer.status_code, answer.get_json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    dead = served(token("openid"), authorization="Bearer dead")
    assert (dead.status_code, dead.get_json()["code"]) == (401, "token-expired")
    assert 'error="invalid_token"' in dead.headers["WWW-Authenticate"]
    assert served(token("openid"), authorization="").status_code == 401


def test_a_bound_token_without_its_proof_is_refused() -> None:
    read = token("openid")
    bound = replace(read, contents=replace(read.contents, confirmation="thumbprint"))
    answer = served(bound)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "proof-refused")
