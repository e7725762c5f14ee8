"""A second reading of an SES V4 seal, with asn1crypto and gmssl only: shares no code with the service."""
# ruff: noqa: RUF012  asn1crypto declares structures as plain class attributes

import hashlib

from asn1crypto.core import (
    Boolean,
    GeneralizedTime,
    IA5String,
    Integer,
    ObjectIdentifier,
    OctetBitString,
    OctetString,
    Sequence,
    SequenceOf,
    UTF8String,
)
from asn1crypto.x509 import Certificate
from gmssl import sm2, sm3


class Header(Sequence):
    _fields = [("id", IA5String), ("version", Integer), ("vid", IA5String)]


class CertInfoList(SequenceOf):
    _child_spec = OctetString


class Property(Sequence):
    _fields = [
        ("type", Integer),
        ("name", UTF8String),
        ("cert_list_type", Integer),
        ("cert_list", CertInfoList),
        ("create_date", GeneralizedTime),
        ("valid_start", GeneralizedTime),
        ("valid_end", GeneralizedTime),
    ]


class Picture(Sequence):
    _fields = [("type", IA5String), ("data", OctetString), ("width", Integer), ("height", Integer)]


class ExtData(Sequence):
    _fields = [("id", ObjectIdentifier), ("critical", Boolean, {"default": False}), ("value", OctetString)]


class ExtDatas(SequenceOf):
    _child_spec = ExtData


class SealInfo(Sequence):
    _fields = [
        ("header", Header),
        ("es_id", IA5String),
        ("property", Property),
        ("picture", Picture),
        ("ext_datas", ExtDatas, {"optional": True}),
    ]


class SESeal(Sequence):
    _fields = [
        ("info", SealInfo),
        ("cert", OctetString),
        ("sign_alg", ObjectIdentifier),
        ("signed_value", OctetBitString),
    ]


class Sm2Value(Sequence):
    _fields = [("r", Integer), ("s", Integer)]


def sm2_verifies(spki_point: bytes, message: bytes, signature: bytes) -> bool:
    """GB/T 32918.2 with the default id, computed by gmssl."""
    curve = bytes.fromhex(
        "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc"
        "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93"
        "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
        "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
    )
    identity = b"1234567812345678"
    za_input = (8 * len(identity)).to_bytes(2, "big") + identity + curve + spki_point[1:]
    za = bytes.fromhex(sm3.sm3_hash(list(za_input)))
    digest = hashlib.new("sm3", za + message).digest()
    value = Sm2Value.load(signature, strict=True)
    checker = sm2.CryptSM2(None, "")
    checker.public_key = spki_point[1:].hex()
    return bool(checker.verify(f"{value['r'].native:064x}{value['s'].native:064x}", digest))


def seal_signature_is_right(der: bytes) -> bool:
    """Whether the maker's certificate inside the seal verifies the value over SES_SealInfo."""
    seal = SESeal.load(der, strict=True)
    maker = Certificate.load(seal["cert"].native, strict=True)
    point = bytes(maker["tbs_certificate"]["subject_public_key_info"]["public_key"])
    return sm2_verifies(point, seal["info"].dump(), bytes(seal["signed_value"]))
