"""What the ledger serves under its own name, `/ledger` (C2SP tlog-tiles), and the receipts of its API.

Checkpoint and hash tiles are for everyone: they tell sizes and times, never what was signed. Leaves are read by the
auditor alone, and an entry's receipt by the auditor and by the caller whose signature it records.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from trust.http.access import SCOPE_ATTRIBUTE, Principal
from trust.kernel.errors import NotAllowed, NotAuthenticated
from trust.ledger.errors import CheckpointNotFound, EntryMalformed, EntryNotFound
from trust.ledger.note_errors import TileNotFound
from trust.ledger.notebook import Notebook
from trust.ledger.officer import SCOPE
from trust.ledger.ports import LedgerStore
from trust.ledger.receipts import ReceiptDesk
from trust.ledger.service import Ledger
from trust.ledger.tiles import Tile, entry_bundle, hash_tile
from trust.ledger.witness.asking import Witnessing

CHECKPOINT_SECONDS = 5
"""How long a cache may keep the checkpoint, seconds (tlog-tiles: no more than a few)."""

TILE_SECONDS = 365 * 24 * 3600
"""How long a cache may keep a full tile, seconds: it never changes, and a year is the most that caches honour."""

PARTIAL_SECONDS = 3600
"""How long a cache may keep a partial tile, seconds: it never changes either, but soon nobody asks for it."""

_PLAIN = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_JSON = "application/json"

Auditor = Callable[[], None]
"""Returns when the present request comes from the auditor. Raises `NotAuthenticated` or `NotAllowed` otherwise."""

Caller = Callable[[], Principal]
"""Returns who makes the present request. Raises a `NotAuthenticated` error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLedger:
    """What the routes answer from."""

    ledger: Ledger
    store: LedgerStore
    notebook: Notebook
    witnessing: Witnessing
    receipts: ReceiptDesk


def _answer(media: str) -> dict[int | str, Any]:
    """Describe an answer whose bytes are served as they are."""
    schema = {"type": "object"} if media == _JSON else {"type": "string", "format": "binary"}
    return {200: {"description": "Byte for byte as the specification has it", "content": {media: {"schema": schema}}}}


def tiles_blueprint(ledger: PublicLedger, auditor: Auditor) -> APIBlueprint:
    """Return the routes below `/ledger`; host and that path are the origin of our checkpoints."""
    routes = APIBlueprint("ledger_tiles", __name__, url_prefix="/ledger", tag="Ledger")

    @routes.get("/checkpoint")
    @routes.doc(
        summary="The newest fully witnessed checkpoint, as a signed note (C2SP tlog-checkpoint)",
        responses=_answer("text/plain"),
    )
    def checkpoint() -> Response:
        signed = ledger.witnessing.witnessed()
        if signed is None:
            raise CheckpointNotFound
        return _cached(ledger.notebook.note(signed).content, _PLAIN, f"public, max-age={CHECKPOINT_SECONDS}")

    @routes.get("/tile/entries/<path:place>")
    @routes.doc(summary="Entries in a bundle, for the auditor (C2SP tlog-tiles)", responses=_answer(_BYTES))
    @_takes_token
    def entries(place: str) -> Response:
        auditor()
        tile = _reached(ledger, f"entries/{place}")
        leaves = ledger.ledger.entries(tile.start, tile.width)
        return _cached(entry_bundle(leaf.data for leaf in leaves), _BYTES, "private, no-store")

    @routes.get("/tile/<path:place>")
    @routes.doc(summary="Hashes of the tree in a tile (C2SP tlog-tiles, over SM3)", responses=_answer(_BYTES))
    def tile(place: str) -> Response:
        found = _reached(ledger, place)
        seconds = TILE_SECONDS if found.full else PARTIAL_SECONDS
        return _cached(hash_tile(found, ledger.store.nodes), _BYTES, f"public, max-age={seconds}, immutable")

    return routes


def receipts_blueprint(ledger: PublicLedger, auditor: Auditor, caller: Caller) -> APIBlueprint:
    """Return `GET /api/v1/ledger/receipts/<index>`."""
    routes = APIBlueprint("ledger_receipts", __name__, url_prefix="/api/v1/ledger", tag="Ledger")

    @routes.get("/receipts/<int:index>")
    @routes.doc(
        summary="Receipt of one key use, for the auditor; for the caller that it was made for, whatever its scopes",
        responses=_answer(_JSON),
    )
    @_takes_token
    def receipt(index: int) -> Response:
        _check_reader(ledger, auditor, caller, index)
        return _cached(ledger.receipts.receipt(index).content, _JSON, "private, no-store")

    return routes


def _takes_token(view: Callable[..., Response]) -> Callable[..., Response]:
    """Have the description say that the view asks for a token; who may read what, the view decides."""
    setattr(view, SCOPE_ATTRIBUTE, SCOPE)
    return view


def _check_reader(ledger: PublicLedger, auditor: Auditor, caller: Caller, index: int) -> None:
    """Raises `EntryNotFound` for the entries of others as for those that do not exist; `NotAuthenticated`."""
    try:
        auditor()
    except (NotAuthenticated, NotAllowed):
        who = caller()
        own = who.bound is None  # a person's token bears the name of a system that holds those of others too
        if not (own and index < ledger.ledger.size() and _made_for(ledger, index) == who.name):
            raise EntryNotFound(f"There is no entry {index} of yours.", field="index") from None


def _made_for(ledger: PublicLedger, index: int) -> str | None:
    try:
        return ledger.ledger.entry(index).use.context.principal
    except EntryMalformed:
        return None


def _reached(ledger: PublicLedger, path: str) -> Tile:
    """Return the tile of a path. Raises `TileNotFound` for what no signed checkpoint covers yet."""
    tile, latest = Tile.parse(path), ledger.store.latest_checkpoint()
    if latest is None or not tile.within(latest.checkpoint.size):
        raise TileNotFound(field="tile")
    return tile


def _cached(content: bytes, content_type: str, policy: str) -> Response:
    response = Response(content, content_type=content_type)
    response.headers["Cache-Control"] = policy
    response.add_etag()
    response.make_conditional(request.environ)
    return response
