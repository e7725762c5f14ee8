"""Key pairs in a token, through one session: found, read, made."""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

import structlog

from hsm_adapter.api import Holding
from hsm_adapter.errors import DeviceCannot, KeyUnknown
from hsm_adapter.pkcs11.cryptoki import (
    CKA_CLASS,
    CKA_EXTRACTABLE,
    CKA_ID,
    CKA_LABEL,
    CKA_SENSITIVE,
    CKO_PRIVATE_KEY,
    CKO_PUBLIC_KEY,
    KeyObject,
    Session,
)
from hsm_adapter.pkcs11.encodings import FALSE, TRUE, Read, generation, public_key, templates, ulong
from hsm_adapter.pkcs11.errors import AnswerUnusable, DeviceErrored, MechanismRefused
from hsm_adapter.pkcs11.quirks import Quirks
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import InvalidInput
from trust.signatures import algorithm_of

MAX_ID_BYTES: Final = 255
"""Longest CKA_ID that is looked for, bytes: certificates' key identifiers have 20, some vendors write names."""

_ULONG_BYTES: Final = struct.calcsize("L")
_log = structlog.get_logger("hsm_adapter.pkcs11")


def id_of(handle: str) -> bytes:
    """Return the CKA_ID that a handle spells in hex. Raises `KeyUnknown`."""
    try:
        key_id = bytes.fromhex(handle)
    except ValueError:
        key_id = b""
    if not 0 < len(key_id) <= MAX_ID_BYTES:
        raise KeyUnknown(field="handle")
    return key_id


def private_half(session: Session, key_id: bytes) -> KeyObject:
    """Return the private key of a CKA_ID. Raises `KeyUnknown`; `AnswerUnusable` when there are several."""
    found = session.find({CKA_CLASS: ulong(CKO_PRIVATE_KEY), CKA_ID: key_id})
    if not found:
        raise KeyUnknown(f"The token has no private key with the CKA_ID {key_id.hex()}.", field="handle")
    if len(found) > 1:
        raise AnswerUnusable(f"The token has several private keys with the CKA_ID {key_id.hex()}.")
    return found[0]


def signing_half(session: Session, key_id: bytes) -> KeyObject:
    """Return the private key of a pair that was enrolled.

    A token that is being pulled out shows nothing for a while instead of an error (seen with SoftHSM2), and so does an
    empty one in the place of another: neither says that the key is unknown. Raises `DeviceErrored` then.
    """
    try:
        return private_half(session, key_id)
    except KeyUnknown:
        if not session.find({}):
            raise DeviceErrored("The token shows no object at all, and so not the key.") from None
        raise


def holdings(session: Session, quirks: Quirks) -> list[Holding]:
    """Return the pairs of the closed table; what else the token holds is passed over and logged."""
    privates = session.find({CKA_CLASS: ulong(CKO_PRIVATE_KEY)})
    ids = [session.read(key, CKA_ID) or b"" for key in privates]
    return [
        found for key, key_id in zip(privates, ids, strict=True) for found in _read(session, key, key_id, ids, quirks)
    ]


def _read(
    session: Session, private: KeyObject, key_id: bytes, ids: Sequence[bytes], quirks: Quirks
) -> Iterator[Holding]:
    if not key_id or ids.count(key_id) > 1:
        _log.warning("pkcs11_key_passed_over", key=key_id.hex(), reason="no CKA_ID of its own")
        return
    try:
        yield _holding(session, private, key_id, quirks)
    except (InvalidInput, AnswerUnusable) as error:
        _log.warning("pkcs11_key_passed_over", key=key_id.hex(), reason=error.code, detail=error.detail)


def _holding(session: Session, private: KeyObject, key_id: bytes, quirks: Quirks) -> Holding:
    """Raises `AlgorithmRefused` when the pair is of no algorithm in the table, or `AnswerUnusable`."""
    spki = public_key(_reading(session, private, key_id), quirks)
    label = (session.read(private, CKA_LABEL) or b"").decode("utf-8", "replace")
    return Holding(handle=key_id.hex(), algorithm=algorithm_of(spki), public_key=spki, label=label)


def _reading(session: Session, private: KeyObject, key_id: bytes) -> Read:
    """Read from the public half; where a device keeps none, it mostly shows the same attributes in the private one."""
    publics = session.find({CKA_CLASS: ulong(CKO_PUBLIC_KEY), CKA_ID: key_id})
    if len(publics) > 1:
        raise AnswerUnusable(f"The token has several public keys with the CKA_ID {key_id.hex()}.")
    half = publics[0] if publics else private
    return lambda attribute: session.read(half, attribute)


def make(session: Session, algorithm: Algorithm, *, key_id: bytes, label: str, quirks: Quirks) -> Holding:
    """Make a pair that can sign and cannot leave. `session` must be for writing.

    Raises `DeviceCannot` when the device has no mechanism for it, or made a key that could be taken out or cannot be
    read: that key is destroyed again. `TemplateRefused` when the device does not take the attributes.
    """
    mechanism, kind = generation(algorithm, quirks)
    public_template, private_template = templates(kind, key_id=key_id, label=label, quirks=quirks)
    try:
        public, private = session.generate(mechanism, public_template, private_template)
    except MechanismRefused as error:
        raise DeviceCannot(error.detail) from None
    try:
        _check_kept_inside(session, private)
        own_id = key_id if quirks.honours_id else session.read(private, CKA_ID) or b""
        id_of(own_id.hex())
        return _holding(session, private, own_id, quirks)
    except Exception:
        session.destroy(private)
        session.destroy(public)
        raise


def _check_kept_inside(session: Session, private: KeyObject) -> None:
    if session.read(private, CKA_SENSITIVE) != TRUE or session.read(private, CKA_EXTRACTABLE) != FALSE:
        raise DeviceCannot("The device made a private key that is not sensitive or could be taken out.")


def count(value: bytes) -> int:
    """Return a device's counter: a CK_ULONG, or a big-endian number of another length."""
    if len(value) == _ULONG_BYTES:
        return int(struct.unpack("L", value)[0])
    return int.from_bytes(value, "big")
