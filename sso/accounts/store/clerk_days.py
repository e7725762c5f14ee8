"""Counts of clerks' acts in the database."""

from datetime import date

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from sso.accounts.store.tables import CLERK_DAYS
from trust.db import Database


class SqlClerkDays:
    """`sso.accounts.clerk_days.ClerkDayStore` in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, clerk: str, day: date, *, most: int) -> bool:
        """See the port. The first act of a day may meet another first one: then it is the second."""
        try:
            return self._counted(clerk, day.isoformat(), most)
        except IntegrityError:
            return self._counted(clerk, day.isoformat(), most)

    def _counted(self, clerk: str, day: str, most: int) -> bool:
        columns = CLERK_DAYS.c
        mine = (columns.clerk == clerk, columns.day == day)
        one_more = update(CLERK_DAYS).where(*mine, columns.acts < most).values(acts=columns.acts + 1)
        with self._database.begin() as connection:
            if connection.execute(one_more).rowcount == 1:
                return True
            if connection.execute(CLERK_DAYS.select().where(*mine)).first() is not None:
                return False
            connection.execute(insert(CLERK_DAYS), {"clerk": clerk, "day": day, "acts": 1})
            return True
