"""Billing's mails: once for each press of the button, each with its PDF, and nobody in another's way."""

from datetime import timedelta

import pytest

from hms import billing_letters, documents
from hms.domain import overdue, payments, reminding, shifts
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Invoice, OutboxMail
from hms.testing import make_invoice, make_patient, make_user, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk():
    user = make_user()
    shifts.open_(by=user, opening_float=0)
    return user


def late(days, **fields):
    today = hospital().today()
    return make_invoice(due_date=today - timedelta(days=days), issued_on=today - timedelta(days=days + 14), **fields)


def mails(kind="invoice.reminded"):
    return list(OutboxMail.objects.filter(kind=kind).order_by("pk"))


def pdf(mail):
    return bytes(mail.attachments.get().content)


class TestInvoicesAndReceipts:
    def test_a_button_pressed_twice_mails_once_before_and_after_the_job_ran(self, clerk):
        invoice = make_invoice()
        for _n in range(2):
            billing_letters.mail_invoice(invoice, by=clerk, key="form-1")
        run_jobs()
        billing_letters.mail_invoice(invoice, by=clerk, key="form-1")
        run_jobs()
        (mail,) = mails("invoice.mailed")
        assert pdf(mail).startswith(b"%PDF-")
        assert invoice.number in mail.subject
        billing_letters.mail_invoice(invoice, by=clerk, key="form-2")  # asked for again, on purpose
        run_jobs()
        assert len(mails("invoice.mailed")) == 2

    def test_a_receipt_goes_with_its_pdf(self, clerk):
        invoice = make_invoice()
        part = payments.Part("CARD", 100)
        (payment,) = payments.take(patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key="k")
        for _n in range(2):
            billing_letters.mail_receipt(payment, by=clerk, key="form-1")
            run_jobs()
        (mail,) = mails("receipt.mailed")
        assert mail.to == invoice.patient.user.email
        assert payment.number in mail.subject
        assert pdf(mail).startswith(b"%PDF-")

    def test_whoever_has_no_address_is_named(self, clerk):
        invoice = make_invoice(patient=make_patient(email=None, last_name="Nobody"))
        with pytest.raises(DomainError, match=r"NOBODY.*print it"):
            billing_letters.mail_invoice(invoice, by=clerk, key="k")

    def test_without_a_key_nothing_is_mailed(self, clerk):
        with pytest.raises(DomainError, match="Reload"):
            billing_letters.mail_invoice(make_invoice(), by=clerk, key="")


class TestByTheClock:
    def test_each_step_goes_once_on_its_day(self, clerk, monkeypatch):
        invoice = late(7)
        for _n in range(2):
            overdue.remind()
            run_jobs()
        (first,) = mails()
        assert first.subject.startswith("Payment reminder")
        for days, sent in ((14, 1), (21, 2), (22, 2), (42, 3), (49, 3), (200, 3)):
            _grow_older(invoice, days)
            overdue.remind()
            run_jobs()
            assert len(mails()) == sent, days
        assert [m.subject.partition(":")[0] for m in mails()] == [
            "Payment reminder",
            "Second reminder",
            "Last reminder",
        ]

    def test_whoever_missed_the_first_step_gets_it_before_the_second(self, clerk):
        late(21)
        for _n in range(2):
            overdue.remind()
            run_jobs()
        (mail,) = mails()
        assert mail.subject.startswith("Payment reminder")

    def test_what_is_paid_before_the_job_runs_is_not_asked_for(self, clerk):
        invoice = late(8)
        assert overdue.remind() == 1
        part = payments.Part("CARD", 100)
        payments.take(patient=invoice.patient, parts=[part], invoices=[invoice], by=clerk, key="k")
        run_jobs()
        assert mails() == []

    def test_a_patient_without_an_address_stops_nobody(self, clerk):
        late(8, patient=make_patient(email=None))
        late(8)
        overdue.remind()
        run_jobs()
        assert len(mails()) == 1

    def test_a_letter_that_cannot_be_set_stops_nobody(self, clerk, monkeypatch):
        bad, good = late(8), late(8)
        whole = billing_letters.account_papers.reminder_pdf

        def broken(invoice, step):
            if invoice == bad:
                raise RuntimeError("no paper")
            return whole(invoice, step)

        monkeypatch.setattr(billing_letters.account_papers, "reminder_pdf", broken)
        for invoice in (bad, good):
            reminding.queue(invoice, 1)
        with pytest.raises(RuntimeError):
            billing_letters.write_reminder(bad, 1)
        assert billing_letters.write_reminder(good, 1)


def _grow_older(invoice, days):
    """As if it had been due that long ago; mails too grow old."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        due = hospital().today() - timedelta(days=days)
        Invoice.objects.filter(pk=invoice.pk).update(due_date=due, issued_on=due)
        OutboxMail.objects.filter(kind="invoice.reminded").update(created_at="2020-01-01T00:00Z")
        cursor.execute("SET session_replication_role = origin")


class TestByHand:
    def remind(self, *invoices, by):
        return reminding.remind(Invoice.objects.filter(pk__in=[i.pk for i in invoices]).order_by("pk"), by=by)

    def test_the_next_step_at_most_once_a_day(self, clerk):
        invoice = late(1)
        assert self.remind(invoice, by=clerk).sent == 1
        run_jobs()
        assert self.remind(invoice, by=clerk)[:2] == (0, 1)
        for step in (2, 3):
            _grow_older(invoice, 1)
            assert self.remind(invoice, by=clerk).sent == 1
            run_jobs()
            assert len(mails()) == step
        _grow_older(invoice, 1)
        assert self.remind(invoice, by=clerk)[:2] == (0, 1)

    def test_pressed_twice_before_the_job_ran_it_goes_once(self, clerk):
        invoice = late(1)
        for _n in range(2):
            self.remind(invoice, by=clerk)
        run_jobs()
        assert len(mails()) == 1

    def test_the_clock_finds_the_step_done(self, clerk):
        invoice = late(8)
        self.remind(invoice, by=clerk)
        run_jobs()
        overdue.remind()
        run_jobs()
        assert len(mails()) == 1

    def test_who_is_left_out_is_named_and_stops_nobody(self, clerk):
        nobody, fresh = late(8, patient=make_patient(email=None)), make_invoice()
        done = self.remind(nobody, fresh, late(8), late(9), by=clerk)
        assert (done.sent, done.again, done.not_due, done.no_address) == (2, 0, 1, [nobody.patient])

    def test_a_hundred_take_no_more_questions_than_three_but_for_their_jobs(self, clerk, django_assert_max_num_queries):
        rows = [late(8) for _n in range(3)]
        with django_assert_max_num_queries(5 + 3 * 6):
            self.remind(*rows, by=clerk)


def test_the_letter_of_an_invoice_holds_its_paper(clerk):
    invoice = make_invoice()
    mail = billing_letters.write_invoice(invoice, "k")
    assert mail.attachments.get().name == f"{invoice.number}.pdf"
    assert len(documents.invoice_pdf(invoice)) > 1000
