"""Two units of work that meet inside each other, at a chosen statement: what PostgreSQL allows and SQLite does not.

SQLite lets one writer work at a time; in PostgreSQL two go on until one asks for a row that the other has locked. So
the first is stopped behind a statement until the second waits for it or is done, which no number of rounds would hit.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import event, text

from trust.db import Database
from trust.kernel.errors import TrustError

_SECONDS = 20.0
_POLL_SECONDS = 0.01
_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def crossed(database: Database, first: Callable[[], Any], second: Callable[[], Any], *, behind: str) -> tuple[Any, Any]:
    """Return what both returned, or the error of ours that they raised.

    `behind` is how the statement begins after which the first is stopped, the first time that it executes one.
    """
    stopped, over = threading.Event(), threading.Event()
    owner: list[int] = []

    def stop(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if owner == [threading.get_ident()] and not stopped.is_set() and statement.startswith(behind):
            stopped.set()
            _await(database, over)

    def led() -> Any:
        owner.append(threading.get_ident())
        return _result(first)

    def followed() -> Any:
        assert stopped.wait(_SECONDS), f"no statement begins with {behind}"
        try:
            return _result(second)
        finally:
            over.set()

    event.listen(database.engine, "after_cursor_execute", stop)
    try:
        with ThreadPoolExecutor(2) as pool:
            results = [pool.submit(led), pool.submit(followed)]
            return results[0].result(), results[1].result()
    finally:
        event.remove(database.engine, "after_cursor_execute", stop)


def _result(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except TrustError as error:
        return error


def _await(database: Database, over: threading.Event) -> None:
    """Wait until the other unit waits for a lock or is over."""
    watcher = Database(database.engine.url.render_as_string(hide_password=False))
    try:
        with watcher.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for _ in range(int(_SECONDS / _POLL_SECONDS)):
                if over.wait(_POLL_SECONDS) or connection.execute(_WAITING).scalar_one():
                    return
        raise AssertionError("the second unit neither waits nor ends")
    finally:
        watcher.close()
