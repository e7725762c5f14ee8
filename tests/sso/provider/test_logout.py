from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso.provider.keyring import SM2_ALGORITHM, Keyring
from sso.provider.logout import MAX_STATE_CHARACTERS, PARAMETERS, LogoutDesk
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.signing import ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, TokenSigner, UnsignedToken
from sso.provider.subjects import PairwiseSubjects
from sso.signin.domain import Method, Session, Strength
from tests.fakes import MOMENT
from tests.sso.provider.edges import MemoryClients, TwoAlgorithmSigner, relying_client
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import NotFound
from trust.sealing import BlindIndex

ISSUER = "https://trust.example"
BACK = "https://rp.example/bye"
SUBJECTS = PairwiseSubjects(BlindIndex(bytes(32)))
ADDRESSES = (BACK, "https://rp.example/bye?x=1&y=")


def session(identifier: str = "01MINE") -> Session:
    return Session(
        id=identifier,
        person="01P",
        person_epoch=1,
        strength=Strength.PASSWORD,
        methods=(Method.PASSWORD,),
        auth_time=MOMENT,
        created_at=MOMENT,
        last_seen_at=MOMENT,
        expires_at=MOMENT,
        client="Firefox",
    )


MINE = session()


class Sessions:
    def __init__(self) -> None:
        self.ended: list[tuple[str, str]] = []
        self.gone = False

    def end(self, session_id: str, by: str) -> None:
        if self.gone:
            raise NotFound
        self.ended.append((session_id, by))


class House:
    def __init__(self) -> None:
        device = TwoAlgorithmSigner()
        ring = Keyring([device.make(Algorithm.ECDSA_P256_SHA256), device.make(Algorithm.SM2_SM3)])
        self.signer = TokenSigner(device, ring)
        self.sessions = Sessions()
        clients = MemoryClients(
            relying_client("01RP", post_logout_redirect_uris=ADDRESSES),
            relying_client("01OTHER", post_logout_redirect_uris=("https://other.example/bye",)),
            relying_client("01GONE", disabled=True, post_logout_redirect_uris=ADDRESSES),
        )
        self.desk = LogoutDesk(clients, self.sessions, self.signer, SUBJECTS, issuer=ISSUER)

    def hint(self, of: Session = MINE, typ: str = ID_TOKEN_TYPE, algorithm: str = "ES256", **changes: object) -> str:
        claims = {"iss": ISSUER, "aud": "01RP", "exp": 0, "sub": "s", "sid": SUBJECTS.session(of.id, client="01RP")}
        token = UnsignedToken(claims=claims | changes, typ=typ, document="d", why="w")
        return self.signer.sign(token, principal="client:01RP", algorithm=algorithm)

    def open(self, values: Mapping[str, str], browser: Session | None = MINE) -> Any:
        return self.desk.open({name: (value,) for name, value in values.items()}, browser)

    def refused(self, values: Mapping[str, str | Sequence[str]]) -> str:
        with pytest.raises(OAuthRefused) as refusal:
            self.desk.open({n: (v,) if isinstance(v, str) else v for n, v in values.items()}, MINE)
        return refusal.value.error


@pytest.fixture(scope="module")
def shared() -> House:
    return House()


@pytest.fixture
def house(shared: House) -> House:
    shared.sessions.ended.clear()
    shared.sessions.gone = False
    return shared


@pytest.mark.parametrize("audience", ["01RP", ["01RP"]])
@pytest.mark.parametrize("algorithm", ["ES256", SM2_ALGORITHM])
def test_a_hint_of_this_very_session_needs_no_question(house: House, audience: object, algorithm: str) -> None:
    hint = house.hint(aud=audience, algorithm=algorithm)
    request = house.open({"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "a&b"})
    assert (request.confirm, request.client.id) == (False, "01RP")
    assert house.desk.complete(request, MINE) == BACK + "?state=a%26b"
    assert house.sessions.ended == [("01MINE", "01P")]


def test_the_hint_of_another_session_ends_nothing_unasked(house: House) -> None:
    stolen = house.hint(of=session("01VICTIM"))
    request = house.open({"id_token_hint": stolen, "post_logout_redirect_uri": BACK})
    assert request.confirm
    assert house.desk.complete(request, MINE) == BACK
    assert house.sessions.ended == [("01MINE", "01P")], "never the session of the hint"


def test_without_a_session_in_the_browser_a_hint_ends_nothing(house: House) -> None:
    request = house.open({"id_token_hint": house.hint(), "post_logout_redirect_uri": BACK}, None)
    assert not request.confirm
    assert house.desk.complete(request, None) == BACK
    assert house.sessions.ended == []


@pytest.mark.parametrize("values", [{}, {"client_id": "01RP"}, {"client_id": "01NOBODY"}, {"logout_hint": "x"}])
def test_whoever_brings_no_hint_is_asked(house: House, values: dict[str, str]) -> None:
    assert house.open(values).confirm


@pytest.mark.parametrize("sid", [None, "", "other", 7])
def test_a_hint_without_the_sid_of_this_session_is_asked(house: House, sid: object) -> None:
    assert house.open({"id_token_hint": house.hint(sid=sid)}).confirm


def test_the_sid_of_one_client_is_worth_nothing_at_another(house: House) -> None:
    assert house.open({"id_token_hint": house.hint(aud="01OTHER")}).confirm


def test_a_client_id_alone_may_name_where_to_go(house: House) -> None:
    request = house.open({"client_id": "01RP", "post_logout_redirect_uri": BACK})
    assert (request.confirm, request.redirect_to) == (True, BACK)


def test_the_state_is_added_to_an_address_with_a_query(house: House) -> None:
    values = {"client_id": "01RP", "post_logout_redirect_uri": ADDRESSES[1], "state": "s"}
    assert house.open(values).redirect_to == "https://rp.example/bye?x=1&y=&state=s"


@pytest.mark.parametrize(
    "address",
    [
        "https://rp.example/bye/",
        "https://rp.example/bye?",
        "https://rp.example/bye?x=1",
        "https://RP.example/bye",
        "http://rp.example/bye",
        "https://rp.example:443/bye",
        "https://rp.example/%62ye",
        "https://rp.example/bye#x",
        "https://rp.example.evil.example/bye",
        "https://other.example/bye",
        "https://rp.example@evil.example/bye",
        "javascript:alert(1)",
        "/bye",
    ],
)
def test_only_a_registered_address_letter_by_letter(house: House, address: str) -> None:
    assert house.refused({"client_id": "01RP", "post_logout_redirect_uri": address}) == "invalid_request"


@pytest.mark.parametrize("client", ["", "01NOBODY", "01GONE", "01RP\x00", "密"])
def test_no_address_without_a_client(house: House, client: str) -> None:
    assert house.refused({"client_id": client, "post_logout_redirect_uri": BACK}) == "invalid_request"


def test_a_hint_that_is_not_ours_is_refused(house: House) -> None:
    stranger = House()
    for hint in (
        "x",
        "e30.e30.e30",
        stranger.hint(),
        house.hint(typ=ACCESS_TOKEN_TYPE),
        house.hint(typ="logout+jwt"),
        house.hint(iss="https://other.example"),
        house.hint(aud=["01RP", "01OTHER"]),
        house.hint(aud=[]),
        house.hint(aud=None),
        house.hint(aud=7),
        house.hint()[:-2] + "AA",
    ):
        assert house.refused({"id_token_hint": hint}) == "invalid_request"
        assert house.refused({"id_token_hint": hint, "client_id": "01RP"}) == "invalid_request"


def test_hint_and_client_id_must_agree(house: House) -> None:
    assert house.refused({"id_token_hint": house.hint(), "client_id": "01OTHER"}) == "invalid_request"


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_parameter_is_repeated(house: House, name: str) -> None:
    assert house.refused({name: ("x", "x")}) == "invalid_request"


def test_the_length_of_the_state_holds_from_both_sides(house: House) -> None:
    assert house.open({"state": "s" * MAX_STATE_CHARACTERS})
    assert house.refused({"state": "s" * (MAX_STATE_CHARACTERS + 1)}) == "invalid_request"


def test_confirming_judges_the_same_parameters_again(house: House) -> None:
    values = {"client_id": "01RP", "post_logout_redirect_uri": BACK, "state": "s", "ui_locales": "en zh-CN"}
    request = house.open(values)
    assert request.parameters == values
    assert request.ui_locales == ("en", "zh-CN")
    assert house.open(request.parameters) == request


def test_a_session_that_ended_meanwhile_is_no_error(house: House) -> None:
    house.sessions.gone = True
    assert house.desk.complete(house.open({}), MINE) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(PARAMETERS), st.text(max_size=60)))
def test_nothing_leads_anywhere_that_is_not_registered(house: House, values: dict[str, str]) -> None:
    try:
        request = house.open(values)
    except OAuthRefused:
        return
    assert request.confirm
    assert request.redirect_to is None
