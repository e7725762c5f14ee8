"""Faces and pages of the shipped types, with valid defaults."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from certs.catalogue import Catalogue, CertificateType
from certs.face import Face
from certs.render import Renderer, RenderInput
from trust.formats.qr import VerificationLink
from trust.kernel.identifiers import CertificateIdentifier, Uscc
from trust.typesetting import Typesetter

TODAY = date(2026, 11, 21)
MOMENT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BASE_URL = "https://zhengzhao.example.cn"
TOKEN = "AbCdEfGhIjKlMnOpQrSt-_"
ISSUER = Uscc(value="11000000DEM000014U")
AUTHORITY = "云岭市演示区市场监督管理局"
FOOD_CODE = "11000000DEM0YX001B001"
RESIDENCE_CODE = "11000000DEM0YX001B002"
RARE_FONTS = (Path("/usr/share/fonts/truetype/hanazono"), Path("/usr/share/fonts/truetype/babelstone"))

FOOD: Mapping[str, object] = {
    "operator": "云岭市演示区山泉餐饮管理有限公司",
    "credit_code": "91000000MA00000900",
    "representative": "张晓明",
    "domicile": "云岭市演示区幸福路88号山泉大厦3层301室",
    "premises": "云岭市演示区和平街12号1层",
    "business_form": "餐饮服务经营者",
    "business_items": "热食类食品制售；冷食类食品制售；自制饮品制售",
    "licence_number": "JY21500000000018",
    "supervisor": "云岭市演示区市场监督管理局和平街所",
    "complaints_phone": "12315",
    "signatory": "李国强",
    "issued_on": "2026-11-21",
    "valid_to": "2031-11-20",
}
RESIDENCE: Mapping[str, object] = {
    "holder_name": "王晓燕",
    "sex": "女",
    "ethnicity": "汉族",
    "birth_date": "1850-12-31",
    "resident_id": "11010518501231002X",
    "household_address": "云岭市演示区幸福路88号2单元301室",
    "residence_address": "云岭市演示区和平街道学府社区和平街12号院5号楼1602室",
    "permit_number": "YL-2026-000128",
    "issued_on": "2026-11-21",
    "valid_from": "2026-11-21",
    "valid_to": "2027-11-20",
}
DATA = {FOOD_CODE: FOOD, RESIDENCE_CODE: RESIDENCE}


@cache
def catalogue() -> Catalogue:
    return Catalogue.load()


@cache
def renderer() -> Renderer:
    return Renderer(Typesetter(RARE_FONTS), catalogue())


def kind(code: str) -> CertificateType:
    return catalogue().get(code)


def face(code: str, **changes: object) -> Face:
    data = {**DATA[code], **changes}
    return kind(code).parse_face({key: value for key, value in data.items() if value is not None}, today=TODAY)


def page_of(code: str, serial: str = "20261121ABCDEFGH", authority: str = AUTHORITY, **changes: object) -> RenderInput:
    identifier = CertificateIdentifier.build(code, ISSUER, serial)
    return RenderInput(
        face=face(code, **changes),
        identifier=identifier,
        authority=authority,
        link=VerificationLink(base_url=BASE_URL, identifier=identifier, token=TOKEN),
        moment=MOMENT,
    )
