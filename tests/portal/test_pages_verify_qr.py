"""A picture of a code on the public verification page: only a code of this very service is followed."""

import io

import pytest
from PIL import Image

from portal.pages.texts import EN, ZH
from tests.fakes import MOMENT
from tests.portal.support import IDENTIFIER, PUBLIC_URL, TableJudge, build
from tests.trust.formats.test_qr_pictures import code, packed
from trust.formats.qr import parse_verification_link
from verifier.report import Report, Step, StepResult

OURS = f"{PUBLIC_URL}/v/{IDENTIFIER}?t=AbCdEfGhIjKlMnOpQrSt-_"
SHOWN = f"{PUBLIC_URL}/s/{'A' * 43}"
BROWSER = {"Accept": "text/html"}


class LinkJudge(TableJudge):
    """Reads links as the verifier does: one that leads elsewhere is judged, one that is none is refused."""

    def verify_qr(self, text: str) -> Report:
        self.asked.append(text)
        if not text.startswith(f"{PUBLIC_URL}/"):
            if "://" not in text:
                parse_verification_link(text, PUBLIC_URL)
            steps = (
                StepResult(step=Step.RECOGNISE, code="link-foreign"),
                StepResult(step=Step.LIBRARY, code="not-judged"),
            )
            return Report(artefact="qr", digest="5a" * 32, judged_at=MOMENT, steps=steps)
        self.asked.pop()
        return super().verify_qr(text)


@pytest.fixture
def judge():
    return LinkJudge()


@pytest.fixture
def client(tmp_path, judge):
    return build(tmp_path, judge=judge, max_upload_bytes=64 * 1024).test_client()


def send(client, picture: bytes, *, name: str = "code.png", lang: str = "zh"):
    data = {"qr": (io.BytesIO(picture), name)}
    return client.post(f"/verify?lang={lang}", data=data, headers=BROWSER)


def test_a_picture_of_our_code_is_verified(client, judge):
    page = send(client, packed(code(OURS))).get_data(as_text=True)
    assert judge.asked == [OURS]
    assert ZH.on_record in page
    assert "<code>library-issued</code>" in page


def test_a_code_that_leads_elsewhere_is_judged_and_never_followed(client, judge):
    evil = "https://trust.example.evil.example/v/1?t=2"
    answer = send(client, packed(code(evil)))
    assert answer.status_code == 200
    page = answer.get_data(as_text=True)
    assert "<code>link-foreign</code>" in page
    assert evil not in page


@pytest.mark.parametrize("text", ["hello", "javascript:alert(1)", "WIFI:S:x;;"])
def test_a_code_that_is_no_link_is_told_at_its_field(client, text):
    answer = send(client, packed(code(text)))
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'id="qr-fault"' in page
    assert 'href="#qr"' in page


def test_a_code_that_a_holder_shows_leads_to_its_page(client, judge):
    answer = send(client, packed(code(SHOWN)), lang="en")
    assert (answer.status_code, answer.location) == (303, f"/s/{'A' * 43}?lang=en")
    assert judge.asked == []


@pytest.mark.parametrize("text", [f"{PUBLIC_URL}/s/{'A' * 42}", f"{SHOWN}A", f"{SHOWN}/../my", f"{SHOWN}?x=1"])
def test_only_the_exact_form_of_a_shown_code_is_followed(client, text):
    assert send(client, packed(code(text))).status_code != 303


def test_of_several_codes_ours_is_meant(client, judge):
    sheet = Image.new("L", (1100, 500), 255)
    sheet.paste(code("https://other.example/", scale=4), (20, 40))
    sheet.paste(code(OURS, scale=4), (500, 40))
    assert send(client, packed(sheet)).status_code == 200
    assert judge.asked == [OURS]


@pytest.mark.parametrize("texts", [(OURS, SHOWN), ("https://a.example/", "https://b.example/")])
def test_when_two_could_be_meant_the_person_chooses(client, judge, texts):
    sheet = Image.new("L", (1100, 500), 255)
    for place, text in enumerate(texts):
        sheet.paste(code(text, scale=4), (20 + 520 * place, 20))
    answer = send(client, packed(sheet))
    assert answer.status_code == 422
    assert "不止一个二维码" in answer.get_data(as_text=True)
    assert judge.asked == []


@pytest.mark.parametrize(
    ("picture", "words"),
    [(packed(Image.new("L", (99, 99), 255)), "没有找到可识别的二维码"), (b"%PDF-1.7", "图片无法打开")],
)
def test_a_picture_that_does_not_help_is_told_at_its_field(client, judge, picture, words):
    answer = send(client, picture)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert words in page
    assert 'aria-describedby="qr-fault qr-hint"' in page
    assert judge.asked == []


def test_an_empty_picture_is_as_good_as_none(client):
    answer = send(client, b"", lang="en")
    assert answer.status_code == 422
    assert EN.nothing_sent in answer.get_data(as_text=True)


def test_a_picture_above_the_limit_of_uploads_is_refused(client):
    assert send(client, b"\x89PNG" + b"x" * 200_000).status_code == 413
