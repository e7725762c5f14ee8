"""Persons' access tokens as others use them: mint, sealed half, reader."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from sso.accounts.domain import ProofingLevel
from sso.provider.claims import Assurance, Representation, TokenContents
from sso.provider.domain import Registered
from sso.provider.errors import TokenExpired, TokenTooLarge
from sso.provider.reference import contents_of, private_members, public_claims
from sso.provider.signing import MAX_TOKEN_CHARACTERS
from sso.revocation.domain import Tie, TieKind
from sso.signin.domain import Strength
from tests.fakes import MOMENT
from tests.sso.provider.journey import browser, post
from tests.sso.provider.support import TERMS, USCC, House, decode, encode
from trust.kernel.errors import NotAuthenticated

CONTENTS = TokenContents(
    client="C",
    audience="https://a.example/",
    person="P1",
    grant="G1",
    session="S1",
    scopes=frozenset({"openid"}),
    assurance=Assurance(level=ProofingLevel.IN_PERSON, strength=Strength.PASSKEY, methods=("hwk",), auth_time=MOMENT),
    ties=frozenset({Tie(TieKind.GRANT, "G1")}),
)
NAMES = st.text(min_size=1, max_size=20)


def mint(house: House, who: Registered, **changes: Any) -> str:
    contents = replace(CONTENTS, client=who.client.id, **changes)
    return house.mint.mint(contents, expires_at=house.clock.now() + timedelta(hours=1), sector="a").value


def refused(house: House, token: str) -> str:
    with pytest.raises(NotAuthenticated) as refusal:
        house.reader.read(token)
    return refusal.value.code


@given(
    st.builds(
        replace,
        st.just(CONTENTS),
        matter=st.none() | NAMES,
        purpose=st.none() | NAMES,
        case=st.none() | NAMES,
        hop=st.none() | NAMES,
        clerk=st.none() | NAMES,
        session=st.none() | NAMES,
        depth=st.integers(0, 4),
        types=st.frozensets(NAMES, max_size=3),
        scopes=st.frozensets(st.sampled_from(["openid", "profile"])),
        act=st.none() | st.dictionaries(NAMES, NAMES, max_size=2),
        confirmation=st.none() | NAMES,
        ties=st.frozensets(st.builds(Tie, st.sampled_from(TieKind), NAMES), max_size=3),
        represents=st.none()
        | st.builds(Representation, person=NAMES, mandate=NAMES, kind=NAMES, name=NAMES, uscc=st.none() | NAMES),
    )
)
def test_what_was_written_is_what_is_read(contents: TokenContents) -> None:
    public, private = (json.loads(json.dumps(half)) for half in (public_claims(contents), private_members(contents)))
    assert contents_of(public, private) == contents


def test_the_life_is_the_shorter_one(house: House, who: Registered) -> None:
    contents = replace(CONTENTS, client=who.client.id)
    now = house.clock.now()
    assert house.mint.mint(contents, expires_at=now + timedelta(seconds=299), sector="a").seconds == 299
    assert house.mint.mint(contents, expires_at=now + timedelta(seconds=301), sector="a").seconds == 300
    with pytest.raises(TokenExpired):
        house.mint.mint(contents, expires_at=now, sector="a")


def test_one_person_has_another_name_in_each_sector(house: House, who: Registered) -> None:
    contents = replace(CONTENTS, client=who.client.id)
    later = house.clock.now() + timedelta(minutes=1)
    subjects = {
        house.reader.read(house.mint.mint(contents, expires_at=later, sector=sector).value).subject
        for sector in ("a.example", "b.example", "a.example")
    }
    assert len(subjects) == 2
    assert who.client.id not in subjects


def test_a_token_that_nobody_would_read_is_not_made(house: House, who: Registered) -> None:
    fits = {"act": {"sub": "x" * 4000}}
    assert len(mint(house, who, **fits)) <= MAX_TOKEN_CHARACTERS
    house.reader.read(mint(house, who, **fits))
    with pytest.raises(TokenTooLarge):
        mint(house, who, act={"sub": "x" * 6000})


def test_the_sealed_half_belongs_to_its_token(house: House, who: Registered) -> None:
    """Even with our signature: the reference of one token does not open in another."""
    one, two = (json.loads(decode(mint(house, who).split(".")[1])) for _ in range(2))
    assert refused(house, forge(house, {**one, "ref": two["ref"]})) == "token-malformed"
    assert refused(house, forge(house, {**one, "ref": "AAAA"})) == "token-malformed"
    assert refused(house, forge(house, {**one, "ref": "!"})) == "token-malformed"
    assert refused(house, forge(house, {**one, "ref": 7})) == "token-foreign"
    assert refused(house, forge(house, {**one, "iss": "https://evil.example"})) == "token-foreign"
    assert house.reader.read(forge(house, one)).jti == one["jti"]


@pytest.mark.parametrize("claim", ["jti", "sub", "exp", "iat", "aud", "client_id", "scope", "acr", "amr", "ial"])
def test_no_claim_may_be_absent(house: House, who: Registered, claim: str) -> None:
    claims = json.loads(decode(mint(house, who).split(".")[1]))
    del claims[claim]
    assert refused(house, forge(house, claims)) == "token-malformed"


def test_a_token_of_an_unknown_client_is_over(house: House, who: Registered) -> None:
    contents = replace(CONTENTS, client="nobody")
    token = house.mint.mint(contents, expires_at=house.clock.now() + timedelta(minutes=1), sector="a").value
    assert refused(house, token) == "token-revoked"


def forge(house: House, claims: dict[str, Any]) -> str:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": house.keyring.signing_id}
    message = f"{encode(header)}.{encode(claims)}".encode()
    r, s = decode_dss_signature(house.signer.private.sign(message, ec.ECDSA(hashes.SHA256())))
    return f"{message.decode()}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def test_a_client_whose_id_is_a_persons_is_not_that_person(house: House, who: Registered) -> None:
    """RFC 9700 section 4.15: its own token has its id as `sub`."""
    alone = house.registry.register(label="A", authority=USCC, scopes="certs:read")
    house.registers.people[alone.client.id] = replace(house.registers.people["P1"], id=alone.client.id)
    token = post(house, "/oauth/token", {"grant_type": "client_credentials"}, alone).get_json()["access_token"]
    assert json.loads(decode(token.split(".")[1]))["sub"] == alone.client.id
    assert refused(house, token) == "token-foreign"
    assert browser(house).get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_person_whose_subject_is_a_clients_id_is_not_that_client(house: House, who: Registered) -> None:
    """RFC 9700 section 4.15, the other way round, for the audience that clients' own tokens have."""
    contents = replace(CONTENTS, client=who.client.id, person=who.client.id, audience=TERMS.audience)
    draft = house.mint.draft(contents, expires_at=house.clock.now() + timedelta(hours=1), sector="a")
    assert draft.unsigned.claims["sub"] != who.client.id
    collided = replace(draft.unsigned, claims={**draft.unsigned.claims, "sub": who.client.id})
    token = house.tokens.sign(collided, principal="test")
    assert house.reader.read(token).contents.person == who.client.id
    with pytest.raises(NotAuthenticated):
        house.checker.check(token)
