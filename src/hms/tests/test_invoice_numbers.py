"""Numbers of invoices: none twice and no gap, however many are issued at once and whatever is rolled back."""

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from hms.domain import invoicing, numbers
from hms.models import Hospital, Invoice
from hms.testing import make_invoice, make_patient, make_user


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
class TestNumbersUnderLoad:
    THREADS = 30

    def race(self, number, each):
        """So many invoices by each of 30 threads, every fifth rolled back; returns what was written and what broke."""
        Hospital.objects.current()
        by, patient = make_user(), make_patient()
        drafts = [make_invoice(patient=patient, issued=False, by=by).pk for _ in range(self.THREADS * each)]
        broken, start = [], threading.Barrier(self.THREADS)

        class Undo(Exception):
            pass

        def work(mine):
            start.wait()
            for n, pk in enumerate(mine):
                try:
                    with transaction.atomic():
                        number(Invoice.objects.get(pk=pk), by)
                        if n % 5 == 4:
                            raise Undo
                except Undo:
                    pass
                except Exception as e:
                    broken.append(e)
            connection.close()

        threads = [threading.Thread(target=work, args=[drafts[i :: self.THREADS]]) for i in range(self.THREADS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return sorted(Invoice.objects.issued().values_list("serial", flat=True)), broken

    def test_no_number_twice_and_no_gap(self):
        serials, broken = self.race(lambda draft, by: invoicing.issue(draft, by=by), each=20)
        assert broken == []
        assert serials == list(range(1, 481))

    def test_the_race_is_real(self):
        """The control: the last number plus one, as several peers do it, gives numbers twice; the database objects."""

        def careless(draft, by):
            last = Invoice.objects.issued().order_by("-serial").values_list("serial", flat=True).first() or 0
            today = timezone.now().date()
            Invoice.objects.filter(pk=draft.pk).update(
                year=today.year,
                serial=last + 1,
                number=numbers.text("", today.year, last + 1),
                issued_on=today,
            )

        serials, broken = self.race(careless, each=5)
        assert broken
        assert len(serials) < 120
