"""Drafting, editing and issuing invoices."""

from datetime import timedelta
from decimal import Decimal

import pytest

from hms import money
from hms.domain import credit_notes, invoicing, prices, visits
from hms.domain.settings import forget
from hms.errors import DomainError, Stale
from hms.models import Hospital, Invoice, InvoiceLine
from hms.testing import (
    local,
    make_appointment,
    make_department,
    make_doctor,
    make_invoice,
    make_it_midday,
    make_patient,
    make_record,
    make_service,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(db):
    make_it_midday()
    return make_user()


@pytest.fixture
def admin_user(db):
    return make_user("ADMIN")


def a_visit(doctor=None, patient=None, days=0, **fields):
    return make_appointment(
        doctor=doctor, patient=patient, start=local(days=days, at="11:00"), **({"status": "IN_PROGRESS"} | fields)
    )


def draft_of(visit):
    return Invoice.objects.get(appointment=visit)


def lines(invoice):
    return [(line.text, line.quantity, line.unit_price, line.net) for line in invoice.lines.all()]


class TestDraftOfAVisit:
    def test_completing_a_visit_drafts_the_fee_and_what_was_ticked(self, desk):
        visit = a_visit(make_doctor(consultation_fee=80))
        xray = make_service(name="X-ray of the chest", price=45, tax_rate=20)
        invoicing.tick_service(visit, xray, by=visit.doctor.user, quantity=2)
        visits.complete(visit, by=desk)
        draft = draft_of(visit)
        assert [(text, net) for text, _q, _p, net in lines(draft)] == [
            (f"Consultation, {visit.doctor}", 80),
            ("X-ray of the chest", 90),
        ]
        assert (draft.amount, draft.tax_amount, draft.total_amount) == (170, 18, 188)
        assert draft.is_draft
        assert draft.status == "PENDING"
        assert draft not in Invoice.objects.owed()
        assert draft not in Invoice.objects.overdue(local(days=400).date())

    def test_nobody_but_the_desk_sees_a_draft(self, desk):
        draft = make_invoice(issued=False)
        assert draft not in Invoice.objects.visible_to(draft.patient.user)
        assert draft not in Invoice.objects.visible_to(make_doctor().user)
        assert draft in Invoice.objects.visible_to(desk)

    def test_reopening_takes_an_untouched_draft_back(self, desk):
        visit = visits.complete(a_visit(), by=desk)
        visits.reopen(visit, by=desk)
        assert not Invoice.objects.filter(appointment=visit).exists()
        visits.complete(visit, by=desk)
        assert draft_of(visit).total_amount == 80

    def test_reopening_keeps_a_draft_that_somebody_worked_on(self, desk):
        visit = visits.complete(a_visit(), by=desk)
        invoicing.add_line(draft_of(visit), text="Crutches", unit_price=Decimal(12), by=desk)
        visits.reopen(visit, by=desk)
        assert draft_of(visit).total_amount == 92
        with pytest.raises(DomainError, match="not over"):
            invoicing.issue(draft_of(visit), by=desk)
        invoicing.tick_service(visit, make_service(price=5), by=visit.doctor.user)
        visits.complete(visit, by=desk)
        assert draft_of(visit).total_amount == 97

    def test_an_issued_invoice_keeps_the_visit_completed(self, desk):
        visit = visits.complete(a_visit(), by=desk)
        issued = invoicing.issue(draft_of(visit), by=desk)
        with pytest.raises(DomainError, match=issued.number):
            visits.reopen(visit, by=desk)
        credit_notes.cancel(issued, reason="wrong", by=desk)
        visits.reopen(visit, by=desk)
        visits.complete(visit, by=desk)
        assert Invoice.objects.drafts().get(appointment=visit).total_amount == 80


class TestFollowUp:
    @pytest.fixture
    def doctor(self, desk):
        return make_doctor(consultation_fee=80)

    def fee(self, doctor, patient, desk, days=0):
        visit = a_visit(doctor, patient, days=days)
        visits.complete(visit, by=desk)
        return draft_of(visit).lines.get()

    def test_a_second_visit_within_the_days_is_cheaper(self, desk, doctor):
        prices.set_follow_up(days=14, percent=Decimal(50), by=desk)
        patient = make_patient()
        a_visit(doctor, patient, days=-14, status="COMPLETED")
        line = self.fee(doctor, patient, desk)
        assert (line.kind, line.net) == ("FOLLOW_UP", 40)
        assert f"{local(days=-14):%d-%b-%Y}" in line.text

    @pytest.mark.parametrize(("days", "status"), [(-15, "COMPLETED"), (-3, "CANCELLED"), (-3, "NO_SHOW")])
    def test_too_long_ago_or_never_seen_is_a_full_visit(self, desk, doctor, days, status):
        prices.set_follow_up(days=14, percent=Decimal(0), by=desk)
        patient = make_patient()
        a_visit(doctor, patient, days=days, status=status)
        assert self.fee(doctor, patient, desk).net == 80

    def test_another_doctor_is_a_full_visit(self, desk, doctor):
        prices.set_follow_up(days=14, percent=Decimal(0), by=desk)
        patient = make_patient()
        a_visit(make_doctor(), patient, days=-3, status="COMPLETED")
        assert self.fee(doctor, patient, desk).net == 80

    def test_a_follow_up_does_not_begin_the_days_anew(self, desk, doctor):
        prices.set_follow_up(days=14, percent=Decimal(0), by=desk)
        patient = make_patient()
        a_visit(doctor, patient, days=-20, status="COMPLETED")
        second = a_visit(doctor, patient, days=-8)
        visits.complete(second, by=desk)
        assert draft_of(second).lines.get().net == 0
        assert self.fee(doctor, patient, desk).net == 80

    def test_a_doctors_rule_goes_before_the_departments_and_that_before_all(self, desk, doctor):
        prices.set_follow_up(days=14, percent=Decimal(90), by=desk)
        assert prices.rule_of(doctor).percent == 90
        prices.set_follow_up(department=doctor.department, days=14, percent=Decimal(50), by=desk)
        assert prices.rule_of(doctor).percent == 50
        prices.set_follow_up(doctor=doctor, days=14, percent=Decimal(10), by=desk)
        assert prices.rule_of(doctor).percent == 10
        prices.set_follow_up(department=make_department(), days=14, percent=Decimal(1), by=desk)
        assert prices.rule_of(doctor).percent == 10


class TestTicks:
    def test_a_tick_follows_into_the_draft_and_out_of_it(self, desk):
        visit = visits.complete(a_visit(), by=desk)
        service = make_service(price=25)
        invoicing.tick_service(visit, service, by=visit.doctor.user)
        invoicing.tick_service(visit, service, by=visit.doctor.user, quantity=3)
        assert draft_of(visit).total_amount == 155
        invoicing.untick_service(visit, service, by=visit.doctor.user)
        assert draft_of(visit).total_amount == 80

    def test_once_issued_the_desk_writes_another_one(self, desk):
        visit = visits.complete(a_visit(), by=desk)
        invoicing.issue(draft_of(visit), by=desk)
        for verb in (invoicing.tick_service, invoicing.untick_service):
            with pytest.raises(DomainError, match="issued"):
                verb(visit, make_service(), by=visit.doctor.user)

    def test_a_signed_record_closes_them(self, desk):
        visit = a_visit()
        make_record(visit, notes="x", signed=True)
        with pytest.raises(DomainError, match="signed"):
            invoicing.tick_service(visit, make_service(), by=visit.doctor.user)

    @pytest.mark.parametrize("quantity", [0, 1000])
    def test_quantities(self, desk, quantity):
        with pytest.raises(DomainError, match="1 to 999"):
            invoicing.tick_service(a_visit(), make_service(), by=desk, quantity=quantity)

    def test_what_is_not_on_the_list_of_that_day(self, desk):
        service = make_service(valid_from=local(days=1).date())
        with pytest.raises(DomainError, match="price list of that day"):
            invoicing.tick_service(a_visit(), service, by=desk)


class TestEditing:
    @pytest.fixture
    def draft(self, desk):
        return make_invoice(issued=False, amount=100)

    def change(self, draft, by, **changes):
        return invoicing.change_line(draft, draft.lines.get(), by=by, **changes)

    def test_quantity_price_and_discount_add_up(self, draft, desk):
        changed = self.change(
            draft,
            desk,
            quantity=Decimal("1.5"),
            unit_price=Decimal("33.33"),
            discount=Decimal(5),
            discount_reason="late",
        )
        assert changed.amount == Decimal("45.00")  # 49.995 is 50.00, less 5.00

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"quantity": Decimal(0)}, "above zero"),
            ({"quantity": Decimal(-1)}, "above zero"),
            ({"quantity": Decimal("1.005")}, "two decimals"),
            ({"unit_price": Decimal(-1)}, "below zero"),
            ({"unit_price": Decimal("1.005")}, "GBP has 2 decimals"),
            ({"unit_price": Decimal("1E+9")}, "more than"),
            ({"quantity": Decimal(9999), "unit_price": Decimal(99999)}, "more than"),
            ({"discount": Decimal(101), "discount_reason": "x"}, "more than the line"),
            ({"discount": Decimal(5)}, "Say why"),
            ({"discount": Decimal(5), "discount_reason": "  "}, "Say why"),
            ({"discount": Decimal(21), "discount_reason": "friend"}, "at most 20 %"),
            ({"text": "  "}, "Write what"),
        ],
    )
    def test_bad_values_are_refused_in_words(self, draft, desk, changes, words):
        with pytest.raises(DomainError, match=words):
            self.change(draft, desk, **changes)
        draft.refresh_from_db()
        assert draft.amount == 100

    def test_an_administrator_may_discount_more(self, draft, admin_user):
        assert self.change(draft, admin_user, discount=Decimal(100), discount_reason="hardship").amount == 0
        assert draft.lines.get().discount_by == admin_user

    def test_somebody_elses_discount_may_stay_while_the_desk_edits_on(self, draft, desk, admin_user):
        self.change(draft, admin_user, discount=Decimal(50), discount_reason="hardship")
        self.change(draft, desk, text="Consultation, long")
        with pytest.raises(DomainError, match="at most"):
            self.change(draft, desk, discount=Decimal(60))

    def test_a_stale_version_is_refused_and_nothing_is_lost(self, draft, desk):
        invoicing.add_line(draft, text="Theirs", unit_price=Decimal(1), by=make_user(), version=draft.version)
        with pytest.raises(Stale, match="meanwhile"):
            invoicing.add_line(draft, text="Mine", unit_price=Decimal(2), by=desk, version=draft.version)
        assert [text for text, *_rest in lines(draft)] == ["Consultation", "Theirs"]

    def test_an_issued_one_is_not_edited(self, desk):
        issued = make_invoice()
        with pytest.raises(Stale, match=issued.number):
            invoicing.add_line(issued, text="More", unit_price=Decimal(1), by=desk)
        with pytest.raises(Stale):
            invoicing.discard(issued, by=desk)

    def test_a_discarded_draft_frees_its_ticks(self, desk):
        visit = a_visit()
        invoicing.tick_service(visit, make_service(price=5), by=desk)
        visits.complete(visit, by=desk)
        invoicing.discard(draft_of(visit), by=desk)
        assert invoicing.draft_for_visit(visit, by=desk).total_amount == 85


class TestIssuing:
    def test_number_day_due_and_copies(self, desk):
        Hospital.objects.update(name="St Example", payment_days=30, payment_terms="IBAN 1")
        forget()
        visit = visits.complete(a_visit(), by=desk)
        issued = invoicing.issue(draft_of(visit), by=desk)
        today = local(0).date()
        assert issued.number == f"{today.year}-{issued.serial:06d}"
        assert (issued.issued_on, issued.due_date) == (today, today + timedelta(days=30))
        assert issued.printed["hospital"]["name"] == "St Example"
        assert issued.printed["terms"] == "IBAN 1"
        assert issued.printed["patient"]["record_number"] == visit.patient.record_number
        assert issued.printed["doctor"] == str(visit.doctor)
        assert issued in Invoice.objects.owed()
        assert issued in Invoice.objects.visible_to(visit.patient.user)

    def test_one_that_comes_to_nothing_is_paid(self, desk, admin_user):
        draft = make_invoice(issued=False, amount=0)
        issued = invoicing.issue(draft, by=desk)
        assert (issued.status, issued.paid_date) == ("PAID", local(0).date())

    def test_an_empty_one_is_refused(self, desk):
        with pytest.raises(DomainError, match="nothing on this draft"):
            invoicing.issue(invoicing.new_draft(make_patient(), by=desk), by=desk)

    def test_a_second_time_is_refused(self, desk):
        draft = make_invoice(issued=False)
        invoicing.issue(draft, by=desk)
        with pytest.raises(Stale, match="has been issued as"):
            invoicing.issue(draft, by=desk)

    def test_a_price_that_changed_meanwhile_is_asked_about(self, desk):
        service = make_service(code="XR", price=40)
        draft = invoicing.new_draft(make_patient(), by=desk)
        invoicing.add_service(draft, service, by=desk)
        prices.set_price(
            code="XR",
            name="X-ray",
            department=None,
            price=Decimal(45),
            tax_rate=Decimal(0),
            valid_from=local(0).date(),
            by=desk,
        )
        with pytest.raises(invoicing.PriceChanged) as e:
            invoicing.issue(draft, by=desk)
        assert [(line.unit_price, now.price) for line, now in e.value.changes] == [(40, 45)]
        taken = invoicing.take_list_prices(draft, by=desk)
        assert invoicing.issue(taken, by=desk).total_amount == 45

    def test_or_kept_as_drafted(self, desk):
        service = make_service(code="XR", price=40)
        draft = invoicing.new_draft(make_patient(), by=desk)
        invoicing.add_service(draft, service, by=desk)
        service.price = 45
        service.save()
        assert invoicing.issue(draft, by=desk, prices_seen=True).total_amount == 40


class TestCurrencies:
    @pytest.mark.parametrize(
        ("currency", "fee", "tax", "refused"),
        [("JPY", 8001, 800, "0.5"), ("KWD", "5.255", "0.526", "1.0005"), ("GBP", "80.05", "8.01", "1.005")],
    )
    def test_the_smallest_coin_is_kept(self, db, currency, fee, tax, refused):
        Hospital.objects.current()
        Hospital.objects.update(currency=currency)
        forget()
        by = make_user()
        draft = invoicing.new_draft(make_patient(), by=by)
        invoicing.add_line(draft, text="x", unit_price=Decimal(fee), tax_rate=Decimal(10), by=by)
        issued = invoicing.issue(draft, by=by)
        assert issued.tax_amount == Decimal(tax)
        with pytest.raises(DomainError, match=currency):
            invoicing.add_line(make_invoice(issued=False, amount=1), text="x", unit_price=Decimal(refused), by=by)

    def test_tax_is_rounded_once_for_each_rate(self):
        rows = [(Decimal(20), Decimal("0.03"))] * 3 + [(Decimal(5), Decimal("0.10"))]
        assert money.tax_table(rows, "GBP") == [
            (Decimal(5), Decimal("0.10"), Decimal("0.01")),
            (Decimal(20), Decimal("0.09"), Decimal("0.02")),
        ]


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("80", 80),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,5", "1234.5"),
        ("1'000", 1000),
        ("1,000", 1000),
        ("5.125", "5.125"),
        ("0", 0),
        ("1e5", None),
        ("-5", None),
        ("NaN", None),
        ("0x10", None),
        ("1,2,3", None),
        ("12,34.5", None),
        ("٣", None),
        ("", None),
        ("1.2.3", None),
    ],
)
def test_amounts_as_people_type_them(typed, amount):
    assert money.parse(typed) == (None if amount is None else Decimal(amount))


class TestPrices:
    def set(self, desk, price, days, **fields):
        values = {"code": "XR", "name": "X-ray", "department": None, "tax_rate": Decimal(0)} | fields
        return prices.set_price(**values, price=Decimal(price), valid_from=local(days=days).date(), by=desk)

    def test_a_new_price_ends_the_one_before(self, desk):
        self.set(desk, 40, -10)
        self.set(desk, 45, 5)
        assert [prices.find("XR", local(days=d).date()).price for d in (-10, 4, 5, 50)] == [40, 40, 45, 45]
        assert prices.find("XR", local(days=-11).date()) is None

    def test_a_price_in_between_leaves_the_later_one(self, desk):
        self.set(desk, 40, -10)
        self.set(desk, 45, 5)
        self.set(desk, 42, 0)
        assert [prices.find("XR", local(days=d).date()).price for d in (-1, 0, 4, 5)] == [40, 42, 42, 45]

    def test_a_price_that_invoices_use_is_not_rewritten(self, desk):
        service = self.set(desk, 40, 0)
        invoicing.add_service(make_invoice(issued=False), service, by=desk)
        with pytest.raises(DomainError, match="another day"):
            self.set(desk, 41, 0)


def test_history_keeps_every_line(desk):
    draft = make_invoice(issued=False)
    invoicing.change_line(draft, draft.lines.get(), by=desk, text="Other")
    texts = list(InvoiceLine.events.rel.related_model.objects.order_by("pgh_id").values_list("text", flat=True))
    assert texts == ["Consultation", "Other"]
