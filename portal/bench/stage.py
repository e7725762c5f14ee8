"""Who and what the figures of sign-in and trust passing need: systems, citizens, a clerk, and fresh tokens of theirs.

Everything is registered through the services themselves, in the installation that the served application opens too.
The citizens are invented: region 119999 does not exist, so their numbers belong to nobody.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from portal.demo import data, people
from portal.demo.people import Installed, People
from portal.wiring import Installation
from sso.accounts.domain import Finding, ProofingLevel
from sso.accounts.ports import SourceName
from sso.passing.domain import Case
from sso.passing.request import ACCESS_TOKEN, GRANT_TYPE
from sso.provider.domain import Registered, RelyingSystem
from sso.provider.messages import FORM_MEDIA_TYPE, FormRequest, JsonAnswer
from sso.signin.domain import Method, Session, Strength
from trust.kernel.encoding import base64url
from trust.kernel.errors import InternalFault

CITIZENS: Final = 16
"""Citizens with a password: as many connections sign in at once, and no two of them wait for one account's throttle."""

CALLBACK: Final = "https://first.bench.example/callback"
VERIFIER: Final = "bench-" + "v" * 43
SCOPES: Final = "openid profile certs:read"
_REGION, _BIRTHDAY = "119999", "19900101"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643: modulus 11
_CHECK_DIGITS = "10X98765432"


class StageNotSet(InternalFault):
    """A preparation of the benchmark was refused: its figures would mean nothing."""

    code = "bench-preparation-refused"
    title = "A preparation of the benchmark was refused."
    title_zh = "基准测试的准备步骤被拒绝。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """A person, what they type, and a session of theirs with the secret of its cookie."""

    id: str
    number: str = field(repr=False)
    password: str = field(repr=False)
    session: Session
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Two systems, the first of which passes trust to the second; the demonstration's people, and many citizens."""

    installation: Installation
    first: Registered
    second: Registered
    people: People
    citizens: tuple[Citizen, ...]

    def token(self, citizen: Citizen) -> str:
        """Return a fresh access token of a citizen who signs in to the first system and consents."""
        return self._signed_in(citizen.session, scope=SCOPES, matter=people.FOOD_MATTER.code)

    def clerk_token(self) -> str:
        """Return a fresh access token of the clerk at the first system, after a strong sign-in."""
        clerk = self.installation.people.register.get(self.people.clerk.person)
        session, _ = self.installation.people.sessions.open(
            clerk, Strength.ONE_TIME_CODE, (Method.PASSWORD, Method.OTP), "bench"
        )
        return self._signed_in(session, scope="openid counter:assist", matter=people.FOOD_MATTER.code)

    def case(self, clerk_token: str) -> Case:
        """Open a case at the first counter."""
        desks = self.installation.provider.passing
        return desks.cases.open(desks.reader.read(clerk_token), self.people.counters[0].id, people.FOOD_MATTER.code)

    def exchange_form(self, token: str, **more: str) -> Mapping[str, str]:
        """Return the form by which the first system passes a token on to the second."""
        return {
            "grant_type": GRANT_TYPE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": self.second.client.id,
            **more,
        }

    def counter_form(self, token: str, clerk_token: str, case: str) -> Mapping[str, str]:
        """Return the form of an exchange at a counter, assisted by the clerk."""
        return self.exchange_form(token, actor_token=clerk_token, actor_token_type=ACCESS_TOKEN, case=case)

    def passed(self, form: Mapping[str, str]) -> str:
        """Return the token that the second system gets."""
        return str(_members(self.installation, form, self.first)["access_token"])

    def authorization(self, **more: str) -> Mapping[str, str]:
        """Return the parameters with which the first system sends a browser to sign in."""
        challenge = base64url(hashlib.sha256(VERIFIER.encode()).digest())
        return {
            "response_type": "code",
            "client_id": self.first.client.id,
            "redirect_uri": CALLBACK,
            "scope": SCOPES,
            "matter": people.FOOD_MATTER.code,
            "state": "bench-state",
            "nonce": "bench-nonce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **more,
        }

    def _signed_in(self, session: Session, *, scope: str, matter: str) -> str:
        desk = self.installation.provider.desk
        parameters = self.authorization(scope=scope, matter=matter)
        pending = desk.open({name: [value] for name, value in parameters.items()})
        desk.need(pending, session)
        address = desk.approve(pending, session)
        code = parse_qs(urlsplit(address).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return str(_members(self.installation, form, self.first)["access_token"])


def set_stage(installation: Installation) -> Stage:
    """Register systems, people and citizens, and open a session for each citizen."""
    second = _register(installation, "印信基准测试乙系统", "second", "openid profile certs:read", pass_to={"api"})
    first = _register(
        installation,
        "印信基准测试甲系统",
        "first",
        "openid profile certs:read counter:assist",
        pass_to={second.client.id},
    )
    everyone = people.populate(
        Installed(
            persons=installation.people.register, registers=installation.registers, clock=installation.foundation.clock
        ),
        systems=(first.client.id, second.client.id),
    )
    return Stage(
        installation=installation,
        first=first,
        second=second,
        people=everyone,
        citizens=tuple(_citizen(installation, number) for number in range(CITIZENS)),
    )


def form_body(form: Mapping[str, str]) -> str:
    """Return a form as a request's body."""
    return urlencode(form)


def _register(installation: Installation, label: str, host: str, scopes: str, *, pass_to: set[str]) -> Registered:
    return installation.clients.register_relying(
        label=label,
        authority=data.AUTHORITY,
        scopes=scopes,
        relying=RelyingSystem(
            redirect_uris=(f"https://{host}.bench.example/callback",),
            resource=f"https://{host}.bench.example/api",
            pass_to=frozenset(pass_to),
            matters=frozenset({people.FOOD_MATTER.code}),
            types=frozenset({data.FOOD_LICENCE}),
            contact="bench@example.org",
        ),
    )


def _citizen(installation: Installation, number: int) -> Citizen:
    house = installation.people
    digits = f"{_REGION}{_BIRTHDAY}{number + 100:03d}"
    check = _CHECK_DIGITS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11]
    checked = Finding(source=SourceName.POPULATION.value, level=ProofingLevel.TWO_ELEMENT_MATCH)
    person = house.register.register(people.resident(digits + check), "周示例", evidence=checked)
    password = base64url(installation.foundation.randomness.token(18))
    house.sign_ins.enrol_password(person.id, password)
    session, secret = house.sessions.open(person, Strength.PASSWORD, (Method.PASSWORD,), "bench")
    return Citizen(id=person.id, number=digits + check, password=password, session=session, secret=secret)


def _members(installation: Installation, form: Mapping[str, str], system: Registered) -> Mapping[str, Any]:
    """Ask the token endpoint in this process."""
    answer: JsonAnswer = installation.provider.parts.token.answer(
        FormRequest(
            media_type=FORM_MEDIA_TYPE,
            authorization="",
            form={
                name: [value]
                for name, value in {**form, "client_id": system.client.id, "client_secret": system.secret}.items()
            },
            has_query=False,
        )
    )
    members: Mapping[str, Any] = json.loads(answer.body)
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise StageNotSet(str(members))
    return members
