"""The invented authority and holders of the demonstration; nobody real is among them.

The resident number is the specimen that GB 11643 itself prints; the credit codes carry the letters DEM.
"""

from datetime import date, timedelta

AUTHORITY = "11000000DEM0YX001B"
AUTHORITY_NAME = "Administrative Approval Bureau of Yanshi (demonstration)"
AUTHORITY_NAME_ZH = "演示市行政审批局"
AUTHORITY_REGION = "110000"
SEAL_CODE = "1101000000018"
SEAL_LINE = "电子证照专用章"
FOOD_LICENCE = "11000000DEM0YX001B001"
RESIDENCE_PERMIT = "11000000DEM0YX001B002"
SCOPES = "certs:issue certs:read certs:revoke ledger:read"
RESIDENT_NUMBER = "11010519491231002X"


def food_licence(issued_on: date) -> dict[str, object]:
    """Return the body that issues a food business licence."""
    return {
        "type": FOOD_LICENCE,
        "holder": {"kind": "001", "number": "92110105MADEM0YX5T", "name": "演示市朝晖区㛃䶮小馆"},
        "number": "JY21101050000018",
        "face": {
            "representative": "赵䶮",
            "domicile": "演示市朝晖区百子湾南一路1号院2号楼1层101",
            "premises": "演示市朝晖区百子湾南一路1号院2号楼1层101",
            "business_form": "餐饮服务经营者",
            "business_items": "热食类食品制售、冷食类食品制售（不含生食类）、自制饮品制售",
            "supervisor": "朝晖区市场监督管理局百子湾所",
            "complaints_phone": "12315",
            "signatory": "钱演示",
        },
        "valid_from": issued_on.isoformat(),
        "valid_to": (_years(issued_on, 5) - timedelta(days=1)).isoformat(),
    }


def residence_permit(issued_on: date) -> dict[str, object]:
    """Return the body that issues a residence permit."""
    return {
        "type": RESIDENCE_PERMIT,
        "holder": {"kind": "111", "number": RESIDENT_NUMBER, "name": "孙示例"},
        "number": "YS2026-000018",
        "face": {
            "sex": "女",
            "ethnicity": "汉",
            "birth_date": "1949-12-31",
            "household_address": "示例省样本市临江区滨河东路18号3单元502室",
            "residence_address": "演示市朝晖区望和西街9号院6号楼2单元1003室",
        },
        "valid_from": issued_on.isoformat(),
        "valid_to": (_years(issued_on, 1) - timedelta(days=1)).isoformat(),
    }


def _years(day: date, years: int) -> date:
    """Return the same day in another year; the 29th of February becomes the 1st of March."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
