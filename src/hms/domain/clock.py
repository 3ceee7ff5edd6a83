"""From a day and a time on the wall to a moment, also in the two hours a year when that is not simple."""

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from hms.errors import DomainError


class AmbiguousTime(DomainError):
    """The clocks go back over this time, so it happens twice. ``choices``: the two moments, earlier first."""

    def __init__(self, message, choices):
        super().__init__(message, field="time")
        self.choices = choices


def moment(date, time, zone, *, fold=None):
    """The UTC moment of a wall-clock time in ``zone``.

    ``fold`` says which of two equal times is meant (0 the first, 1 the second; PEP 495). A time that a clock change
    skips raises DomainError, one that it repeats raises AmbiguousTime unless ``fold`` is given.
    """
    naive = datetime.combine(date, time)
    first, second = (naive.replace(tzinfo=zone, fold=f).astimezone(UTC) for f in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != naive:
        raise DomainError(
            _("%(time)s does not exist on %(date)s: the clocks go forward over it. Choose another time.")
            % {"time": f"{time:%H:%M}", "date": f"{date:%d-%b-%Y}"},
            field="time",
        )
    if first == second:
        return first
    if fold is None:
        raise AmbiguousTime(
            _("%(time)s happens twice on %(date)s, because the clocks go back. Say which one.")
            % {"time": f"{time:%H:%M}", "date": f"{date:%d-%b-%Y}"},
            [first, second],
        )
    return second if fold else first
