"""Moments on the hospital's wall."""

from datetime import UTC, datetime, time, timedelta

from hms.domain.settings import hospital


def at(day, minutes):
    """``minutes`` after midnight on a calendar day of the hospital, as a UTC moment."""
    midnight = datetime.combine(day, time(), tzinfo=hospital().zone)
    return (midnight + timedelta(minutes=minutes)).astimezone(UTC)


def day_of(moment):
    """The hospital's calendar day of a moment."""
    return moment.astimezone(hospital().zone).date()
