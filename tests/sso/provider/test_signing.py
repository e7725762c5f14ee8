import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.errors import BadSignatureError

from sso.provider.errors import TokenKeyUnusable
from sso.provider.keyring import ALGORITHM, SM2_ALGORITHM, Keyring
from sso.provider.signing import (
    ACCESS_TOKEN_TYPE,
    ID_TOKEN_TYPE,
    LOGOUT_TOKEN_TYPE,
    MAX_TOKEN_CHARACTERS,
    TokenSigner,
    UnsignedToken,
)
from sso.provider.strict_jws import MAX_HEADER_CHARACTERS
from tests.sso.provider.edges import TwoAlgorithmSigner, b64
from tests.sso.provider.jose_sm2 import claims_by_joserfc, decode, verified_by_gmssl
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import TrustError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "jose-sm2" / "vectors.json").read_text())
TYPES = (ACCESS_TOKEN_TYPE, ID_TOKEN_TYPE, LOGOUT_TOKEN_TYPE)
CLAIMS = {"iss": "https://trust.example", "sub": "张三", "n": 1}


class Desk:
    def __init__(self) -> None:
        self.device = TwoAlgorithmSigner()
        self.infos = [self.device.make(Algorithm.ECDSA_P256_SHA256), self.device.make(Algorithm.SM2_SM3)]
        self.ring = Keyring(self.infos)
        self.signer = TokenSigner(self.device, self.ring)

    def sign(self, typ: str = ID_TOKEN_TYPE, algorithm: str = ALGORITHM, **claims: object) -> str:
        token = UnsignedToken(claims=CLAIMS | claims, typ=typ, document="token:t1", why="test")
        return self.signer.sign(token, principal="client:c1", algorithm=algorithm)

    def header(self, algorithm: str = ALGORITHM, **changes: object) -> dict[str, object]:
        return {"alg": algorithm, "kid": self.ring.signing_key(algorithm).id, "typ": ID_TOKEN_TYPE} | changes

    def forge(self, header: Mapping[str, object] | bytes, payload: bytes, algorithm: str = ALGORITHM) -> str:
        """Sign anything with the real key: what is left are the checks beside the signature."""
        raw = header if isinstance(header, bytes) else json.dumps(header).encode()
        message = f"{b64(raw)}.{b64(payload)}"
        r, s = decode_dss_signature(self.device.raw(self.ring.signing_key(algorithm).info.ref, message.encode()))
        return f"{message}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def refused(self, token: str, typ: str = ID_TOKEN_TYPE, **terms: Any) -> str:
        with pytest.raises(TrustError) as refusal:
            self.signer.verify(token, typ=typ, **terms)
        return refusal.value.code


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("typ", TYPES)
@pytest.mark.parametrize("algorithm", [ALGORITHM, SM2_ALGORITHM])
def test_what_is_signed_is_verified(desk: Desk, typ: str, algorithm: str) -> None:
    token = desk.sign(typ, algorithm)
    assert desk.signer.verify(token, typ=typ, algorithms=[algorithm]) == CLAIMS
    assert len(decode(token.split(".")[2])) == 64


@pytest.mark.parametrize("meant", TYPES)
@pytest.mark.parametrize("read_as", TYPES)
def test_no_type_of_token_passes_for_another(desk: Desk, meant: str, read_as: str) -> None:
    if meant != read_as:
        assert desk.refused(desk.sign(meant), read_as) == "token-foreign"


def test_an_algorithm_that_was_not_asked_for_is_foreign(desk: Desk) -> None:
    assert desk.refused(desk.sign(algorithm=SM2_ALGORITHM)) == "token-foreign"
    assert desk.refused(desk.sign(), algorithms=[SM2_ALGORITHM]) == "token-foreign"


def test_a_batch_is_one_guarded_call_with_one_entry_each(desk: Desk) -> None:
    calls, entries = desk.device.calls, len(desk.device.requests)
    batch = [UnsignedToken(claims={"n": n}, typ="JWT", document=f"token:{n}", why="id token") for n in range(3)]
    tokens = desk.signer.sign_many(batch, principal="client:c1")
    assert desk.device.calls == calls + 1
    contexts = [request.context for request in desk.device.requests[entries:]]
    assert [(c.principal, c.why, c.document) for c in contexts] == [
        ("client:c1", "id token", f"token:{n}") for n in range(3)
    ]
    assert [desk.signer.verify(token, typ="JWT")["n"] for token in tokens] == [0, 1, 2]


def test_without_a_key_nothing_is_signed() -> None:
    device = TwoAlgorithmSigner()
    signer = TokenSigner(device, Keyring([device.make(Algorithm.ECDSA_P256_SHA256)]))
    with pytest.raises(TokenKeyUnusable):
        signer.sign(UnsignedToken(claims={}, typ="JWT", document="d", why="w"), principal="p", algorithm=SM2_ALGORITHM)
    assert not device.requests


def test_the_claims_are_written_one_way_only(desk: Desk) -> None:
    header, payload, _ = desk.sign(b=2, a=1).split(".")
    assert decode(header) == json.dumps(desk.header(), separators=(",", ":"), sort_keys=True).encode()
    assert decode(payload) == '{"a":1,"b":2,"iss":"https://trust.example","n":1,"sub":"张三"}'.encode()


@pytest.mark.parametrize("typ", ["at+jwt", "jwt", "application/jwt", "", None, 7, ["JWT"], "logout+jwt"])
def test_typ_is_an_exact_member(desk: Desk, typ: object) -> None:
    assert desk.refused(desk.forge(desk.header(typ=typ), b"{}")) == "token-foreign"


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://evil.example/jwks.json"},
        {"jwk": {"kty": "oct", "k": ""}},
        {"x5u": "https://evil.example/x.pem"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"cty": "JWT"},
        {"zip": "DEF"},
        {"x": 1},
    ],
)
def test_no_member_may_be_added_to_the_header(desk: Desk, extra: dict[str, object]) -> None:
    assert desk.refused(desk.forge(desk.header(**extra), b"{}")) == "token-foreign"


@pytest.mark.parametrize("kid", ["", "other", 7, None, "../../dev/null", "' OR 1=1 --", {"a": 1}])
def test_a_key_id_only_names_a_key_of_the_ring(desk: Desk, kid: object) -> None:
    assert desk.refused(desk.forge(desk.header(kid=kid), b"{}")) == "token-foreign"


def test_the_key_decides_on_the_algorithm(desk: Desk) -> None:
    crossed = desk.header(kid=desk.ring.signing_key(SM2_ALGORITHM).id)
    assert desk.refused(desk.forge(crossed, b"{}"), algorithms=[ALGORITHM, SM2_ALGORITHM]) == "token-foreign"
    for name in ("ES384", "es256", "SM2", "none", "HS256", "RS256"):
        assert desk.refused(desk.forge(desk.header(alg=name), b"{}")) == "token-foreign"


def test_no_signature_and_an_hmac_under_the_public_key_are_foreign(desk: Desk) -> None:
    for name in ("none", "HS256", ALGORITHM):
        message = f"{b64(json.dumps(desk.header(alg=name)).encode())}.{b64(b'{}')}"
        mac = hmac.digest(desk.infos[0].public_key, message.encode(), "sha256")
        for signature in ("", b64(mac), b64(mac + mac), b64(bytes(64)), b64(b"\xff" * 64), b64(bytes(63))):
            assert desk.refused(f"{message}.{signature}") == "token-foreign"


def test_an_rsa_signature_is_foreign(desk: Desk) -> None:
    message = desk.sign().rpartition(".")[0]
    value = rsa.generate_private_key(65537, 2048).sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    assert desk.refused(f"{message}.{b64(value)}") == "token-foreign"


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"ES256","alg":"none","kid":"k","typ":"JWT"}',
        b'{"alg":["ES256"],"kid":"k","typ":"JWT"}',
        b'{"kid":"k","typ":"JWT"}',
        b"[]",
        b"",
        b"{",
        b'{"alg":NaN}',
        b"\xff",
        b"[" * 1000,
    ],
)
def test_a_header_that_can_be_read_two_ways_or_none_is_malformed(desk: Desk, header: bytes) -> None:
    assert desk.refused(desk.forge(header, b"{}")) == "token-malformed"


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"a":1,"a":2}', b'{"a":{"b":1,"b":2}}', b'{"a":Infinity}'])
def test_a_payload_that_can_be_read_two_ways_or_none_is_malformed(desk: Desk, payload: bytes) -> None:
    assert desk.refused(desk.forge(desk.header(), payload)) == "token-malformed"


def test_the_limits_hold_from_both_sides(desk: Desk) -> None:
    bare = len(desk.sign(x=""))
    room = (MAX_TOKEN_CHARACTERS - bare) * 3 // 4
    assert len(fits := desk.sign(x="a" * (room - 3))) <= MAX_TOKEN_CHARACTERS
    assert desk.signer.verify(fits, typ=ID_TOKEN_TYPE)
    assert desk.refused(desk.sign(x="a" * (room + 3))) == "token-malformed"
    wide = desk.header(x="a" * MAX_HEADER_CHARACTERS)
    assert desk.refused(desk.forge(wide, b"{}")) == "token-malformed"


@pytest.mark.parametrize("mangle", ["{}=", "{}\n", " {}", "{}.", ".{}", "{}~"])
def test_a_second_spelling_is_malformed(desk: Desk, mangle: str) -> None:
    assert desk.refused(mangle.format(desk.sign())) == "token-malformed"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(position=st.integers(min_value=0), letter=st.characters(max_codepoint=127))
def test_no_changed_character_is_accepted(desk: Desk, position: int, letter: str) -> None:
    token = desk.sign()
    at = position % len(token)
    if token[at] != letter:
        assert desk.refused(token[:at] + letter + token[at + 1 :]) in {"token-malformed", "token-foreign"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_malformed(desk: Desk, token: str) -> None:
    assert desk.refused(token) == "token-malformed"


def test_two_other_implementations_verify_our_sm2(desk: Desk) -> None:
    token = desk.sign(algorithm=SM2_ALGORITHM)
    (jwk,) = desk.ring.document(SM2_ALGORITHM)["keys"]
    assert json.loads(claims_by_joserfc(token, jwk)) == CLAIMS
    assert verified_by_gmssl(token, jwk)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_the_published_vectors(vector: dict[str, Any]) -> None:
    jwk = VECTORS["jwk"]
    assert verified_by_gmssl(vector["token"], jwk) is vector["valid"]
    if vector["valid"]:
        assert json.loads(claims_by_joserfc(vector["token"], jwk)) == vector["claims"]
        return
    with pytest.raises(BadSignatureError):
        claims_by_joserfc(vector["token"], jwk)
