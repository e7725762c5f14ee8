"""What an installation holds, seen from outside the application: straight from the database file and the folder."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path


def rows(home: Path, query: str, *values: object) -> list[sqlite3.Row]:
    """Return the rows of a query; it can change nothing."""
    with closing(sqlite3.connect(f"file:{home}/yinxin.sqlite3?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(query, values).fetchall()


def tables(home: Path) -> list[str]:
    return [row["name"] for row in rows(home, "select name from sqlite_master where type = 'table' order by name")]


def key_uses(home: Path) -> list[dict[str, object]]:
    """Return every ledger entry as it is written, oldest first."""
    return [json.loads(row["data"]) for row in rows(home, "select data from ledger_leaf order by idx")]


def files(home: Path) -> list[str]:
    """Return the names in the file store."""
    folder = home / "files"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def holdings(home: Path) -> dict[str, object]:
    """Return everything that a refused request must leave as it was.

    Signing a checkpoint is a key use of the housekeeping, which comes at its own times.
    """
    kept: dict[str, object] = {
        table: rows(home, f"select count(*) as n from {table}")[0]["n"]  # noqa: S608  names from the schema
        for table in tables(home)
        if not table.startswith("ledger_")
    }
    uses = Counter((use["purpose"], use["outcome"]) for use in key_uses(home))
    kept["key uses"] = {use: count for use, count in uses.items() if use[0] != "ledger-checkpoint"}
    kept["states"] = [tuple(row) for row in rows(home, "select identifier, state, since from certs_certificates")]
    kept["files"] = files(home)
    return kept
