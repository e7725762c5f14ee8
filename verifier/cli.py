"""The command `verify`: exits 0 valid, 1 invalid, 2 indeterminate, 3 usage or unreadable input.

`verify_command` makes it for `portal`, which hands in a verifier of its own installation. `python -m verifier` is the
same command for an outsider, who names the folders with anchors and revocation lists.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from typing_extensions import override

from trust.kernel.clock import SystemClock
from trust.kernel.errors import InvalidInput, MalformedInput, TooLarge, TrustError
from verifier.api import Verifier
from verifier.errors import VerifyInput
from verifier.folder import FolderTrust
from verifier.report import Language, Report, Verdict

EXIT_CODES: Final = {Verdict.VALID: 0, Verdict.INVALID: 1, Verdict.INDETERMINATE: 2}
USAGE: Final = 3

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class _Usage(click.UsageError):
    exit_code = USAGE


class _Command(click.Command):
    """A command whose usage errors exit with 3: click's own 2 means `indeterminate` here."""

    @override
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise _Usage(error.format_message(), error.ctx) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be verified: exactly one of the three. Raises `VerifyInput`."""

    path: Path | None = None
    identifier: str | None = None
    qr: str | None = None

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.path, self.identifier, self.qr)) != 1:
            raise VerifyInput

    def ask(self, verifier: Verifier) -> Report:
        """Return the report. Raises what the verifier raises, and `MalformedInput` when the file cannot be read."""
        if self.identifier is not None:
            return verifier.verify_identifier(self.identifier)
        if self.qr is not None:
            return verifier.verify_qr(self.qr)
        return verifier.verify_file(_read(self.path or Path(), verifier.max_bytes))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)  # one byte more than is allowed is enough to refuse it
    except OSError as error:
        raise MalformedInput(f"{path.name} cannot be read: {error.strerror}.", field="file") from error


def verify_command(default: Callable[[], Verifier] | None = None) -> click.Command:
    """Return the command; `default` makes the verifier when no folder of anchors is named."""

    @click.command("verify", cls=_Command)
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
    @click.option("--identifier", help="A certificate identifier (GB/T 36904) instead of a file.")
    @click.option("--qr", help="The text of a scanned QR code instead of a file.")
    @click.option("--roots", type=_FOLDER, help="Folder of root and issuing X.509s: verify offline against these.")
    @click.option("--crls", type=_FOLDER, help="Folder of revocation lists (default: the folder of --roots).")
    @click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
    @click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the report for people.")
    def verify(
        *,
        file: Path | None,
        identifier: str | None,
        qr: str | None,
        roots: Path | None,
        crls: Path | None,
        as_json: bool,
        lang: Language,
    ) -> None:
        """Verify a certificate by its file, its identifier or its QR code.

        Exits 0 valid, 1 invalid, 2 cannot be confirmed, 3 usage or unreadable input.
        """
        try:
            question = Question(path=file, identifier=identifier, qr=qr)
            report = question.ask(_verifier(default, roots, crls))
        except (MalformedInput, InvalidInput, TooLarge) as refusal:
            _show_refusal(refusal, as_json=as_json, lang=lang)
            raise click.exceptions.Exit(USAGE) from None
        click.echo(_as_json(report.to_json()) if as_json else report.to_text(lang))
        raise click.exceptions.Exit(EXIT_CODES[report.verdict])

    return verify


def _verifier(default: Callable[[], Verifier] | None, roots: Path | None, crls: Path | None) -> Verifier:
    if roots is not None:
        return Verifier(FolderTrust(roots, crls or roots), SystemClock())
    if default is None:
        raise VerifyInput("Name the folder of trusted X.509s with --roots.", field="roots")
    return default()


def _show_refusal(refusal: TrustError, *, as_json: bool, lang: Language) -> None:
    chinese = lang == "zh"
    title, remedy = (refusal.title_zh, refusal.remedy_zh) if chinese else (refusal.title, refusal.remedy)
    if as_json:
        shown = {"code": refusal.code, "title": title, "detail": refusal.detail, "field": refusal.field}
        click.echo(_as_json(shown | {"remedy": remedy}))
        return
    where = f" [{refusal.field}]" if refusal.field else ""
    click.echo(f"{refusal.code}: {title}{where}", err=True)
    if refusal.detail != refusal.title:
        click.echo(refusal.detail, err=True)
    click.echo(remedy, err=True)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def main() -> None:
    """Run the command for an outsider; a folder that cannot be read exits 3 as well."""
    try:
        verify_command()()
    except TrustError as error:
        _show_refusal(error, as_json=False, lang="en")
        raise SystemExit(USAGE) from None
