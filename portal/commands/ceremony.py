"""`yinxin keys ceremony`: hold, resume and check a root-key ceremony; ask for it and take over what it made."""

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from hsm_adapter.ceremony.domain import Custodian, People, Terms
from hsm_adapter.ceremony.errors import CeremonyFolderUnusable, QuorumInvalid, ScreenRequired
from hsm_adapter.ceremony.holding import ACTS, FIRST_SCRIPTS, Outcome, begin, look, resume, terms_of, use
from hsm_adapter.ceremony.requests import MAX_REQUEST_BYTES, fingerprint, grouped
from hsm_adapter.ceremony.sitting import Hall
from portal.commands.output import json_option, show
from trust.config import load_settings
from trust.durable import write_whole
from trust.kernel.clock import SystemClock
from trust.kernel.ids import new_id
from trust.kernel.randomness import SystemRandomness
from trust.typesetting import Typesetter

# The other screen of a terminal has no scroll-back; leaving it, what was on it is gone.
_ENTER_SECRET = "\x1b[?1049h\x1b[2J\x1b[3J\x1b[H"  # noqa: S105  control sequences, not a secret
_LEAVE_SECRET = "\x1b[2J\x1b[3J\x1b[H\x1b[?1049l"  # noqa: S105

_folder = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
_request = click.option(
    "--request", "request_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="What is asked for."
)


def _people_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--place", required=True, help="The room, in a line."),
        click.option("--administrator", required=True, help="Who leads the ceremony."),
        click.option("--officer", required=True, help="The security officer."),
        click.option("--custodian", "custodians", multiple=True, required=True, help="NAME, or NUMBER=NAME."),
        click.option("--witness", "witnesses", multiple=True, required=True, help="A witness (repeatable)."),
    )
    for option in reversed(options):
        command = option(command)
    return command


class TerminalStage:
    """`Stage` on the terminal of the offline machine. Secrets go to its other screen and are never echoed back."""

    def __init__(self) -> None:
        """Take the terminal. Raises `ScreenRequired` when input or output goes elsewhere."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ScreenRequired

    def say(self, text: str) -> None:
        """See the port."""
        click.echo(text)

    def ask(self, question: str) -> str:
        """See the port."""
        click.echo(question, nl=False)
        return _line()

    def show_secret(self, text: str) -> None:
        """See the port."""
        self._on_other_screen(f"{text}\n\n按回车清屏 Enter clears the screen: ")

    def ask_secret(self, question: str) -> str:
        """See the port."""
        return self._on_other_screen(question)

    def _on_other_screen(self, text: str) -> str:
        click.echo(_ENTER_SECRET + text, nl=False)
        try:
            return _line()
        finally:
            click.echo(_LEAVE_SECRET, nl=False)


def _line() -> str:
    """Read a line without a line editor, which would keep a history. The end of input ends the process like Ctrl-C."""
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.rstrip("\n")


@click.group()
def ceremony() -> None:
    """Root-key ceremonies: the key is opened by m of n custodians only (docs/ceremony.md)."""


@ceremony.command("begin")
@_folder
@_people_options
@_request
@click.option("--threshold", type=int, required=True, help="How many custodians open the key.")
@click.option("--script", type=click.Choice(FIRST_SCRIPTS), default="root", show_default=True)
@click.option("--rehearsal", is_flag=True, help="Everything is marked, and nothing can be used afterwards.")
@json_option
def begin_ceremony(**options: Any) -> None:
    """Hold a ceremony on the empty medium FOLDER, at the console of the offline machine."""
    custodians = _custodians(options["custodians"])
    terms = Terms(
        ceremony=new_id(SystemClock(), SystemRandomness()),
        script=options["script"],
        place=options["place"],
        threshold=options["threshold"],
        shares=len(custodians),
        people=_people(options, custodians),
        rehearsal=options["rehearsal"],
    )
    if sorted(found.number for found in custodians) != list(range(1, len(custodians) + 1)):
        raise QuorumInvalid("Number the custodians 1 to n, or not at all.", field="custodian")
    _show(begin(_hall(options["folder"], options["request_file"]), terms, _typesetter()), as_json=options["as_json"])


@ceremony.command("resume")
@_folder
@_request
@json_option
def resume_ceremony(folder: Path, request_file: Path | None, as_json: bool) -> None:
    """Go on after the last recorded step of the medium FOLDER."""
    _show(resume(_hall(folder, request_file), _typesetter()), as_json=as_json)


@ceremony.command("open")
@_folder
@click.option("--act", type=click.Choice(ACTS), required=True, help="The one thing that the key does.")
@_people_options
@_request
@json_option
def open_key(**options: Any) -> None:
    """Open the root key of FOLDER for one act; custodians are NUMBER=NAME, a successor has the share's number."""
    custodians = _custodians(options["custodians"])
    outcome = use(
        _hall(options["folder"], options["request_file"]),
        options["act"],
        _people(options, custodians),
        options["place"],
        _typesetter(),
    )
    _show(outcome, as_json=options["as_json"])


@ceremony.command("check")
@_folder
@json_option
def check_record(folder: Path, as_json: bool) -> None:
    """Check the chain of the record in FOLDER and say what it holds."""
    show(look(folder), as_json=as_json)


@ceremony.command("request")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--for", "act", type=click.Choice(ACTS), default="issuing", show_default=True, help="What is asked for.")
@click.option("--organization", help="Name of the operator in the X.509s of the CAs.")
@json_option
def write_request(file: Path, act: str, organization: str | None, as_json: bool) -> None:
    """Write what this installation asks of its offline root to FILE; before `yinxin init` on a new one."""
    from portal.foundation import lay_foundation
    from portal.root_ceremony import ask_crl, ask_issuing
    from portal.setup import ORGANIZATION

    base = lay_foundation(load_settings())
    click.get_current_context().call_on_close(base.close)
    content = ask_crl(base) if act == "crl" else ask_issuing(base, organization or ORGANIZATION)
    try:
        write_whole(file, content, base.randomness)
    except OSError as error:
        raise CeremonyFolderUnusable(f"{file.name}: {error.strerror}.", field=file.name) from None
    show({"file": str(file), "sm3": fingerprint(content)}, as_json=as_json)


@ceremony.command("import")
@_folder
@json_option
def import_root(folder: Path, as_json: bool) -> None:
    """Take over root, issuing CA and revocation list from FOLDER, with the protocol's digest in the ledger."""
    from portal.commands.opening import opened_foundation
    from portal.root_ceremony import take_over

    show(asdict(take_over(opened_foundation(), folder)), as_json=as_json)


def _hall(folder: Path, request_file: Path | None) -> Hall:
    return Hall(
        folder=folder,
        stage=TerminalStage(),
        clock=SystemClock(),
        randomness=SystemRandomness(),
        request=None if request_file is None else _content(request_file),
    )


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_REQUEST_BYTES + 1)
    except OSError as error:
        raise CeremonyFolderUnusable(f"{file.name}: {error.strerror}.", field=file.name) from None


def _custodians(named: tuple[str, ...]) -> tuple[Custodian, ...]:
    """Number those without a number in the order of the command line."""
    found = []
    for place, text in enumerate(named, start=1):
        number, separator, name = text.partition("=")
        if separator and not number.isdecimal():
            raise QuorumInvalid("A custodian is NAME or NUMBER=NAME.", field="custodian")
        found.append(Custodian(number=int(number) if separator else place, name=name if separator else text))
    return tuple(found)


def _people(options: dict[str, Any], custodians: tuple[Custodian, ...]) -> People:
    return People(
        administrator=options["administrator"],
        officer=options["officer"],
        custodians=custodians,
        witnesses=options["witnesses"],
    )


def _typesetter() -> Typesetter:
    return Typesetter(load_settings().font_paths)


def _show(outcome: Outcome, *, as_json: bool) -> None:
    terms = terms_of(outcome.protocol.parent)
    show(
        {
            "ceremony": terms.ceremony,
            "rehearsal": terms.rehearsal,
            "protocol": str(outcome.protocol),
            "protocol_sm3": outcome.protocol_sm3,
            "head": grouped(outcome.head),
        },
        as_json=as_json,
    )
