"""`yinxin witness`: the small program that cosigns checkpoints of this or any other log (C2SP tlog-witness).

It runs alone, on a machine of somebody else, and reads neither this service's settings nor its database.
"""

from pathlib import Path

import click
from werkzeug.serving import WSGIRequestHandler, make_server

from portal.commands.output import json_option, show
from trust.kernel.clock import SystemClock
from trust.kernel.randomness import SystemRandomness
from trust.ledger.note_keys import VerifierKey
from trust.ledger.witness.routes import witness_application
from trust.ledger.witness.service import Witness
from trust.ledger.witness.state import LogHash, WatchedLog, WitnessFolder

_SILENCE_SECONDS = 10  # longest that a connection may send nothing; a request is one small post

folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the witness: its key, and one file per log. Never restore an old copy of it.",
)


class _PatientHandler(WSGIRequestHandler):
    timeout = _SILENCE_SECONDS


@click.group()
def witness() -> None:
    """Run a witness: cosign checkpoints of logs that only ever grow."""


@witness.command()
@folder_option
@click.option("--name", required=True, help="Name of the key, a host and path such as witness.example/w1.")
@json_option
def init(folder: Path, name: str, as_json: bool) -> None:
    """Make key and folder, unless they are there, and show the verifier key that logs put into their settings."""
    key = WitnessFolder(folder, SystemRandomness()).establish(name)
    show({"name": key.name, "vkey": key.text}, as_json=as_json)


@witness.command()
@folder_option
@click.option("--origin", required=True, help="First line of the log's checkpoints.")
@click.option("--key", "keys", multiple=True, required=True, help="Verifier key of the log; may be repeated.")
@click.option("--hash", "hash_", type=click.Choice([item.value for item in LogHash]), default="sm3", show_default=True)
def watch(folder: Path, origin: str, keys: tuple[str, ...], hash_: str) -> None:
    """Begin to cosign a log: its first checkpoint is taken as it comes, every later one must grow out of it."""
    log = WatchedLog(origin=origin, hash=LogHash(hash_), keys=tuple(VerifierKey.parse(key) for key in keys))
    WitnessFolder(folder, SystemRandomness()).watch(log)


@witness.command()
@folder_option
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen at; a proxy does https.")
@click.option("--port", type=click.IntRange(0, 65535), default=8790, show_default=True)
def serve(folder: Path, bind: str, port: int) -> None:
    """Answer add-checkpoint until interrupted."""
    judge = Witness(WitnessFolder(folder, SystemRandomness()), SystemClock())
    server = make_server(bind, port, witness_application(judge), threaded=True, request_handler=_PatientHandler)
    click.echo(f"witness {judge.key.name} at http://{bind}:{server.server_port}", err=True)
    server.serve_forever()
