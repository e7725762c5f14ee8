"""Forgetting what is over: requests, and grants with their codes and refresh tokens."""

from datetime import datetime

from sso.provider.store import grants, requests
from trust.db import Database


def sweep(database: Database, now: datetime) -> int:
    """Delete the rows whose life is over, in one commit, and return how many there were. Housekeeping calls it."""
    with database.begin() as connection:
        return requests.sweep_within(connection, now) + grants.sweep_within(connection, now)
