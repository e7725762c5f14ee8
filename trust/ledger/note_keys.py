"""The keys of signed notes (C2SP signed-note, Signature types; tlog-cosignature): their names, IDs, vkeys and checks.

Three types are known here:

* `0x01` Ed25519 over the note's text, which every stock tool checks;
* `0x04` the timestamped cosignature of a witness (`cosignature/v1`);
* `0xff` our own signatures of the closed table. The specification keeps this byte for types without a number and wants
  a longer identifier behind it: here `yinxin.note/v1/` and the algorithm's name, then a newline, then the DER
  SubjectPublicKeyInfo. The signature is the DER SEQ{r, s} over the note's text, for SM2 with the usual identifier.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import InvalidInput
from trust.ledger.note_errors import NoteMalformed, NoteSignatureInvalid
from trust.signatures import algorithm_of, verify

KEY_ID_BYTES = 4
MAX_NAME_CHARACTERS = 200
"""Longest name of a key. It is a host and path."""

MAX_KEY_CHARACTERS = 4096
"""Longest verifier key in text. An ML-DSA key, which is ignored here, would have 1.8 kB."""

ED25519 = 0x01
COSIGNATURE = 0x04
OWN = 0xFF

_RAW_KEY_BYTES = 32
_TIME_BYTES = 8
_MAX_TIME = 2**63 - 1  # C2SP tlog-cosignature, Format
_IDENTIFIER = b"yinxin.note/v1/"
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """The public half of a key that signs notes. `material` is the type byte and what the type puts behind it."""

    name: str
    material: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        kind, rest = self.material[:1], self.material[1:]
        if kind in {bytes([ED25519]), bytes([COSIGNATURE])}:
            if len(rest) != _RAW_KEY_BYTES:
                raise NoteMalformed("An Ed25519 key has 32 bytes.", field="key")
        elif kind == bytes([OWN]):
            _own_key(self.material)
        else:
            raise NoteMalformed("The key is of a type that is not known here.", field="key")

    @property
    def type(self) -> int:
        """The signature type: `ED25519`, `COSIGNATURE` or `OWN`."""
        return self.material[0]

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, type and public key, whatever the tree's hash is."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.material).digest()[:KEY_ID_BYTES]

    @property
    def text(self) -> str:
        """The vkey, as people and configuration files hold it."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.material).decode('ascii')}"

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Return the key of a vkey. Raises `NoteMalformed`."""
        found = _VKEY.fullmatch(text) if len(text) <= MAX_KEY_CHARACTERS else None
        if found is None:
            raise NoteMalformed("A verifier key is `name+id+base64`.", field="key")
        try:
            key = cls(name=found[1], material=base64.b64decode(found[3], validate=True))
        except (binascii.Error, ValueError):
            raise NoteMalformed("The verifier key is not base64.", field="key") from None
        if key.text != text:
            raise NoteMalformed("The ID of the verifier key is not that of its name and key.", field="key")
        return key

    def verify(self, text: bytes, signature: bytes) -> None:
        """Check a signature over a note's text. Raises `NoteSignatureInvalid`."""
        try:
            if self.type == OWN:
                algorithm, spki = _own_key(self.material)
                verify(algorithm, spki, text, signature)
            elif self.type == ED25519:
                Ed25519PublicKey.from_public_bytes(self.material[1:]).verify(signature, text)
            else:
                at, value = split_cosignature(signature)
                Ed25519PublicKey.from_public_bytes(self.material[1:]).verify(value, cosigned_message(text, at))
        except (InvalidSignature, InvalidInput, NoteMalformed, ValueError):
            raise NoteSignatureInvalid(f"The signature of {self.name} does not hold.", field=self.name) from None


def ed25519_key(name: str, public_key: bytes) -> VerifierKey:
    """Return the key of a log. Raises `NoteMalformed`."""
    return VerifierKey(name=name, material=bytes([ED25519]) + public_key)


def cosigner_key(name: str, public_key: bytes) -> VerifierKey:
    """Return the key of a witness. Raises `NoteMalformed`."""
    return VerifierKey(name=name, material=bytes([COSIGNATURE]) + public_key)


def own_key(name: str, public_key: bytes) -> VerifierKey:
    """Return the key for a DER SubjectPublicKeyInfo of the closed table. Raises `NoteMalformed`, `AlgorithmRefused`."""
    algorithm = algorithm_of(public_key)
    return VerifierKey(name=name, material=bytes([OWN]) + _IDENTIFIER + algorithm.encode() + b"\n" + public_key)


def cosigned_message(text: bytes, at: int) -> bytes:
    """Return what a witness signs (C2SP tlog-cosignature, Ed25519 signed message); `at` is POSIX seconds."""
    return f"cosignature/v1\ntime {at}\n".encode("ascii") + text


def join_cosignature(at: int, value: bytes) -> bytes:
    """Return the `timestamped_signature` of a signature line."""
    return at.to_bytes(_TIME_BYTES, "big") + value


def split_cosignature(signature: bytes) -> tuple[int, bytes]:
    """Return time and Ed25519 signature. Raises `NoteMalformed`."""
    at = int.from_bytes(signature[:_TIME_BYTES], "big")
    if len(signature) <= _TIME_BYTES or not 0 < at <= _MAX_TIME:
        raise NoteMalformed("A cosignature holds a time and a signature.", field="signature")
    return at, signature[_TIME_BYTES:]


def check_name(name: str) -> None:
    """Raise `NoteMalformed` unless `name` can be the name of a key: neither space nor plus, nor control character."""
    bad = any(character.isspace() or character < " " or character == "+" for character in name)
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or bad:
        raise NoteMalformed("The name of a key has neither space nor plus.", field="name")


def _own_key(material: bytes) -> tuple[Algorithm, bytes]:
    identifier, newline, spki = material[1:].partition(b"\n")
    try:
        algorithm = algorithm_of(spki)
    except InvalidInput:
        raise NoteMalformed("The key is of no algorithm in the table.", field="key") from None
    if not newline or identifier != _IDENTIFIER + algorithm.encode():
        raise NoteMalformed("The key's identifier is not that of its algorithm.", field="key")
    return algorithm, spki
