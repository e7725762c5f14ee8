"""Bytes to the values of SM2 and back: signatures, keys, ciphertexts.

`decode_…` is strict: minimal DER, nothing after the end, every number in range, every point on the curve, the curve by
name. `decode_signature_lax` reads what other makers write and is only for foreign files; whoever uses it says so.
"""

from dataclasses import dataclass, field
from typing import Final

from trust.gm import der
from trust.gm.curve import FIELD_BYTES, POINT_BYTES, UNCOMPRESSED, N, is_on_curve, is_point
from trust.gm.errors import CiphertextInvalid, KeyUnusable, SignatureMalformed

RAW_SIGNATURE_BYTES: Final = 2 * FIELD_BYTES
MAX_LAX_SIGNATURE_BYTES: Final = 256
"""Longest signature that is read laxly, bytes. The longest correct one has 72; padding beyond this is an attack."""
C3_BYTES: Final = 32

_ID_EC_PUBLIC_KEY: Final = bytes.fromhex("06072a8648ce3d0201")
_CURVE_OID: Final = bytes.fromhex("06082a811ccf5501822d")  # 1.2.156.10197.1.301
_ALGORITHM: Final = der.element(der.SEQUENCE, _ID_EC_PUBLIC_KEY, _CURVE_OID)
_SPKI_PREFIX: Final = bytes.fromhex("3059") + _ALGORITHM + bytes.fromhex("034200")
_PARAMETERS_TAG: Final = 0xA0
_PUBLIC_KEY_TAG: Final = 0xA1
_HIGHEST_SCALAR: Final = (N - 2).to_bytes(FIELD_BYTES, "big")  # 1 + d must have an inverse (GB/T 32918.2 section 6.1)
_LONG_FORM: Final = 0x80


def _in_range(r: int, s: int, order: int) -> tuple[int, int]:
    if not (0 < r < order and 0 < s < order):
        raise SignatureMalformed("r or s is not between 1 and n - 1.")
    return r, s


def decode_signature(signature: bytes, *, order: int = N) -> tuple[int, int]:
    """Return (r, s) of a DER SEQ{r, s}, 0 < r, s < `order` (GB/T 35276 section 7.3; RFC 3279 section 2.2.3).

    Raises:
        SignatureMalformed: any other bytes.
    """
    outer = der.Reader(signature, SignatureMalformed)
    pair = outer.inner(der.SEQUENCE)
    outer.finish()
    r, s = pair.unsigned(), pair.unsigned()
    pair.finish()
    return _in_range(r, s, order)


def encode_signature(r: int, s: int) -> bytes:
    """Return the DER SEQ{r, s}.

    Raises:
        SignatureMalformed: r or s is out of range.
    """
    _in_range(r, s, N)
    return der.element(der.SEQUENCE, der.unsigned(r), der.unsigned(s))


def _lax_element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return contents and rest; the length may be padded (BER), but must be definite and true."""
    if len(data) < 2 or data[0] != tag:  # noqa: PLR2004  tag and first length octet
        raise SignatureMalformed("An element is missing or of another type.")
    length, start = data[1], 2
    if length >= _LONG_FORM:
        start = 2 + length - _LONG_FORM
        length = int.from_bytes(data[2:start], "big") if 2 < start <= len(data) else -1  # noqa: PLR2004
    if not 0 < length <= len(data) - start:
        raise SignatureMalformed("A length is wrong.")
    return data[start : start + length], data[start + length :]


def _lax_der(data: bytes) -> tuple[int, int]:
    body, rest = _lax_element(data, der.SEQUENCE)
    r, body = _lax_element(body, der.INTEGER)
    s, body = _lax_element(body, der.INTEGER)
    if rest or body:
        raise SignatureMalformed("Something follows the value.")
    return int.from_bytes(r, "big"), int.from_bytes(s, "big")


def decode_signature_lax(signature: bytes) -> tuple[int, int]:
    """Return (r, s) from what other makers write: for foreign files only, never for our own.

    Accepted beyond `decode_signature`: the 64 raw bytes r || s (GM/T 0018 without its padding), integers with leading
    zero octets or without the zero that keeps them positive, lengths in the long form. The range is checked all the
    same, and nothing may follow. Several byte strings thus stand for one signature: never use them as an identity.

    Raises:
        SignatureMalformed: none of these forms, or longer than `MAX_LAX_SIGNATURE_BYTES`, or out of range.
    """
    if len(signature) > MAX_LAX_SIGNATURE_BYTES:
        raise SignatureMalformed(f"The signature is longer than {MAX_LAX_SIGNATURE_BYTES} bytes.")
    try:
        r, s = _lax_der(signature)
    except SignatureMalformed:
        if len(signature) != RAW_SIGNATURE_BYTES:
            raise
        r, s = int.from_bytes(signature[:FIELD_BYTES], "big"), int.from_bytes(signature[FIELD_BYTES:], "big")
    return _in_range(r, s, N)


def decode_spki(spki: bytes) -> bytes:
    """Return the point 04 || X || Y of a DER SubjectPublicKeyInfo on the named SM2 curve (RFC 5480 section 2).

    There is exactly one spelling of such a key, so the prefix is compared as a whole.

    Raises:
        KeyUnusable: another algorithm or curve, explicit parameters, a compressed point, a point off the curve.
    """
    if not spki.startswith(_SPKI_PREFIX):
        raise KeyUnusable(_why_not_sm2(spki))
    return check_point(spki[len(_SPKI_PREFIX) :])


def _why_not_sm2(spki: bytes) -> str:
    """Say what the matter is; only for the message, every path here ends in a refusal."""
    place = spki.find(_ID_EC_PUBLIC_KEY)
    after = spki[place + len(_ID_EC_PUBLIC_KEY) :] if place >= 0 else b""
    if after[:1] == bytes((der.SEQUENCE,)):
        return "The key gives its curve by explicit parameters, not by name."
    if after.startswith(_CURVE_OID):
        return "The key is not encoded as DER with an uncompressed point."
    return "The key is not on the curve 1.2.156.10197.1.301."


def check_point(point: bytes) -> bytes:
    """Return `point` if it is 04 || X || Y on the curve.

    Raises:
        KeyUnusable: it is not.
    """
    if not is_point(point):
        raise KeyUnusable("The public key is not an uncompressed point on the SM2 curve.")
    return point


def encode_spki(point: bytes) -> bytes:
    """Return the DER SubjectPublicKeyInfo of a point that was checked before."""
    return _SPKI_PREFIX + point


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKeyParts:
    """What a PKCS #8 file holds. The caller overwrites `scalar` when done."""

    scalar: bytearray = field(repr=False)
    point: bytes | None


def decode_pkcs8(pkcs8: bytes) -> PrivateKeyParts:
    """Return the scalar, and the point if it is given, of a DER PrivateKeyInfo (RFC 5958, RFC 5915).

    Whether the point belongs to the scalar is for the engine to check.

    Raises:
        KeyUnusable: anything but an unencrypted key on the named SM2 curve with 1 <= d <= n - 2.
    """
    outer = der.Reader(pkcs8, KeyUnusable)
    info = outer.inner(der.SEQUENCE)
    outer.finish()
    if info.unsigned() != 0:
        info.refuse("The version of the key file is not 0.")
    if info.contents(der.SEQUENCE) != _ALGORITHM[2:]:
        info.refuse("The key is not on the named curve 1.2.156.10197.1.301.")
    key = info.inner(der.OCTET_STRING)
    info.finish()
    return _decode_ec_private_key(key)


def _decode_ec_private_key(key: der.Reader) -> PrivateKeyParts:
    fields = key.inner(der.SEQUENCE)
    key.finish()
    if fields.unsigned() != 1:
        fields.refuse("The version of the private key is not 1.")
    secret = fields.contents(der.OCTET_STRING)
    if fields.next_tag() == _PARAMETERS_TAG and fields.contents(_PARAMETERS_TAG) != _CURVE_OID:
        fields.refuse("The private key names another curve.")
    point = _optional_point(fields)
    fields.finish()
    if len(secret) != FIELD_BYTES:
        fields.refuse("The private key does not have 32 bytes.")
    scalar = bytearray(secret)
    # Big-endian byte strings of one length compare like the numbers; no int of the secret is ever made.
    if not any(scalar) or scalar > _HIGHEST_SCALAR:
        scalar[:] = bytes(FIELD_BYTES)
        fields.refuse("The private key is not between 1 and n - 2.")
    return PrivateKeyParts(scalar=scalar, point=point)


def _optional_point(fields: der.Reader) -> bytes | None:
    if fields.next_tag() != _PUBLIC_KEY_TAG:
        return None
    wrapped = fields.inner(_PUBLIC_KEY_TAG)
    bits = wrapped.contents(der.BIT_STRING)
    wrapped.finish()
    if not bits or bits[0] != 0:
        fields.refuse("The public key does not have whole bytes.")
    return check_point(bytes(bits[1:]))


def encode_pkcs8(scalar: bytes | bytearray, point: bytes | None) -> bytearray:
    """Return the DER PrivateKeyInfo in a buffer that the caller can overwrite."""
    public = der.element(_PUBLIC_KEY_TAG, der.element(der.BIT_STRING, b"\x00", point)) if point else b""
    # The buffer is made in its full size: one that grew could leave a copy of the secret behind in freed memory.
    head = der.unsigned(1) + der.header(der.OCTET_STRING, FIELD_BYTES)
    sequence = der.header(der.SEQUENCE, len(head) + FIELD_BYTES + len(public)) + head
    octets = der.header(der.OCTET_STRING, len(sequence) + FIELD_BYTES + len(public))
    body = der.unsigned(0) + _ALGORITHM + octets + sequence
    front = der.header(der.SEQUENCE, len(body) + FIELD_BYTES + len(public)) + body
    result = bytearray(len(front) + FIELD_BYTES + len(public))
    result[: len(front)], result[len(front) + FIELD_BYTES :] = front, public
    result[len(front) : len(front) + FIELD_BYTES] = scalar
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Ciphertext:
    """SM2Cipher: C1 = (x, y), C3 = the hash, C2 = the masked plaintext."""

    x: int
    y: int
    c3: bytes
    c2: bytes

    @property
    def point(self) -> bytes:
        """C1 as 04 || X || Y."""
        return bytes((UNCOMPRESSED,)) + self.x.to_bytes(FIELD_BYTES, "big") + self.y.to_bytes(FIELD_BYTES, "big")


def decode_ciphertext(ciphertext: bytes) -> Ciphertext:
    """Return the parts of a DER SM2Cipher (GB/T 35276 section 7.2), C1 on the curve.

    Raises:
        CiphertextInvalid: any other bytes.
    """
    outer = der.Reader(ciphertext, CiphertextInvalid)
    fields = outer.inner(der.SEQUENCE)
    outer.finish()
    x, y = fields.unsigned(), fields.unsigned()
    c3, c2 = bytes(fields.contents(der.OCTET_STRING)), bytes(fields.contents(der.OCTET_STRING))
    fields.finish()
    if not is_on_curve(x, y) or len(c3) != C3_BYTES or not c2:
        fields.refuse("The encrypted data is not an SM2 ciphertext.")
    return Ciphertext(x=x, y=y, c3=c3, c2=c2)


def encode_ciphertext(parts: Ciphertext) -> bytes:
    """Return the DER SM2Cipher."""
    return der.element(
        der.SEQUENCE,
        der.unsigned(parts.x),
        der.unsigned(parts.y),
        der.element(der.OCTET_STRING, parts.c3),
        der.element(der.OCTET_STRING, parts.c2),
    )


def split_c1c3c2(raw: bytes) -> Ciphertext:
    """Return the parts of the raw form C1 || C3 || C2 (GB/T 32918.4), which GM/T formats without ASN.1 use.

    Raises:
        CiphertextInvalid: too short, or C1 is not an uncompressed point of the curve.
    """
    point, c3, c2 = raw[:POINT_BYTES], raw[POINT_BYTES : POINT_BYTES + C3_BYTES], raw[POINT_BYTES + C3_BYTES :]
    if not is_point(point) or not c2:
        raise CiphertextInvalid
    middle = 1 + FIELD_BYTES
    return Ciphertext(x=int.from_bytes(point[1:middle], "big"), y=int.from_bytes(point[middle:], "big"), c3=c3, c2=c2)
