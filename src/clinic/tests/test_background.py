"""Allergies and problems that are over stay in sight: greyed, with their end."""

from datetime import date

from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic import live
from hms.domain import allergies, notes, problems
from hms.live import Change
from hms.models import Allergy, Patient, Problem
from hms.testing import local, make_appointment


def text(response):
    return response.content.decode()


def addresses(visit):
    return f"/clinic/appointments/{visit.pk}/", f"/clinic/patients/{visit.patient_id}/"


def pages(doctor, visit):
    return [text(doctor.get(path)) for path in addresses(visit)]


def ended(page, section):
    """The greyed rows of a section."""
    part = page.split(f'aria-labelledby="{section}-title"')[1].split("</section>")[0]
    return [row.split("</li>")[0] for row in part.split('<li class="muted">')[1:]]


def test_ended_allergies_are_in_the_visit_and_the_record(doctor, visit):
    allergies.note(visit.patient, substance="Nuts", by=doctor.user)
    wrong = allergies.note(visit.patient, substance="Penicillin", by=doctor.user)
    allergies.end(wrong, reason="Tested: none", by=doctor.user)
    Allergy.objects.filter(pk=wrong.pk).update(ended_at=local(0), noted_at=local(-30))
    for page in pages(doctor, visit):
        (row,) = ended(page, "allergies")
        assert "Penicillin" in row
        assert "Tested: none" in row
        assert f"{local(-30):%d-%b-%Y} – {local(0):%d-%b-%Y}" in row
        assert "Penicillin" not in page.split('id="banner-allergies"')[1].split("</p>")[0]


def test_problems_that_are_over_stand_below_those_that_go_on(doctor, visit):
    over = problems.note(visit.patient, text="Sciatica", onset=date(2019, 3, 1), by=doctor.user)
    problems.note(visit.patient, text="Asthma", by=doctor.user)
    problems.end(over, on=date(2021, 5, 1), by=doctor.user)
    for page in pages(doctor, visit):
        (row,) = ended(page, "problems")
        assert "Sciatica" in row
        assert "01-Mar-2019 – 01-May-2021" in row
        part = page.split('aria-labelledby="problems-title"')[1]
        assert part.index("Asthma") < part.index("Sciatica")


def test_a_problem_ends_on_the_day_that_is_said_and_a_wrong_day_is_said_at_its_row(doctor, visit):
    problem = problems.note(visit.patient, text="Sciatica", onset=date(2019, 3, 1), by=doctor.user)
    end = f"/clinic/appointments/{visit.pk}/problems/{problem.pk}/end/"
    for wrong, words in (("2018-01-01", "before it began"), ("soon", "is not a day"), ("2999-01-01", "still to come")):
        response = doctor.post(end, {"ended": wrong}, headers={"HX-Request": "true"})
        page = response.content.decode()
        assert response.status_code == 422
        assert words in page.split(f'id="ended-{problem.pk}-error"')[1].split("</p>")[0]
        assert f'name="ended" value="{wrong}"' in page
    assert doctor.post(end, {"ended": "2021-05-01"}).status_code == 302
    problem.refresh_from_db()
    assert problem.ended == date(2021, 5, 1)


def test_the_number_of_queries_does_not_grow(doctor, visit):
    first = allergies.note(visit.patient, substance="first", by=doctor.user)
    allergies.end(first, reason="x", by=doctor.user)

    def count(path):
        with CaptureQueriesContext(connection) as queries:
            doctor.get(path)
        return len(queries)

    for path in addresses(visit):
        count(path)
        one = count(path)
        for n in range(2):
            more = allergies.note(visit.patient, substance=f"{path}{n}", by=doctor.user)
            allergies.end(more, reason="x", by=doctor.user)
        assert count(path) == one


HTMX = {"HX-Request": "true"}


def test_a_problem_is_found_among_the_codes_and_chosen(doctor, visit, codes):
    page = addresses(visit)[0]
    found = text(doctor.get(f"{page}problems/options/", {"text": "asthma"}, headers=HTMX))
    assert f"{page}problems/new/?code=J45.9" in found
    for headers in (HTMX, {}):
        chosen = text(doctor.get(f"{page}problems/new/", {"code": "J45.9"}, headers=headers))
        assert '<input type="hidden" name="code" value="J45.9">' in chosen
        assert '<details class="more" open>' in chosen
        assert "autofocus" in chosen.split('id="problems"')[1].split("</section>")[0]
    sent = {"code": "J45.9", "text": "Asthma, unspecified"}
    refused = doctor.post(f"{page}problems/", sent | {"onset": "2999-01-01"}, headers=HTMX)
    assert refused.status_code == 422
    assert '<input type="hidden" name="code" value="J45.9">' in text(refused)
    assert "2999" in text(refused)
    done = doctor.post(f"{page}problems/", sent | {"onset": "1 mar 2019"}, headers=HTMX)
    assert done.status_code == 200, text(done)
    problem = Problem.objects.get()
    assert (problem.code_id, problem.text) == ("J45.9", "Asthma, unspecified")
    assert '<span class="tag tag-info">J45.9</span>' in text(done)


def test_codes_of_problems_are_found_without_scripts(doctor, visit, codes):
    page = addresses(visit)[0]
    typed = {"text": "asthma", "onset": "1 mar 2019", "find": "1"}
    found = text(doctor.post(f"{page}problems/", typed))
    assert "?code=J45.9" in found
    assert 'value="1 mar 2019"' in found
    assert not Problem.objects.exists()


def test_a_problem_with_a_code_that_does_not_exist_is_refused(doctor, visit, codes):
    page = addresses(visit)[0]
    refused = doctor.post(f"{page}problems/", {"code": "Z99X", "text": "Typed"}, headers=HTMX)
    assert refused.status_code == 422
    assert "There is no code Z99X" in text(refused)
    assert 'value="Typed"' in text(refused)
    assert doctor.get(f"{page}problems/new/", {"code": "Z99X"}).status_code == 404


def test_an_earlier_history_is_read_in_the_visit_and_once_in_the_record(doctor, visit):
    Patient.objects.filter(pk=visit.patient_id).update(medical_history="Appendix out in 1999")
    for page in pages(doctor, visit):
        assert page.count("<bdi>Appendix out in 1999") == 1
    problems.note(visit.patient, text="Asthma", by=doctor.user)
    for page in pages(doctor, visit):
        assert page.count("<bdi>Appendix out in 1999") == 1


def test_the_banner_follows_the_allergies(doctor, visit):
    page = addresses(visit)[0]

    def line(fields):
        partial = text(doctor.post(f"{page}allergies/", fields, headers=HTMX)).split("<hx-partial")[1]
        assert 'hx-target="#banner-allergies" hx-swap="outerHTML"' in partial
        return partial

    assert "No known allergies" in line({"none": "1"})
    assert "Nuts" in line({"substance": "Nuts", "severity": "SEVERE"})
    assert "hx-partial" not in text(doctor.get(page))
    for rest in ("", "vitals/course/", "drafts/", "follow-up/"):
        notes.record_for(visit, by=doctor.user)
        shown = text(doctor.get(f"{page}{rest}"))
        assert "Nuts" in shown.split('id="banner-allergies"')[1].split("</p>")[0]


def test_an_allergy_is_told_to_other_screens_of_the_patient(doctor, visit):
    made = allergies.note(visit.patient, substance="Nuts", by=doctor.user)
    other = make_appointment(doctor=visit.doctor)
    change = Change("allergy", made.pk, ())
    assert 'data-nouns="allergy"' in live.render([change], f"visit:{visit.pk}")
    assert live.render([change], f"visit:{other.pk}") == ""
