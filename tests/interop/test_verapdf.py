"""veraPDF, the reference validator of PDF/A, judges certificates against ISO 19005-3 conformance level B.

It is a program under GPL or MPL that `.ci/run` fetches for these tests; it is no part of the service.
"""

import io
import subprocess
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from tests.interop.conftest import NAMES, Exhibit, Exhibits
from tests.interop.programs import need

VERSION = "1.28.2"
JAR = Path(__file__).parents[2] / ".venv" / "tools" / f"greenfield-apps-{VERSION}.jar"
_MAIN = "org.verapdf.apps.GreenfieldCliWrapper"
_SECONDS = 180


def verdicts(scratch: Path, *files: Path) -> dict[str, str]:
    """Run veraPDF once over the files; return PASS or FAIL by their names without a suffix."""
    if not JAR.exists():
        pytest.skip(f"missing part: veraPDF {VERSION} in {JAR.parent.parent.name}/{JAR.parent.name} (run .ci/run)")
    options = ["-XX:-UsePerfData", f"-Djava.io.tmpdir={scratch}"]  # it leaves its log and counters behind otherwise
    done = subprocess.run(
        [need("java"), *options, "-cp", JAR, _MAIN, "--flavour", "3b", "--format", "text", *files],
        capture_output=True,
        check=False,
        timeout=_SECONDS,
    )
    printed = done.stdout.decode("utf-8", "replace")
    found = [line.split() for line in printed.splitlines() if line.startswith(("PASS ", "FAIL "))]
    assert len(found) == len(files), printed + done.stderr.decode("utf-8", "replace")
    assert all(flavour == "3b" for _verdict, _path, flavour in found)
    return {Path(path).stem: verdict for verdict, path, _flavour in found}


def without_colours(document: Any) -> None:
    """The colours of the page mean nothing without the profile that they refer to (section 6.2.4.3)."""
    del document.Root.OutputIntents


def without_metadata(document: Any) -> None:
    """A file says in its XMP that it is PDF/A-3b (section 6.6.4)."""
    del document.Root.Metadata


def with_a_script(document: Any) -> None:
    """Nothing runs on opening (section 6.5.1)."""
    document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def with_an_orphaned_attachment(document: Any) -> None:
    """Each attachment says how it belongs to the document (section 6.8)."""
    del document.Root.AF


SPOILT = (without_colours, without_metadata, with_a_script, with_an_orphaned_attachment)


@pytest.fixture(scope="module")
def judged(exhibits: Exhibits, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The good files and the spoilt ones, in one run."""
    folder = tmp_path_factory.mktemp("verapdf")
    files = [getattr(exhibits, name).path for name in NAMES]
    for spoil in SPOILT:
        with pikepdf.open(io.BytesIO(exhibits.food.pdf)) as document:
            spoil(document)
            files.append(folder / f"{spoil.__name__}.pdf")
            document.save(files[-1])
    return verdicts(folder, *files)


@pytest.mark.parametrize("name", NAMES)
def test_a_certificate_is_pdf_a_3b(judged: dict[str, str], name: str) -> None:
    assert judged[name] == "PASS"


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_spoilt_one_is_not(judged: dict[str, str], spoil: Any) -> None:
    assert judged[spoil.__name__] == "FAIL"


def test_rare_characters_and_a_second_seal_leave_it_pdf_a_3b(rare: Exhibit, twice: Path, tmp_path: Path) -> None:
    assert verdicts(tmp_path, rare.path, twice) == {"rare": "PASS", "twice": "PASS"}
