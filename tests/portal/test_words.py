"""One word for one thing in Chinese, on pages and in errors alike."""

from pathlib import Path

import pytest

import portal
import sso

SOURCES = [path for package in (portal, sso) for path in Path(package.__path__[0]).rglob("*") if path.suffix != ".pyc"]
TEXTS = {path: path.read_text("utf-8") for path in SOURCES if path.suffix in {".py", ".html", ".js"}}


@pytest.mark.parametrize(("never", "but"), [("账户", "账号"), ("动态口令", "动态验证码"), ("密钥口令", "客户端密钥")])
def test_a_thing_has_one_name(never, but):
    assert [path.name for path, text in TEXTS.items() if never in text] == [], f"say {but}"


def test_a_passphrase_is_only_the_key_stores_own():
    assert {path.name for path, text in TEXTS.items() if "口令" in text} == {"home.py"}
