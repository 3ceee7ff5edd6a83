"""The demo's money: of every kind something, sums that hold, drawers that are closed, nothing made twice."""

from datetime import timedelta

import pytest
from django.db import connection

from hms.demo import load, people
from hms.demo.clock import day_of
from hms.domain import payments
from hms.domain.settings import hospital
from hms.models import Allocation, Appointment, CreditNote, Invoice, Patient, Payment, Shift
from hms.tests.test_demo import TUESDAY, hospital_once  # noqa: F401


@pytest.mark.django_db
@pytest.mark.usefixtures("hospital_once")
class TestMoney:
    def test_every_visit_that_is_over_is_billed_once(self):
        over = Appointment.objects.filter(status="COMPLETED")
        assert set(Invoice.objects.values_list("appointment", flat=True)) == set(over.values_list("pk", flat=True))
        assert Invoice.objects.count() == over.count()

    def test_there_is_something_of_every_kind(self):
        assert set(Invoice.objects.values_list("status", flat=True)) == {"PENDING", "PAID", "OVERDUE", "CANCELLED"}
        assert 5 <= Invoice.objects.drafts().count() <= 120
        assert set(Payment.objects.values_list("method", flat=True)) == {"CASH", "CARD", "TRANSFER"}
        assert Payment.objects.filter(kind="REFUND").exists()
        assert CreditNote.objects.count() >= 5
        assert any(payments.credit(patient) for patient in Patient.objects.all())
        in_parts = [i for i in Invoice.objects.owed() if 0 < payments.paid(i) < i.total_amount]
        assert in_parts
        overdue = Invoice.objects.overdue(day_of(TUESDAY)).count()
        assert 0 < overdue < Invoice.objects.issued().count() / 5

    def test_everything_holds_that_the_database_checks_at_commit(self):
        connection.check_constraints()

    def test_numbers_follow_the_days_without_a_gap(self):
        rows = list(Invoice.objects.issued().order_by("year", "serial").values_list("year", "serial", "issued_on"))
        for year in {row[0] for row in rows}:
            assert [row[1] for row in rows if row[0] == year] == list(range(1, sum(r[0] == year for r in rows) + 1))
        assert [row[2] for row in rows] == sorted(row[2] for row in rows)

    def test_drawers_of_days_gone_by_are_closed_and_one_is_open(self):
        start = hospital().day_bounds(day_of(TUESDAY))[0]
        assert Shift.objects.filter(opened_at__lt=start).count() > 30
        assert not Shift.objects.filter(opened_at__lt=start, closed_at=None).exists()
        assert payments.open_shift(people.staff().desk[0])
        for shift in Shift.objects.filter(closed_at__isnull=False):
            assert payments.drawer(shift) == shift.expected
            assert bool(shift.difference) == bool(shift.explanation)

    def test_again_at_once_changes_nothing(self):
        models = (Invoice, Payment, Allocation, Shift, CreditNote)
        before = [list(model.objects.order_by("pk").values()) for model in models]
        load.load(now=TUESDAY + timedelta(minutes=2))
        assert [list(model.objects.order_by("pk").values()) for model in models] == before

    def test_later_what_has_ended_since_is_billed_and_an_open_drawer_stays(self):
        count, mine = Invoice.objects.count(), payments.open_shift(people.staff().desk[0])
        load.load(now=TUESDAY + timedelta(days=4))
        assert Invoice.objects.count() > count
        assert payments.open_shift(people.staff().desk[0]) == mine
        connection.check_constraints()
