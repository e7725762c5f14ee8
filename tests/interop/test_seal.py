"""The seal and the signature in a certificate, judged by code that shares nothing with the service."""

import io
from datetime import UTC, datetime

from gmssl import sm3 as gmssl_sm3
from PIL import Image

from portal.demo import data
from tests.interop.conftest import Exhibit, Exhibits
from tests.interop.independent import SM2_WITH_SM3, certified, cut, oid, read, sm2_verifies, sm3

SIZE_MM = 42  # an authority's round seal, 国发〔1999〕25号
MAKES_SEALS = oid("2.25.310959861641134366723555231983945351241")
V4 = 4  # header.version of GB/T 38540-2020


def test_the_seal_is_what_the_maker_signed(exhibit: Exhibit, exhibits: Exhibits) -> None:
    info, maker_der, algorithm, value = read(cut(exhibit.pdf).seal)
    maker, issuing = certified(maker_der.content), certified(exhibits.published("issuing.cer"))
    assert algorithm.encoded == SM2_WITH_SM3
    assert sm2_verifies(maker.spki, info.encoded, value.bits)
    assert MAKES_SEALS in maker.tbs
    assert maker.signed_by(issuing)
    assert issuing.signed_by(certified(exhibits.published("root.cer")))


def test_a_changed_seal_is_not(exhibits: Exhibits) -> None:
    info, maker_der, _algorithm, value = read(cut(exhibits.food.pdf).seal)
    changed = bytearray(info.encoded)
    changed[-1] ^= 1
    assert not sm2_verifies(certified(maker_der.content).spki, bytes(changed), value.bits)


def test_the_seal_is_version_4_of_its_owner_and_valid_now(exhibit: Exhibit) -> None:
    info, maker_der, *_rest = read(cut(exhibit.pdf).seal)
    header, number, properties, _picture, *_extensions = info
    assert [element.content for element in header][:2] == [b"ES", bytes([V4])]
    assert number.content.isascii()
    _kind, name, _list_type, _list, made, start, end = properties
    assert name.content.decode() == data.AUTHORITY_NAME_ZH
    assert start.moment <= datetime.now(UTC) <= end.moment
    assert certified(maker_der.content).not_before <= made.moment <= certified(maker_der.content).not_after


def test_the_signer_is_in_the_seals_list_and_signed_the_file(exhibit: Exhibit, exhibits: Exhibits) -> None:
    parts = cut(exhibit.pdf)
    _version, _digests, _content, enclosed, signers = read(parts.cms)[1][0]
    _version, sid, _digest, attributes, algorithm, value = signers[0]
    issuer, serial = sid
    x509s = [(element.encoded, certified(element.encoded)) for element in enclosed]
    (signer_der,) = (der for der, x509 in x509s if (x509.issuer, x509.serial) == (issuer.encoded, serial.number))
    signer = certified(signer_der)
    assert algorithm[0].encoded == SM2_WITH_SM3
    assert sm2_verifies(signer.spki, b"\x31" + attributes.encoded[1:], value.content)
    assert signer.signed_by(certified(exhibits.published("issuing.cer")))
    _kind, _name, list_type, listed, *_dates = read(parts.seal)[0][2]
    assert list_type.number == 1  # whole X.509s, not digests
    assert signer_der in [element.content for element in listed]


def test_the_signed_digest_is_the_sm3_of_the_covered_bytes(exhibit: Exhibit) -> None:
    parts = cut(exhibit.pdf)
    _version, _sid, _digest, attributes, *_rest = read(parts.cms)[1][0][4][0]
    claimed = next(values[0].content for oid, values in attributes if oid.content.hex() == "2a864886f70d010904")
    assert claimed == sm3(parts.covered)
    assert claimed.hex() == gmssl_sm3.sm3_hash(list(parts.covered))


def test_the_picture_is_a_red_seal_of_its_stated_size(exhibit: Exhibit) -> None:
    kind, data, width, height = read(cut(exhibit.pdf).seal)[0][3]
    assert (kind.content, width.number, height.number) == (b"PNG", SIZE_MM, SIZE_MM)
    with Image.open(io.BytesIO(data.content)) as picture:
        pixels = picture.convert("RGBA")
    assert pixels.width == pixels.height >= SIZE_MM / 25.4 * 300 - 1
    assert pixels.getpixel((0, 0))[3] == 0
    inks = {colour[:3] for _count, colour in pixels.getcolors(pixels.width**2) if colour[3] == 255}
    ((red, green, blue),) = inks
    assert red > 200
    assert max(green, blue) < 60
