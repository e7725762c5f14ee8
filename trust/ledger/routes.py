"""The ledger over HTTP: checkpoint, entries and proofs, for whoever wants to hold the service to its own record.

Hashes and signatures are base64; an entry's `data` is its exact text, whose UTF-8 bytes the leaf hash covers.
"""

import base64
from collections.abc import Sequence
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

from trust.http.access import Principal, TokenChecker
from trust.http.parsing import StrictModel, query_string
from trust.ledger.checkpoints import Checkpointer
from trust.ledger.domain import Leaf, SignedCheckpoint, encode_moment
from trust.ledger.errors import CheckpointNotFound
from trust.ledger.officer import auditors_only, looked
from trust.ledger.ports import DescribeKey
from trust.ledger.service import MAX_ENTRIES, Ledger

_MAX_INDEX = 2**63 - 1  # the largest number that the database's columns hold

_Index = Annotated[int, Field(ge=0, le=_MAX_INDEX)]


class EntriesQuery(StrictModel):
    """From where, and how many."""

    start: _Index
    count: Annotated[int, Field(ge=1, le=_MAX_INDEX, description=f"At most {MAX_ENTRIES}.")]


class InclusionQuery(StrictModel):
    """Which entry, in the tree of which size (that of a checkpoint)."""

    index: _Index
    size: _Index


class ConsistencyQuery(StrictModel):
    """From the tree of which size to that of which."""

    old: _Index
    new: _Index


def blueprint(ledger: Ledger, checkpointer: Checkpointer, describe: DescribeKey, tokens: TokenChecker) -> APIBlueprint:
    """Return the routes below `/api/v1/ledger`."""
    routes = APIBlueprint("ledger", __name__, url_prefix="/api/v1/ledger", tag="Ledger")
    _add_records(routes, ledger, checkpointer, describe, tokens)
    _add_proofs(routes, ledger, tokens)
    return routes


def _add_records(
    routes: APIBlueprint, ledger: Ledger, checkpointer: Checkpointer, describe: DescribeKey, tokens: TokenChecker
) -> None:
    @routes.get("/checkpoint")
    @routes.doc(summary="The newest signed checkpoint")
    @auditors_only(tokens, "checkpoint")
    def checkpoint(*, principal: Principal) -> Response:
        looked(principal, "checkpoint")
        latest = checkpointer.latest()
        if latest is None:
            raise CheckpointNotFound
        return jsonify(_shown_checkpoint(latest, describe))

    @routes.get("/entries")
    @routes.doc(summary="Entries in order; fewer than asked for at the end")
    @auditors_only(tokens, "entries")
    @query_string(EntriesQuery)
    def entries(*, principal: Principal, query: EntriesQuery) -> Response:
        looked(principal, "entries", query.model_dump())
        return jsonify({"entries": [_shown_entry(leaf) for leaf in ledger.entries(query.start, query.count)]})


def _add_proofs(routes: APIBlueprint, ledger: Ledger, tokens: TokenChecker) -> None:
    @routes.get("/proof/inclusion")
    @routes.doc(summary="Proof that an entry is in the tree of a size (RFC 6962 section 2.1.1, over SM3)")
    @auditors_only(tokens, "inclusion")
    @query_string(InclusionQuery)
    def inclusion(*, principal: Principal, query: InclusionQuery) -> Response:
        looked(principal, "inclusion", query.model_dump())
        proof = ledger.inclusion_proof(query.index, query.size)
        return jsonify(
            {
                "index": proof.index,
                "size": proof.size,
                "leaf_hash": _base64(proof.leaf_hash),
                "path": _all_base64(proof.path),
            }
        )

    @routes.get("/proof/consistency")
    @routes.doc(summary="Proof that one tree only appends to another (RFC 6962 section 2.1.2, over SM3)")
    @auditors_only(tokens, "consistency")
    @query_string(ConsistencyQuery)
    def consistency(*, principal: Principal, query: ConsistencyQuery) -> Response:
        looked(principal, "consistency", query.model_dump())
        proof = ledger.consistency_proof(query.old, query.new)
        return jsonify({"old": proof.old_size, "new": proof.new_size, "path": _all_base64(proof.path)})


def _shown_checkpoint(signed: SignedCheckpoint, describe: DescribeKey) -> dict[str, object]:
    key = describe(signed.key)
    checkpoint = signed.checkpoint
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": _base64(checkpoint.root),
        "at": encode_moment(checkpoint.at),
        "body": signed.body.decode("ascii"),
        "key": signed.key,
        "algorithm": key.algorithm,
        "public_key": _base64(key.public_key),
        "signature": _base64(signed.signature),
        "entry": signed.entry,
    }


def _shown_entry(leaf: Leaf) -> dict[str, object]:
    return {"index": leaf.index, "data": leaf.data.decode(), "leaf_hash": _base64(leaf.hash)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _all_base64(hashes: Sequence[bytes]) -> list[str]:
    return [_base64(item) for item in hashes]
