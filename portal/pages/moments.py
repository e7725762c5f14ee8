"""Moments as people here read them: the time on the clocks of the counters."""

from datetime import datetime

from trust.kernel.clock import CALENDAR


def minute_of(moment: datetime) -> str:
    """Return date and time to the minute."""
    return moment.astimezone(CALENDAR).strftime("%Y-%m-%d %H:%M")


def exact(moment: datetime) -> str:
    """Return date and time to the second, with the zone."""
    return moment.astimezone(CALENDAR).strftime("%Y-%m-%d %H:%M:%S (UTC+8)")


def day_of(moment: datetime) -> str:
    """Return the date."""
    return moment.astimezone(CALENDAR).strftime("%Y-%m-%d")


def second_of(moment: datetime) -> str:
    """Return the time of day to the second, for what lives a minute."""
    return moment.astimezone(CALENDAR).strftime("%H:%M:%S")
