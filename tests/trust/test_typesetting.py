import io
import json
import threading
from pathlib import Path

import pikepdf
import pytest

from tests.fakes import MOMENT
from trust.typesetting import Typesetter, TypesettingFailed, UnrenderableCharacter

TEMPLATE = """
#let data = json(bytes(sys.inputs.data))
#set document(title: "test", date: auto)
#set page(width: 100mm, height: 60mm)
#set text(font: ("Noto Serif SC",), lang: "zh", region: "cn", fallback: false)
#if "number" in data [#int(data.number)] else [#data.name]
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("templates") / "page.typ"
    path.write_text(TEMPLATE, "utf-8")
    return path


@pytest.fixture(scope="module")
def typesetter() -> Typesetter:
    return Typesetter((Path("/no/such/fonts"),))


def test_same_data_gives_the_same_archival_pdf(typesetter: Typesetter, template: Path) -> None:
    first = typesetter.pdf(template, {"name": "示例市"}, timestamp=MOMENT)
    assert first == typesetter.pdf(template, {"name": "示例市"}, timestamp=MOMENT)
    assert first == Typesetter().pdf(template, {"name": "示例市"}, timestamp=MOMENT)
    assert b"pdfaid:part>3" in first
    with pikepdf.open(io.BytesIO(first)) as pdf:
        assert len(pdf.pages) == 1


def test_fonts_are_only_the_shipped_ones(typesetter: Typesetter) -> None:
    assert set(typesetter.families) == {"Noto Sans SC", "Noto Serif SC"}


@pytest.mark.parametrize(
    ("text", "named"),
    [("甲𬎆乙", "U+2C386"), ("a\x01b", "U+0001"), ('"\\𡋾', "U+212FE"), ("א", "U+05D0")],
)
def test_a_character_without_a_glyph_is_refused_by_name(
    typesetter: Typesetter, template: Path, text: str, named: str
) -> None:
    with pytest.raises(UnrenderableCharacter) as caught:
        typesetter.pdf(template, {"name": text}, timestamp=MOMENT)
    assert caught.value.code == "character-unrenderable"
    assert named in caught.value.detail
    assert len(caught.value.characters) == 1


def test_every_missing_character_is_named_once(typesetter: Typesetter, template: Path) -> None:
    with pytest.raises(UnrenderableCharacter) as caught:
        typesetter.pdf(template, {"name": "𬎆甲𡋾乙𬎆"}, timestamp=MOMENT)
    assert caught.value.characters == ("𬎆", "𡋾")


def test_markup_in_data_is_text(typesetter: Typesetter, template: Path) -> None:
    typesetter.pdf(template, {"name": '#panic("x") $ * _ `'}, timestamp=MOMENT)


def test_a_failing_template_is_our_fault_and_shows_no_value(typesetter: Typesetter, template: Path) -> None:
    with pytest.raises(TypesettingFailed) as caught:
        typesetter.pdf(template, {"number": "11010519491231002X"}, timestamp=MOMENT)
    assert caught.value.code == "typesetting-failed"
    assert "1101" not in json.dumps([caught.value.detail, caught.value.facts], default=str)


def test_a_missing_template_is_our_fault(typesetter: Typesetter, tmp_path: Path) -> None:
    with pytest.raises(TypesettingFailed):
        typesetter.pdf(tmp_path / "none.typ", {}, timestamp=MOMENT)


def test_threads_share_one_typesetter(typesetter: Typesetter, template: Path) -> None:
    made: dict[str, bytes] = {}

    def work(worker: int) -> None:
        for page in range(5):
            name = f"{worker}-{page}"
            made[name] = typesetter.pdf(template, {"name": name}, timestamp=MOMENT)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made.values())) == 30


def test_a_refusal_names_the_first_eight_characters(typesetter: Typesetter, template: Path) -> None:
    missing = "".join(chr(0x5D0 + place) for place in range(9))
    for count in (8, 9):
        with pytest.raises(UnrenderableCharacter) as caught:
            typesetter.pdf(template, {"name": missing[:count]}, timestamp=MOMENT)
        assert len(caught.value.characters) == count
        assert caught.value.detail.count("U+") == 8
