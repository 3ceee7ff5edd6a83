"""Wall-clock times and moments, also in the two hours a year when that is not simple."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.domain.clock import AmbiguousTime, moment
from hms.errors import DomainError
from hms.models import Hospital

LONDON = ZoneInfo("Europe/London")
ZONES = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago", "UTC"]


def test_a_skipped_hour_does_not_exist():
    with pytest.raises(DomainError, match="01:30 does not exist on 29-Mar-2026"):
        moment(date(2026, 3, 29), time(1, 30), LONDON)


def test_a_repeated_hour_asks_which():
    with pytest.raises(AmbiguousTime) as e:
        moment(date(2026, 10, 25), time(1, 30), LONDON)
    assert e.value.choices == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]


@pytest.mark.parametrize(("fold", "hour"), [(0, 0), (1, 1)])
def test_the_answer_decides_which(fold, hour):
    assert moment(date(2026, 10, 25), time(1, 30), LONDON, fold=fold) == datetime(2026, 10, 25, hour, 30, tzinfo=UTC)


dates = st.dates(date(2020, 1, 1), date(2035, 12, 31))
times = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(dates, times, st.sampled_from(ZONES))
def test_every_time_comes_back_as_it_was_typed(day, at, name):
    zone = ZoneInfo(name)
    choices = None
    try:
        found = moment(day, at, zone)
    except AmbiguousTime as e:
        choices = e.choices
    except DomainError:
        # Refused: then no moment reads like this on that wall.
        naive = datetime.combine(day, at)
        hours = [naive.replace(tzinfo=UTC) + timedelta(minutes=m) for m in range(-15 * 60, 15 * 60, 15)]
        assert all(h.astimezone(zone).replace(tzinfo=None) != naive for h in hours)
        return
    if choices is not None:
        assert {c.astimezone(zone).replace(tzinfo=None) for c in choices} == {datetime.combine(day, at)}
        assert choices[0] < choices[1]
        return
    assert found.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, at)


@given(dates, st.sampled_from(ZONES))
def test_days_follow_each_other_without_gap_or_overlap(day, name):
    hospital = Hospital(time_zone=name)
    start, end = hospital.day_bounds(day)
    after, _ = hospital.day_bounds(day + timedelta(days=1))
    assert end == after
    assert timedelta(hours=22) < end - start < timedelta(hours=26)


def test_days_with_a_clock_change_have_23_and_25_hours():
    hospital = Hospital(time_zone="Europe/London")
    lengths = [end - start for start, end in map(hospital.day_bounds, (date(2026, 3, 29), date(2026, 10, 25)))]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]
