import html
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from portal.pages.reference import error_codes
from portal.pages.rendering import code_parts
from portal.pages.texts import EN, ZH
from portal.pages.verification import view_of
from tests.portal.support import FACTS, IDENTIFIER, PUBLIC_URL, TableJudge, altered, build, report
from verifier.ports import LibraryState
from verifier.reasons import Outcome
from verifier.report import Verdict

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ADDRESSES = ["/", "/verify", "/docs", "/problems", "/problems/field-unknown", f"/v/{IDENTIFIER}?t=abc", "/nowhere"]
VOID = {"meta", "link", "input", "img", "br", "path", "circle", "rect"}


class Outline(HTMLParser):
    """Checks nesting, and collects what the rules below ask about."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def outline(text: str) -> Outline:
    parsed = Outline()
    parsed.feed(text)
    parsed.close()
    assert parsed.open == []
    return parsed


def client(folder: Path, judge: TableJudge | None = None, rate: int = 1000) -> FlaskClient:
    return build(folder, judge=judge, rate=rate).test_client()


def upload(content: bytes) -> dict[str, object]:
    return {"file": (io.BytesIO(content), "x.pdf")}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("lang", ["", "en"])
def test_every_page_is_well_formed_and_keeps_the_policy(tmp_path: Path, address: str, lang: str) -> None:
    asked = address + ("&" if "?" in address else "?") + f"lang={lang}" if lang else address
    answer = client(tmp_path).get(asked, headers=BROWSER)
    assert answer.content_type == "text/html; charset=utf-8"
    parsed = outline(answer.get_data(as_text=True))
    names = [tag for tag, _ in parsed.tags]
    assert "script" not in names
    assert "style" not in names
    assert not any(
        "style" in attributes or any(n.startswith("on") for n in attributes) for _, attributes in parsed.tags
    )
    assert names.count("h1") == 1
    assert names.count("main") == 1
    assert dict(parsed.tags)["html"]["lang"] == ("en" if lang else "zh-CN")
    for tag, attributes in parsed.tags:
        for name in ("src", "href", "action"):
            target = attributes.get(name) or "/"
            assert target.startswith(("/", "#")), f"{tag} leads to another host: {target}"


def test_the_language_link_keeps_the_address(tmp_path: Path) -> None:
    chinese = client(tmp_path).get(f"/v/{IDENTIFIER}?t=abc").get_data(as_text=True)
    assert f'href="/v/{IDENTIFIER}?t=abc&amp;lang=en" lang="en" hreflang="en"' in chinese
    english = client(tmp_path).get(f"/v/{IDENTIFIER}?t=abc&lang=en").get_data(as_text=True)
    assert f'href="/v/{IDENTIFIER}?t=abc&amp;lang=zh" lang="zh-CN" hreflang="zh-CN"' in english
    assert 'href="/verify?lang=en"' in english


def test_both_languages_say_something_everywhere() -> None:
    for texts in (ZH, EN):
        assert all(getattr(texts, name) for name in texts.__slots__)
        assert set(texts.verdicts) == set(Verdict)
        assert set(texts.outcomes) == set(Outcome)
        assert set(texts.states) == set(LibraryState)
    assert not re.search("[一-鿿]", "".join(str(getattr(EN, name)) for name in EN.__slots__ if name != "other_label"))


@pytest.mark.parametrize(
    ("content", "word", "also", "icon"),
    [
        (b"good", "真实有效", "Valid", "pass"),
        (b"altered", "核验不通过", "Not valid", "fail"),
        (b"unsigned", "无法确认", "Cannot be confirmed", "open"),
    ],
)
def test_the_three_outcomes_by_icon_and_word_in_both_languages(
    tmp_path: Path, content: bytes, word: str, also: str, icon: str
) -> None:
    page = client(tmp_path).post("/verify", data=upload(content)).get_data(as_text=True)
    assert f'<h1 id="verdict">{word}</h1>' in page
    assert also in page
    assert f'class="verdict {icon}"' in page
    other = client(tmp_path).post("/verify?lang=en", data=upload(content)).get_data(as_text=True)
    assert f'<h1 id="verdict">{also}</h1>' in other


def test_there_is_a_row_per_check_with_its_code(tmp_path: Path) -> None:
    page = client(tmp_path).post("/verify", data=upload(b"good")).get_data(as_text=True)
    for result in report().steps:
        assert f"<code>{result.code}</code>" in page
        assert html.escape(result.reason.zh) in page
        assert html.escape(result.reason.en).replace("&#x27;", "&#39;") in page


def test_after_an_integrity_failure_nothing_of_the_file_is_shown(tmp_path: Path) -> None:
    page = client(tmp_path).post("/verify", data=upload(b"altered")).get_data(as_text=True)
    assert FACTS.authority is not None
    assert FACTS.authority not in page
    assert IDENTIFIER not in page
    assert ZH.facts_withheld in page
    assert view_of(altered(), "zh").facts == ()


def test_a_claimed_time_is_called_a_claim() -> None:
    assert view_of(report(), "en").time_claimed
    assert dict(view_of(report(), "en").facts)["Time of signing"] == "2026-11-21 16:00:00 (UTC+8)"


def test_an_identifier_alone_proves_no_file(tmp_path: Path) -> None:
    browser = client(tmp_path)
    page = browser.post("/verify?lang=en", data={"identifier": "a"}).get_data(as_text=True)
    assert EN.identifier_caution in page
    assert '<h1 id="verdict">On record</h1>' in page
    assert EN.identifier_caution not in browser.post("/verify?lang=en", data=upload(b"a")).get_data(as_text=True)


def test_an_identifier_is_taken_from_the_form_only(tmp_path: Path) -> None:
    judge = TableJudge()
    page = client(tmp_path, judge).post("/verify", data={"identifier": "  revoked "}).get_data(as_text=True)
    assert judge.asked == ["revoked"]
    assert "已吊销" in page
    client(tmp_path, judge).get("/verify?identifier=revoked")
    assert judge.asked == ["revoked"]


def test_a_scanned_code_reaches_the_verifier_as_the_code_has_it(tmp_path: Path) -> None:
    judge = TableJudge()
    assert client(tmp_path, judge).get(f"/v/{IDENTIFIER}?t=abc&lang=en").status_code == 200
    assert judge.asked == [f"{PUBLIC_URL}/v/{IDENTIFIER}?t=abc"]


def test_an_empty_form_is_answered_with_the_form(tmp_path: Path) -> None:
    for fields in ({}, {"identifier": "  "}, {"file": (io.BytesIO(b""), "")}):
        answer = client(tmp_path).post("/verify", data=fields, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert 'role="alert"' in answer.get_data(as_text=True)


def test_an_unreadable_file_gets_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    answer = client(tmp_path).post("/verify", data=upload(b"rubbish"), headers=BROWSER)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert "该文件不是 PDF。" in page
    assert MALFORMED_REMEDY in page
    assert answer.headers["X-Correlation-Id"] in page


MALFORMED_REMEDY = "请对照接口说明检查格式后重新提交。"


def test_verifying_is_limited_on_both_ways_in(tmp_path: Path) -> None:
    browser = client(tmp_path, rate=2)
    assert browser.post("/verify", data={"identifier": "a"}).status_code == 200
    assert browser.get(f"/v/{IDENTIFIER}?t=abc").status_code == 200
    answer = browser.post("/verify", data={"identifier": "a"}, headers=BROWSER)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "30"
    assert browser.get("/verify").status_code == 200


def test_what_people_send_is_escaped(tmp_path: Path) -> None:
    attack = "<script>alert(1)</script>"
    for address in (f"/v/{attack}?t={attack}", f"/problems/{attack}", f"/?lang={attack}", f"/?x={attack}&{attack}=1"):
        assert "<script" not in client(tmp_path).get(address, headers=BROWSER).get_data(as_text=True)


@pytest.mark.parametrize("code", sorted(error_codes()))
def test_every_error_code_has_a_page_in_both_languages(tmp_path: Path, code: str) -> None:
    browser = client(tmp_path)
    kind = error_codes()[code]
    page = browser.get(f"/problems/{code}")
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    for sentence in (kind.title_zh, kind.remedy_zh):
        assert sentence in html.unescape(text)
    assert browser.get(f"/problems/{code}?lang=en").status_code == 200


def test_an_unknown_error_code_has_none(tmp_path: Path) -> None:
    assert client(tmp_path).get("/problems/none-such").status_code == 404


def test_the_docs_show_every_operation_with_body_and_scope(tmp_path: Path) -> None:
    page = client(tmp_path).get("/docs?lang=en").get_data(as_text=True)
    for text in (
        "/api/v1/things/{number}",
        "Make a thing.",
        "certs:issue",
        "How people call it",
        "&#34;name&#34;: &#34;a&#34;",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", [(False, "plain")]),
        ("a `b` c", [(False, "a "), (True, "b"), (False, " c")]),
        ("one ` only", [(False, "one ` only")]),
    ],
)
def test_code_in_a_sentence_is_found(text: str, parts: list[tuple[bool, str]]) -> None:
    assert code_parts(text) == parts
