"""Reminding of every overdue invoice that the filtered list shows."""

from datetime import timedelta

import pytest

from hms.domain import reminding
from hms.models import AccessLog, OutboxMail
from hms.testing import local, make_appointment, make_doctor, make_invoice, make_patient, run_jobs

URL = "/billing/remind/all/"


def text(response):
    return response.content.decode()


def overdue(days=1, **fields):
    return make_invoice(due_date=local(0).date() - timedelta(days=days), **fields)


@pytest.fixture
def late(db):
    """Two overdue invoices of one doctor, one of another; one that is not due, one of somebody without an address."""
    doctor = make_doctor()
    make_invoice()
    overdue(patient=make_patient(email=None))
    return doctor, [
        overdue(appointment=make_appointment(doctor=doctor, status="COMPLETED")),
        overdue(3, appointment=make_appointment(doctor=doctor, status="COMPLETED", start=local(at="15:00"))),
        overdue(2, amount=900),
    ]


def numbers():
    return sorted(mail.key.split(":")[1] for mail in OutboxMail.objects.filter(kind="invoice.reminded"))


def test_it_says_how_many_before_anything_is_sent(reception, late):
    page = text(reception.get(URL))
    assert "Mail 3 reminders" in page
    assert "<dt>To be printed</dt><dd>1 " in page
    assert "none: all invoices" in page
    run_jobs()
    assert numbers() == []


def test_only_what_the_filter_shows(reception, late):
    doctor, (first, second, _third) = late
    page = text(reception.get(f"{URL}?doctor={doctor.pk}"))
    assert "Mail 2 reminders" in page
    assert str(doctor) in page
    response = reception.post(f"{URL}?doctor={doctor.pk}", {"count": 2}, follow=True)
    assert response.redirect_chain == [(f"/billing/?doctor={doctor.pk}", 302)]
    assert "2 reminders are on their way" in text(response)
    run_jobs()
    assert numbers() == sorted([str(first.pk), str(second.pk)])
    assert AccessLog.objects.filter(action="invoice.reminded").count() == 2


def test_whoever_was_reminded_today_is_left_out(reception, late):
    reception.post(URL, {"count": 3})
    run_jobs()
    page = text(reception.get(URL))
    assert "<dt>Left out</dt><dd>3 " in page
    assert "Mail " not in page
    assert "Back to the list" in page


def test_more_than_was_confirmed_is_asked_again(reception, late):
    overdue()
    response = reception.post(URL, {"count": 3})
    assert response.status_code == 409
    assert "The list has changed meanwhile. Nothing was sent" in text(response)
    assert "Mail 4 reminders" in text(response)
    run_jobs()
    assert numbers() == []


def test_the_longest_overdue_go_first_when_there_are_too_many(reception, late, monkeypatch):
    monkeypatch.setattr(reminding, "MOST", 2)
    _doctor, (_first, second, third) = late
    page = text(reception.get(URL))
    assert "2 are sent at a time, the longest overdue first" in page
    reception.post(URL, {"count": 2})
    run_jobs()
    assert numbers() == sorted([str(second.pk), str(third.pk)])
    assert "Mail 1 reminder<" in text(reception.get(URL))


@pytest.mark.parametrize("query", ["amount_from=1e5", "due_from=31 Feb", "status=LOST"])
def test_an_odd_filter_reminds_nobody(reception, late, query):
    for response in (reception.get(f"{URL}?{query}"), reception.post(f"{URL}?{query}", {"count": 99})):
        assert response.status_code == 302
    run_jobs()
    assert numbers() == []


@pytest.mark.parametrize("count", ["", "x", "-1", "²", "1"])
def test_no_count_and_a_smaller_one_confirm_nothing(reception, late, count):
    assert reception.post(URL, {"count": count}).status_code == 409


def test_what_is_filtered_by_is_said(reception, late):
    patient = make_patient(last_name="Quetzal")
    overdue(patient=patient, amount=120)
    page = text(reception.get(f"{URL}?status=owed&amount_from=100&patient={patient.pk}&due_from=2020-01-02"))
    for word in ("Owed", "£100.00", "Quetzal", "02-Jan-2020", "Mail 1 reminder<"):
        assert word in page


def test_the_list_leads_there_with_its_filter(reception, late):
    assert f'href="{URL}?status=owed"' in text(reception.get("/billing/?status=owed"))


def test_nobody_else_enters(doctor, patient, signed_out, late):
    for client, status in ((doctor, 403), (patient, 403), (signed_out, 302)):
        assert client.get(URL).status_code == status
        assert client.post(URL, {"count": 3}).status_code == status
