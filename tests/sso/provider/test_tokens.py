import hashlib
import hmac
import json
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sso.provider.domain import Client, Scope
from sso.provider.errors import TokenKeyUnusable
from sso.provider.keyring import Keyring
from sso.provider.signing import MAX_TOKEN_CHARACTERS
from tests.sso.provider.support import TERMS, USCC, House, MemorySigner, claims_of, decode, encode
from trust.kernel.errors import TrustError
from trust.keys import KeyPurpose

HEADER = {"alg": "ES256", "typ": "at+jwt"}


def client(house: House) -> Client:
    return house.registry.register(label="A", authority=USCC, scopes="certs:issue certs:read").client


def issue(house: House) -> str:
    return house.issuer.issue(client(house), frozenset({Scope.CERTS_READ})).value


def forge(house: House, header: Mapping[str, object], claims: Mapping[str, object] | bytes) -> str:
    """Sign anything with the real key: what is left are the checks after the signature."""
    message = f"{encode(header)}.{encode(claims)}".encode()
    r, s = decode_dss_signature(house.signer.private.sign(message, ec.ECDSA(hashes.SHA256())))
    return f"{message.decode()}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def refused(house: House, token: str) -> str:
    with pytest.raises(TrustError) as refusal:
        house.checker.check(token)
    return refusal.value.code


def test_a_token_says_what_rfc_9068_asks_for(house: House) -> None:
    registered = client(house)
    token = house.issuer.issue(registered, frozenset({Scope.CERTS_READ, Scope.CERTS_ISSUE}))
    header = json.loads(decode(token.value.split(".")[0]))
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": house.keyring.signing_id}
    now = int(house.clock.now().timestamp())
    claims = claims_of(token.value)
    assert claims.pop("jti")
    assert claims == {
        "iss": TERMS.issuer,
        "aud": TERMS.audience,
        "sub": registered.id,
        "client_id": registered.id,
        "iat": now,
        "exp": now + 600,
        "scope": "certs:issue certs:read",
        "authority": USCC,
    }


def test_an_independent_library_verifies_the_token_from_the_published_key(house: House) -> None:
    token = issue(house)
    jwk = house.keyring.document()["keys"][0]
    point = (int.from_bytes(decode(jwk["x"]), "big"), int.from_bytes(decode(jwk["y"]), "big"))
    public = ec.EllipticCurvePublicNumbers(*point, ec.SECP256R1()).public_key()
    message, _, signature = token.rpartition(".")
    raw = decode(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(der, message.encode(), ec.ECDSA(hashes.SHA256()))
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-256", "ES256", "sig")
    assert "d" not in jwk


def test_the_key_id_is_the_thumbprint_of_rfc_7638(house: House) -> None:
    jwk = house.keyring.document()["keys"][0]
    members = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    assert jwk["kid"] == encode(hashlib.sha256(members.encode()).digest())


def test_the_ledger_learns_who_and_which_token_but_not_the_token(house: House) -> None:
    token = issue(house)
    context = house.signer.requests[0].context
    claims = claims_of(token)
    assert context.principal == f"client:{claims['client_id']}"
    assert context.document == f"token:{claims['jti']}"


def test_every_token_differs(house: House) -> None:
    registered = client(house)
    tokens = [house.issuer.issue(registered, registered.scopes).value for _ in range(3)]
    assert len({claims_of(token)["jti"] for token in tokens}) == 3


def test_a_good_token_names_its_principal(house: House) -> None:
    token = issue(house)
    principal = house.checker.check(token)
    assert principal.client == claims_of(token)["sub"]
    assert (principal.authority, principal.label, principal.scopes) == (USCC, "A", {"certs:read"})


def test_a_token_lives_to_its_last_second_and_no_longer(house: House) -> None:
    token = issue(house)
    house.clock.advance(seconds=599)
    assert house.checker.check(token)
    house.clock.advance(seconds=1)
    assert refused(house, token) == "token-expired"


def test_disabling_a_client_ends_its_tokens_at_once(house: House) -> None:
    token = issue(house)
    assert house.checker.check(token)
    house.registry.disable(claims_of(token)["sub"])
    assert refused(house, token) == "token-revoked"


def test_a_token_of_an_unknown_client_is_refused(house: House) -> None:
    claims = claims_of(issue(house)) | {"sub": "nobody", "client_id": "nobody"}
    assert refused(house, forge(house, HEADER | {"kid": house.keyring.signing_id}, claims)) == "token-revoked"


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "ES384"},
        {"alg": "es256"},
        {"alg": ["ES256"]},
        {"typ": "JWT"},
        {"typ": "application/at+jwt"},
        {"typ": "logout+jwt"},
        {"kid": "other"},
        {"kid": ""},
        {"kid": 7},
        {"kid": "../../etc/passwd"},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/x.pem"},
        {"jwk": {"kty": "EC"}},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ],
)
def test_any_other_header_is_foreign_even_when_the_signature_is_right(house: House, change: dict[str, object]) -> None:
    header = HEADER | {"kid": house.keyring.signing_id} | change
    assert refused(house, forge(house, header, claims_of(issue(house)))) in {"token-foreign", "token-malformed"}


@pytest.mark.parametrize("member", ["typ", "kid", "alg"])
def test_a_header_lacks_nothing(house: House, member: str) -> None:
    header = {**HEADER, "kid": house.keyring.signing_id}
    del header[member]
    assert refused(house, forge(house, header, claims_of(issue(house)))) in {"token-foreign", "token-malformed"}


def test_an_unsigned_token_is_foreign(house: House) -> None:
    header = {"alg": "none", "typ": "at+jwt", "kid": house.keyring.signing_id}
    assert refused(house, f"{encode(header)}.{encode(claims_of(issue(house)))}.") == "token-foreign"


def test_the_public_key_is_no_hmac_secret(house: House) -> None:
    public = house.signer.private.public_key()
    for form in (Encoding.PEM, Encoding.DER):
        secret = public.public_bytes(form, PublicFormat.SubjectPublicKeyInfo)
        for algorithm in ("HS256", "ES256"):
            header = {"alg": algorithm, "typ": "at+jwt", "kid": house.keyring.signing_id}
            message = f"{encode(header)}.{encode(claims_of(issue(house)))}"
            token = f"{message}.{encode(hmac.digest(secret, message.encode(), 'sha256'))}"
            assert refused(house, token) == "token-foreign"


def test_an_rsa_signature_is_foreign(house: House) -> None:
    key = rsa.generate_private_key(65537, 2048)
    for algorithm in ("RS256", "ES256"):
        header = {"alg": algorithm, "typ": "at+jwt", "kid": house.keyring.signing_id}
        message = f"{encode(header)}.{encode(claims_of(issue(house)))}"
        token = f"{message}.{encode(key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
        assert refused(house, token) == "token-foreign"


def test_a_signature_by_another_key_is_foreign(house: House) -> None:
    token = issue(house)
    message = token.rpartition(".")[0]
    r, s = decode_dss_signature(MemorySigner().private.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
    assert refused(house, f"{message}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}") == "token-foreign"


def test_the_all_zero_signature_is_foreign(house: House) -> None:
    message = issue(house).rpartition(".")[0]
    assert refused(house, f"{message}.{encode(bytes(64))}") == "token-foreign"


def test_a_der_signature_is_no_jws_signature(house: House) -> None:
    message = issue(house).rpartition(".")[0]
    der = house.signer.private.sign(message.encode(), ec.ECDSA(hashes.SHA256()))
    assert refused(house, f"{message}.{encode(der)}") == "token-foreign"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"iss": "https://other.example"}, "token-foreign"),
        ({"aud": "https://other.example/api/v1"}, "token-foreign"),
        ({"aud": [TERMS.audience]}, "token-malformed"),
        ({"aud": [TERMS.audience, "https://other.example"]}, "token-malformed"),
        ({"sub": "someone"}, "token-foreign"),
        ({"exp": 0}, "token-expired"),
        ({"exp": "9999999999"}, "token-malformed"),
        ({"exp": 9999999999.5}, "token-malformed"),
        ({"exp": True}, "token-malformed"),
        ({"exp": None}, "token-malformed"),
        ({"scope": ["certs:read"]}, "token-malformed"),
    ],
)
def test_each_wrong_claim_has_its_code(house: House, change: dict[str, object], code: str) -> None:
    header = HEADER | {"kid": house.keyring.signing_id}
    assert refused(house, forge(house, header, claims_of(issue(house)) | change)) == code


@pytest.mark.parametrize("claim", ["iss", "sub", "client_id", "aud", "exp", "iat", "jti", "scope", "authority"])
def test_no_required_claim_may_be_absent(house: House, claim: str) -> None:
    claims = claims_of(issue(house))
    del claims[claim]
    assert refused(house, forge(house, HEADER | {"kid": house.keyring.signing_id}, claims)) == "token-malformed"


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 2000])
def test_a_payload_that_is_no_object_is_malformed(house: House, payload: bytes) -> None:
    assert refused(house, forge(house, HEADER | {"kid": house.keyring.signing_id}, payload)) == "token-malformed"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "W10.e30.e30", "密.码.令", "a\nb.c.d"])
def test_what_is_no_token_is_malformed(house: House, token: str) -> None:
    assert refused(house, token) == "token-malformed"


def test_the_length_limit_holds(house: House) -> None:
    padding_characters = "A" * MAX_TOKEN_CHARACTERS
    assert refused(house, f"{issue(house)}{padding_characters}") == "token-malformed"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(position=st.integers(min_value=0), letter=st.characters(max_codepoint=127))
def test_no_changed_character_is_accepted(house: House, position: int, letter: str) -> None:
    token = issue(house)
    at = position % len(token)
    if token[at] != letter:
        changed = token[:at] + letter + token[at + 1 :]
        assert refused(house, changed) in {"token-malformed", "token-foreign"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.from_regex(r"\A[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]*\Z")))
def test_any_text_is_refused_by_our_errors_only(house: House, token: str) -> None:
    assert refused(house, token) in {"token-malformed", "token-foreign"}


def test_a_retired_key_still_verifies_and_a_new_one_signs(house: House) -> None:
    newer = MemorySigner()
    ring = Keyring([newer.info, house.signer.info])
    assert ring.find(house.keyring.signing_id) is not None
    assert ring.signing_id != house.keyring.signing_id
    assert len(ring.document()["keys"]) == 2


def test_a_key_of_another_purpose_signs_no_token() -> None:
    with pytest.raises(TokenKeyUnusable):
        Keyring([MemorySigner(KeyPurpose.SEALING).info])
    with pytest.raises(TokenKeyUnusable):
        Keyring([])
