"""SM2 in a JWS as docs/adr/0011-sm2-in-jose.md publishes it, written twice and sharing nothing with our own code.

`Sm2Model` plugs into joserfc as a relying party would do it, over gmalg; `verified_by_gmssl` is by gmssl and by hand.
"""

import base64
from collections.abc import Mapping
from typing import Any

import gmalg
from gmssl import sm2
from joserfc import jws
from joserfc.jwk import ECKey

NAME = "urn:yinxin:alg:SM2-SM3"
USER_ID = b"1234567812345678"


def decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


class Sm2Key(ECKey):
    """A public JWK with `crv` SM2. joserfc takes its own classes of keys only, so it is one of them."""

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        assert (jwk["kty"], jwk["crv"]) == ("EC", "SM2")
        self.point = b"\x04" + decode(jwk["x"]) + decode(jwk["y"])
        self._alg = jwk["alg"]

    def check_use(self, use: str) -> None:
        assert use == "sig"

    def check_alg(self, alg: str) -> None:
        assert alg == self._alg


class Sm2Model(jws.JWSAlgModel):
    """The algorithm for joserfc; a relying party needs its verifying half only."""

    name = NAME
    description = "SM2 with SM3, user id 1234567812345678, r || s"
    recommended = False
    key_type = "EC"

    def sign(self, msg: bytes, key: Any) -> bytes:
        raise NotImplementedError

    def verify(self, msg: bytes, sig: bytes, key: Any) -> bool:
        if len(sig) != 64:
            return False
        return bool(gmalg.SM2(uid=USER_ID, pk=key.point).verify(msg, sig[:32], sig[32:]))


def claims_by_joserfc(token: str, jwk: Mapping[str, Any]) -> bytes:
    """Return the payload. Raises `joserfc.errors.BadSignatureError`."""
    jws.JWSRegistry.algorithms.setdefault(NAME, Sm2Model())
    return jws.deserialize_compact(token, Sm2Key(jwk), algorithms=[NAME]).payload


def verified_by_gmssl(token: str, jwk: Mapping[str, Any]) -> bool:
    message, _, signature = token.rpartition(".")
    point = (decode(jwk["x"]) + decode(jwk["y"])).hex()
    oracle = sm2.CryptSM2(private_key="", public_key="")
    oracle.public_key = point  # the constructor would strip leading zeros and fours of x
    return bool(oracle.verify_with_sm3(decode(signature).hex(), message.encode()))
