"""Time as an argument: everything that needs the present moment receives a `Clock` (law 10)."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Protocol

CALENDAR: Final = timezone(timedelta(hours=8), "Asia/Shanghai")  # China has had no summer time since 1991


class Clock(Protocol):
    """Tells the present moment."""

    def now(self) -> datetime:
        """Return the present moment as an aware datetime in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)  # noqa: TID251  the one place that asks the machine


def kept_moment(text: str | None) -> datetime | None:
    """Return a moment that is kept as ISO 8601 text; what has not happened has none."""
    return None if text is None else datetime.fromisoformat(text)


def calendar_day(moment: datetime) -> date:
    """Return the calendar day in China at `moment`: the day that documents are dated by."""
    return moment.astimezone(CALENDAR).date()
