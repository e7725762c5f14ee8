"""A software authenticator (WebAuthn level 3 section 6): ES256 keys, and every field open to falsifying."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from trust.kernel.encoding import base64url

UP, UV, AT = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One authenticator with one discoverable credential; `count` None is a synced passkey, which does not count."""

    origin: str = "http://localhost:8080"
    host: str = "localhost"
    credential: bytes = b"credential-1"
    count: int | None = 1
    flags: int = UP | UV
    client_data: dict[str, Any] = field(default_factory=dict)  # members to add or falsify
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    handle: bytes = b""

    def create(self, options: str, **changed: Any) -> str:
        """Answer `navigator.credentials.create()` and remember the user handle."""
        asked = json.loads(options)
        self.handle = _bytes(asked["user"]["id"])
        attested = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + self._cose()
        authenticator_data = self._data(self.flags | AT) + attested
        statement = {"fmt": "none", "attStmt": {}, "authData": authenticator_data}
        response = {
            "clientDataJSON": base64url(self._client_data("webauthn.create", asked["challenge"], changed)),
            "attestationObject": base64url(encode_cbor(statement)),
        }
        return self._answer(response)

    def get(self, options: str, **changed: Any) -> str:
        """Answer `navigator.credentials.get()`; keyword arguments change members of the client data."""
        asked = json.loads(options)
        if self.count is not None:
            self.count += 1
        authenticator_data = self._data(self.flags)
        client_data = self._client_data("webauthn.get", asked["challenge"], changed)
        signed = authenticator_data + hashlib.sha256(client_data).digest()
        response = {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(authenticator_data),
            "signature": base64url(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": base64url(self.handle),
        }
        return self._answer(response)

    def _answer(self, response: dict[str, str]) -> str:
        name = base64url(self.credential)
        document = {"id": name, "rawId": name, "type": "public-key", "response": response}
        return json.dumps(document | {"clientExtensionResults": {}})

    def _client_data(self, kind: str, challenge: str, changed: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told | self.client_data | changed).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4, "big")

    def _cose(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
