"""Services ticked at a visit."""

import pytest

from hms.domain import invoicing
from hms.models import Invoice, VisitService
from hms.testing import make_appointment, make_invoice, make_record, make_service

HTMX = {"HX-Request": "true"}


def tick(client, visit, headers=None, **data):
    return client.post(f"/clinic/appointments/{visit.pk}/services/", data, headers=headers or {})


def text(response):
    return response.content.decode()


@pytest.fixture
def xray(visit):
    return make_service(code="XR-CHEST", name="X-ray of the chest", department=visit.doctor.department)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_code_is_ticked(doctor, visit, xray, headers):
    response = tick(doctor, visit, headers, code="xr-chest", quantity="2")
    assert response.status_code == (200 if headers else 302)
    row = VisitService.objects.get()
    assert (row.appointment, row.service, row.quantity, row.ticked_by) == (visit, xray, 2, doctor.user)
    assert "2 × X-ray of the chest" in text(doctor.get(f"/clinic/appointments/{visit.pk}/"))


def test_the_departments_own_are_one_click_away(doctor, visit, xray):
    page = text(doctor.get(f"/clinic/appointments/{visit.pk}/"))
    assert f'name="service" value="{xray.pk}"' in page
    tick(doctor, visit, service=xray.pk)
    assert VisitService.objects.get().quantity == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"code": "NOPE"}, "not on the price list"),
        ({"code": ""}, "not on the price list"),
        ({"service": "999999"}, "not on the price list"),
        ({"code": "XR-CHEST", "quantity": "0"}, "1 to 999"),
        ({"code": "XR-CHEST", "quantity": "-1"}, "1 to 999"),
        ({"code": "XR-CHEST", "quantity": "1e5"}, "1 to 999"),
        ({"code": "XR-CHEST", "quantity": "1.5"}, "1 to 999"),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_bad_input_is_explained_and_kept(doctor, visit, xray, data, words, headers):
    response = tick(doctor, visit, headers, **data)
    assert response.status_code == 422
    assert words in text(response)
    if data.get("code"):
        assert f'value="{data["code"]}"' in text(response)
    assert not VisitService.objects.exists()


def test_it_is_taken_back(doctor, visit, xray):
    row = invoicing.tick_service(visit, xray, by=doctor.user)
    response = doctor.post(f"/clinic/appointments/{visit.pk}/services/{row.pk}/remove/", headers=HTMX)
    assert "None ticked" in text(response)
    assert not VisitService.objects.exists()


def test_a_row_of_another_visit_is_not_there(doctor, visit, xray):
    other = make_appointment()
    row = invoicing.tick_service(other, xray, by=doctor.user)
    assert doctor.post(f"/clinic/appointments/{visit.pk}/services/{row.pk}/remove/").status_code == 404
    assert tick(doctor, other, code="XR-CHEST").status_code == 404
    assert VisitService.objects.count() == 1


def test_once_invoiced_or_signed_nothing_is_ticked(doctor, visit, xray):
    make_invoice(appointment=visit)
    response = tick(doctor, visit, HTMX, code="XR-CHEST")
    assert response.status_code == 422
    assert "has been issued" in text(response)
    signed = make_appointment(doctor=visit.doctor, start=visit.end)
    make_record(signed, notes="x", signed=True)
    assert "signed" in text(tick(doctor, signed, HTMX, code="XR-CHEST"))
    assert Invoice.objects.count() == 1


def test_others_are_kept_out(reception, patient, visit, xray):
    assert tick(reception, visit, code="XR-CHEST").status_code == 403
    assert tick(patient, visit, code="XR-CHEST").status_code == 403
