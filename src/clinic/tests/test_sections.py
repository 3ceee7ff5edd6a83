"""The consultation's sections over HTTP: with htmx a fragment, without it the page; refusals keep what was typed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from conftest import sign_in
from hms.domain import allergies, diagnoses, prescriptions
from hms.models import Allergy, Diagnosis, MedicalRecord, PrescriptionLine, Problem, Vitals
from hms.testing import local, make_appointment, make_doctor, make_record, make_user

pytestmark = pytest.mark.usefixtures("codes")
HTMX = {"HX-Request": "true"}


def url(visit, rest=""):
    return f"/clinic/appointments/{visit.pk}/{rest}"


def text(response):
    return response.content.decode()


LINE = {"drug_name": "Amoxicillin", "dose": "1 capsule", "frequency": "three times a day", "days": "7"}
WAYS = [
    ("vitals/", {"pulse": "72", "temperature": "37,2"}, Vitals),
    ("diagnoses/", {"code": "J45.9"}, Diagnosis),
    ("diagnoses/", {"diagnosis": "Tired"}, Diagnosis),
    ("allergies/", {"substance": "Nuts", "severity": "MILD"}, Allergy),
    ("problems/", {"text": "Lives alone"}, Problem),
    ("prescriptions/", LINE, PrescriptionLine),
]


@pytest.mark.parametrize(("rest", "fields", "model"), WAYS)
def test_each_is_written_with_htmx_and_without(doctor, visit, rest, fields, model):
    response = doctor.post(url(visit, rest), fields, headers=HTMX)
    assert response.status_code == 200, text(response)
    assert f'id="{rest.strip("/")}"' in text(response)
    assert "<html" not in text(response)
    assert model.objects.count() == 1
    other = make_appointment(doctor=visit.doctor, status="IN_PROGRESS")
    assert doctor.post(url(other, rest), fields).status_code == 302
    assert model.objects.count() == 2
    assert doctor.get(url(visit)).status_code == 200


@pytest.mark.parametrize(
    ("rest", "fields", "words"),
    [
        ("vitals/", {"temperature": "400"}, "cannot be"),
        ("vitals/", {"systolic": "80", "diastolic": "120"}, "swapped"),
        ("vitals/", {"pulse": "fast"}, "is not a number"),
        ("vitals/", {"pulse": "72.5"}, "after the point"),
        ("vitals/", {}, "at least one"),
        ("diagnoses/", {"code": "Z99X"}, "no code"),
        ("allergies/", {"substance": "", "severity": "MILD"}, "allergic to"),
        ("problems/", {"text": "x", "onset": "2999-01-01"}, "still to come"),
        ("prescriptions/", LINE | {"days": "999"}, "366"),
        ("prescriptions/", LINE | {"days": "many"}, "whole number"),
    ],
)
def test_what_is_refused_is_said_and_still_there(doctor, visit, rest, fields, words):
    for headers in (HTMX, {}):
        response = doctor.post(url(visit, rest), fields, headers=headers)
        assert response.status_code == 422
        assert words in text(response)
        for value in fields.values():
            assert value in text(response) or value == "Z99X"
    assert not any(model.objects.exists() for _rest, _fields, model in WAYS)


def test_all_measurements_that_cannot_be_are_said_at_once(doctor, visit):
    values = {"temperature": "400", "pulse": "fast", "systolic": "80", "diastolic": "120", "weight": "70"}
    response = doctor.post(url(visit, "vitals/"), values, headers=HTMX)
    assert response.status_code == 422
    for words in ("400 °C cannot be", "is not a number", "these two are swapped"):
        assert text(response).count(words) == 2  # in the summary, and at the field
    assert not Vitals.objects.exists()
    half = text(doctor.post(url(visit, "vitals/"), {"systolic": "120", "diastolic": "x"}, headers=HTMX))
    assert "two numbers" not in half


def test_the_unlikely_is_asked_about_and_taken_when_confirmed(doctor, visit):
    response = doctor.post(url(visit, "vitals/"), {"pulse": "250"}, headers=HTMX)
    assert response.status_code == 422
    assert "Is it right?" in text(response)
    assert 'value="250"' in text(response)
    assert doctor.post(url(visit, "vitals/"), {"pulse": "250", "sure": "pulse=250"}, headers=HTMX).status_code == 200
    assert Vitals.objects.get().pulse == 250
    other = doctor.post(url(visit, "vitals/"), {"pulse": "251", "sure": "pulse=250"}, headers=HTMX)
    assert other.status_code == 422


def test_a_set_is_marked_as_wrong(doctor, visit):
    doctor.post(url(visit, "vitals/"), {"pulse": "72"}, headers=HTMX)
    made = Vitals.objects.get()
    response = doctor.post(url(visit, f"vitals/{made.pk}/wrong/"), {"reason": "other patient"}, headers=HTMX)
    assert "Entered in error" in text(response)


def test_the_course_is_charts_and_tables(doctor, visit):
    doctor.post(url(visit, "vitals/"), {"weight": "80", "height": "180"}, headers=HTMX)
    page = text(doctor.get(url(visit, "vitals/course/")))
    assert "<line-chart" in page
    assert "24.7" in page
    assert "computed" in page


def test_codes_are_offered_while_typing(doctor, visit):
    page = text(doctor.get(url(visit, "diagnoses/options/"), {"diagnosis": "asthma"}))
    assert "J45" in page
    assert "It can be added as written" in text(doctor.get(url(visit, "diagnoses/options/"), {"diagnosis": "zzqq"}))


def test_a_diagnosis_is_changed_and_starred(doctor, visit):
    doctor.post(url(visit, "diagnoses/"), {"code": "J45.9"}, headers=HTMX)
    doctor.post(url(visit, "diagnoses/"), {"diagnosis": "Tired"}, headers=HTMX)
    second = Diagnosis.objects.get(text="Tired")
    doctor.post(url(visit, f"diagnoses/{second.pk}/primary/"), headers=HTMX)
    assert Diagnosis.objects.get(is_primary=True) == second
    doctor.post(url(visit, f"diagnoses/{second.pk}/remove/"), headers=HTMX)
    assert Diagnosis.objects.get().is_primary
    assert doctor.post(url(visit, "diagnoses/star/"), {"code": "J45.9"}, headers=HTMX).status_code == 200
    assert doctor.post(url(visit, "diagnoses/star/"), {"code": "nope"}).status_code == 404


def test_an_allergy_is_on_the_banner_and_stops_its_drug(doctor, visit):
    assert "Allergies not recorded" in text(doctor.get(url(visit)))
    doctor.post(url(visit, "allergies/"), {"none": "1"}, headers=HTMX)
    assert "No known allergies" in text(doctor.get(url(visit)))
    doctor.post(url(visit, "allergies/"), {"substance": "Penicillin", "severity": "SEVERE"}, headers=HTMX)
    assert "Known allergies" in text(doctor.get(url(visit)))
    response = doctor.post(url(visit, "prescriptions/"), LINE, headers=HTMX)
    assert response.status_code == 422
    assert "Allergic to Penicillin" in text(response)
    assert not PrescriptionLine.objects.exists()
    blind = doctor.post(url(visit, "prescriptions/"), LINE | {"acknowledged": "Tested"}, headers=HTMX)
    assert blind.status_code == 422
    assert 'value="Tested"' in text(blind)
    shown = text(response).split('name="shown" value="')[1].split('"')[0]
    answer = LINE | {"acknowledged": "Tested", "shown": shown}
    response = doctor.post(url(visit, "prescriptions/"), answer, headers=HTMX)
    assert response.status_code == 200
    assert PrescriptionLine.objects.get().acknowledged == "Tested"


def test_drugs_are_offered_and_fill_the_form(doctor, visit):
    page = text(doctor.get(url(visit, "prescriptions/drugs/"), {"drug_name": "amox"}))
    pk = page.split("?drug=")[1].split('"')[0]
    for headers in (HTMX, {}):
        page = text(doctor.get(url(visit, "prescriptions/new/"), {"drug": pk}, headers=headers))
        assert 'value="Amoxicillin"' in page
        assert "500 mg" in page
    assert doctor.get(url(visit, "prescriptions/new/"), {"drug": "x"}).status_code == 404


def test_lines_are_withdrawn_stopped_and_repeated(doctor, visit):
    doctor.post(url(visit, "prescriptions/"), LINE, headers=HTMX)
    line = PrescriptionLine.objects.get()
    doctor.post(url(visit, f"prescriptions/{line.pk}/withdraw/"), headers=HTMX)
    assert not PrescriptionLine.objects.exists()
    before = make_record(make_appointment(patient=visit.patient, doctor=visit.doctor, status="COMPLETED"), notes="x")
    old = prescriptions.prescribe(before, drug_name="Amoxicillin", dose="1", frequency="daily", by=visit.doctor.user)
    page = text(doctor.post(url(visit, f"prescriptions/{old.pk}/repeat/"), headers=HTMX))
    assert PrescriptionLine.objects.count() == 2
    assert "Takes already" in page
    page = text(doctor.post(url(visit, f"prescriptions/{old.pk}/stop/"), {"reason": "Rash"}, headers=HTMX))
    old.refresh_from_db()
    assert old.stop_reason == "Rash"


def test_what_is_taken_for_as_long_as_needed_stays_in_sight(doctor, visit):
    earlier = make_record(make_appointment(patient=visit.patient, doctor=visit.doctor, status="COMPLETED"), notes="x")
    kept = prescriptions.prescribe(earlier, drug_name="Levothyroxine", dose="1", frequency="daily", by=doctor.user)
    week = {"dose": "1", "frequency": "daily", "days": 7, "patient": visit.patient}
    for n in range(61):
        kept.prescription.lines.create(drug_name=f"Cream {n}", **week)
    PrescriptionLine.objects.filter(days=7).update(created_at=timezone.now() - timedelta(days=90))
    page = text(doctor.get(url(visit)))
    assert "<bdi>Levothyroxine" in page
    assert "Cream" not in page


def test_only_lines_of_this_visit_are_withdrawn(doctor, visit):
    before = make_record(make_appointment(patient=visit.patient, doctor=visit.doctor, status="COMPLETED"), notes="x")
    old = prescriptions.prescribe(before, drug_name="Amoxicillin", dose="1", frequency="daily", by=visit.doctor.user)
    assert doctor.post(url(visit, f"prescriptions/{old.pk}/withdraw/"), headers=HTMX).status_code == 404
    assert PrescriptionLine.objects.filter(pk=old.pk).exists()


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["htmx", "plain"])
def test_bytes_that_no_database_keeps_are_refused_in_words(doctor, visit, headers):
    for name in [*LINE, "acknowledged", "shown", "instructions"]:
        response = doctor.post(url(visit, "prescriptions/"), LINE | {name: "a\x00b"}, headers=headers)
        assert response.status_code == 422, name
    assert not PrescriptionLine.objects.exists()
    assert doctor.get(url(visit, "prescriptions/drugs/"), {"drug_name": "a\x00"}).status_code < 500
    doctor.post(url(visit, "prescriptions/"), LINE, headers=HTMX)
    line = PrescriptionLine.objects.get()
    assert doctor.post(url(visit, f"prescriptions/{line.pk}/stop/"), {"reason": "\x00"}).status_code == 422


def test_a_doctor_without_a_doctors_row_is_told_so(client):
    sign_in(client, make_user("DOCTOR"))
    for path in ("/clinic/", "/clinic/hours/", "/clinic/phrases/"):
        response = client.get(path)
        assert response.status_code == 403
        assert "not finished yet" in text(response)


def test_a_signed_record_refuses_every_section(doctor, visit):
    record = make_record(visit, notes="x", signed=True)
    for rest, fields, _model in WAYS:
        if rest in {"allergies/", "problems/"}:  # of the patient, not of the visit
            continue
        response = doctor.post(url(visit, rest), fields, headers=HTMX)
        assert response.status_code == 422
        assert "signed" in text(response)
    assert MedicalRecord.objects.get().version == record.version


def test_rows_of_other_patients_are_not_there(doctor, visit):
    other = make_appointment(doctor=make_doctor(), status="IN_PROGRESS")
    by = other.doctor.user
    record = make_record(other)
    diagnosis = diagnoses.add(record, text="x", by=by)
    allergy = allergies.note(other.patient, substance="bees", by=by)
    line = prescriptions.prescribe(record, drug_name="x", dose="1", frequency="daily", by=by)
    for rest in (
        f"diagnoses/{diagnosis.pk}/remove/",
        f"diagnoses/{diagnosis.pk}/primary/",
        f"allergies/{allergy.pk}/end/",
        f"prescriptions/{line.pk}/withdraw/",
        f"prescriptions/{line.pk}/stop/",
        f"prescriptions/{line.pk}/repeat/",
        "problems/1/end/",
        "vitals/1/wrong/",
    ):
        assert doctor.post(url(visit, rest), {"reason": "x"}, headers=HTMX).status_code == 404
    assert not PrescriptionLine.objects.filter(stopped_at__isnull=False).exists()


def test_an_allergy_noted_later_raises_its_alert_at_the_line_and_holds_the_signature(doctor, visit):
    doctor.post(url(visit, "prescriptions/"), LINE, headers=HTMX)
    line = PrescriptionLine.objects.get()
    said = text(doctor.post(url(visit, "allergies/"), {"substance": "Penicillin", "severity": "SEVERE"}, headers=HTMX))
    assert 'hx-target="#prescription-conflicts"' in said  # the alert comes with the answer, without a reload
    for page in (said, text(doctor.get(url(visit)))):
        alert = page.split('id="prescription-conflicts"')[1].split("</live-section>")[0]
        assert "Allergic to Penicillin." in alert
        assert "Amoxicillin" in alert
    held = doctor.post(url(visit, "sign/"), follow=True)
    assert "Allergic to Penicillin." in text(held)
    assert f'href="#answer-{line.pk}"' in text(held).split('id="sign"')[1]
    assert not MedicalRecord.objects.get().is_signed
    seal = alert.split('name="shown" value="')[1].split('"')[0]
    answer = url(visit, f"prescriptions/{line.pk}/acknowledge/")
    refused = doctor.post(answer, {"reason": "", "shown": seal}, headers=HTMX)
    assert refused.status_code == 422
    assert text(refused).count("Say why it is prescribed all the same") == 1
    assert f'aria-describedby="answer-{line.pk}-error"' in text(refused)
    assert doctor.post(answer, {"reason": "Tolerated in 2024", "shown": seal}).status_code == 302
    page = text(doctor.get(url(visit)))
    assert "Tolerated in 2024" in page
    assert 'name="shown"' not in page
    doctor.post(url(visit, "sign/"))
    assert MedicalRecord.objects.get().is_signed


def test_what_is_taken_from_an_earlier_visit_is_warned_of_without_a_form(doctor, visit):
    before = make_record(make_appointment(patient=visit.patient, doctor=visit.doctor, start=local(days=-1)))
    line = prescriptions.prescribe(before, drug_name="Amoxicillin", dose="1", frequency="daily", by=doctor.user)
    assert "Amoxicillin: Allergic" not in text(doctor.get(url(visit)))
    allergies.note(visit.patient, substance="Penicillin", by=doctor.user)
    alert = text(doctor.get(url(visit))).split('id="prescription-conflicts"')[1].split("</live-section>")[0]
    assert "Amoxicillin: Allergic to Penicillin." in alert
    assert "<form" not in alert
    prescriptions.stop(line, reason="Allergic", by=doctor.user)
    assert "Amoxicillin: Allergic" not in text(doctor.get(url(visit)))


def test_a_row_whose_reason_is_missing_keeps_its_form_open_with_the_error_in_it(doctor, visit):
    by = doctor.user
    doctor.post(url(visit, "vitals/"), {"pulse": "72"}, headers=HTMX)
    before = make_record(make_appointment(patient=visit.patient, doctor=visit.doctor, start=local(days=-1)))
    line = prescriptions.prescribe(before, drug_name="Ibuprofen", dose="1", frequency="daily", by=by)
    allergy = allergies.note(visit.patient, substance="Nuts", by=by)
    for path, field, words in (
        (f"allergies/{allergy.pk}/end/", f"end-{allergy.pk}", "Say why it no longer counts."),
        (f"prescriptions/{line.pk}/stop/", f"stop-{line.pk}", "Say why it is stopped."),
        (f"vitals/{Vitals.objects.get().pk}/wrong/", f"wrong-{Vitals.objects.get().pk}", "Say what is wrong with it."),
    ):
        for headers in (HTMX, {}):
            response = doctor.post(url(visit, path), {"reason": " "}, headers=headers)
            assert response.status_code == 422
            assert text(response).count(words) == 1
            form = text(response).split(words)[0].rpartition("<details")[2]
            assert form.startswith(' class="aside-form" open>')
            assert f'aria-describedby="{field}-error"' in text(response)


def test_a_signed_record_without_a_note_says_so(doctor, visit):
    doctor.post(url(visit, "diagnoses/"), {"code": "J45.9"}, headers=HTMX)
    doctor.post(url(visit, "sign/"))
    note = text(doctor.get(url(visit))).split('id="note"')[1].split("</section>")[0]
    assert "Nothing was written for this visit." in note
