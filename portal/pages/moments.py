"""Moments as people here read them: the time on the clocks of the counters."""

from datetime import datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))


def minute_of(moment: datetime) -> str:
    """Return date and time to the minute."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def day_of(moment: datetime) -> str:
    """Return the date."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d")


def second_of(moment: datetime) -> str:
    """Return the time of day to the second, for what lives a minute."""
    return moment.astimezone(CHINA).strftime("%H:%M:%S")
