"""What oversees the ledger, plugged together: its index, exports, alerts and the watch."""

from dataclasses import dataclass

from flask import Blueprint

from portal.foundation import Foundation
from portal.ledger_sources import CertificateDocuments, CustodianCounters, SealDocuments
from portal.record import Record
from trust.http.access import TokenChecker
from trust.ledger.export.service import Exporter
from trust.ledger.search.routes import OfficersDesk, blueprint
from trust.ledger.search.service import LedgerSearch
from trust.ledger.search.store import SqlIndexStore
from trust.ledger.segments.archive import Archive
from trust.ledger.segments.files import SegmentFolder
from trust.ledger.segments.store import SqlSegmentStore
from trust.ledger.watch.comparing import Vouching
from trust.ledger.watch.rules import load_rules
from trust.ledger.watch.service import AlertDesk, Surroundings, Watch
from trust.ledger.watch.store import SqlWatchStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Oversight:
    """The parts that read the ledger and change nothing in it."""

    search: LedgerSearch
    exporter: Exporter
    alerts: AlertDesk


def open_oversight(base: Foundation) -> Oversight:
    """Plug the parts together."""
    archive = Archive(SqlSegmentStore(base.database), SegmentFolder(base.home.segments, base.randomness))
    search = LedgerSearch(SqlIndexStore(base.database), base.ledger, archive)
    return Oversight(
        search=search,
        exporter=Exporter(
            ledger=base.ledger, store=base.ledger_store, search=search, signer=base.signer, clock=base.clock
        ),
        alerts=AlertDesk(SqlWatchStore(base.database), base.clock),
    )


def open_watch(base: Foundation, record: Record) -> Watch:
    """Return the watch by the rules of the package and of the operator. Raises `RulesUnusable`."""
    witnessing = record.witnessing

    def newest() -> int | None:
        signed = base.ledger_store.latest_checkpoint()
        return None if signed is None else signed.checkpoint.size

    def witnessed() -> int | None:
        signed = witnessing.witnessed()
        return None if signed is None else signed.checkpoint.size

    around = Surroundings(
        libraries=(CertificateDocuments(base.database, base.clock), SealDocuments(base.database, base.clock)),
        devices=CustodianCounters(base.keys.custodian),
        vouching=Vouching(checkpoint_due=record.checkpointer.checkpoint_due, newest=newest, witnessed=witnessed),
    )
    return Watch(
        SqlWatchStore(base.database),
        base.ledger,
        open_oversight(base).search,
        base.clock,
        rules=load_rules(base.settings.ledger_rules_file),
        around=around,
    )


def oversight_routes(base: Foundation, tokens: TokenChecker) -> Blueprint:
    """Return the auditor's routes."""
    parts = open_oversight(base)
    return blueprint(OfficersDesk(search=parts.search, exporter=parts.exporter, alerts=parts.alerts), tokens)
