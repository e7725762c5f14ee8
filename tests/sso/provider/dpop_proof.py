"""DPoP proofs as a client makes them, by a library that is not ours."""

import base64
import hashlib
import uuid

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.fakes import MOMENT
from tests.sso.provider.support import ISSUER


def new_key() -> ECKey:
    return ECKey.generate_key("P-256")


def proof(key: ECKey, path: str = "/oauth/token", method: str = "POST", token: str | None = None) -> str:
    claims = {"jti": str(uuid.uuid4()), "htm": method, "htu": ISSUER + path, "iat": int(MOMENT.timestamp())}
    if token is not None:
        claims["ath"] = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key)
