import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hms.domain import notes
from hms.models import AccessLog, Appointment, MedicalRecord
from hms.testing import local, make_appointment, make_doctor, make_record


def url(visit, rest=""):
    return f"/clinic/appointments/{visit.pk}/{rest}"


def text(response):
    return response.content.decode()


def test_it_shows_who_why_and_the_note(doctor, visit):
    make_record(visit, notes="Half a sentence")
    page = text(doctor.get(url(visit)))
    assert visit.patient.user.formal_name in page
    assert "Cough" in page
    assert "Half a sentence" in page
    assert AccessLog.objects.filter(user=doctor.user, patient=visit.patient, action="record.viewed").count() == 1


def test_a_part_that_refreshes_itself_is_not_another_look(doctor, visit):
    doctor.get(url(visit), headers={"X-Background": "1", "HX-Request": "true"})
    assert not AccessLog.objects.filter(action="record.viewed").exists()


def test_the_previous_signed_visit_is_beside_it(doctor, visit):
    before = make_appointment(patient=visit.patient, start=local(days=-30), status="COMPLETED")
    make_record(before, notes="Last time: sprained ankle", signed=True)
    draft = make_appointment(patient=visit.patient, start=local(days=-20), status="COMPLETED")
    make_record(draft, notes="a colleague's unsigned draft")
    page = text(doctor.get(url(visit)))
    assert "sprained ankle" in page
    assert "unsigned draft" not in page


def test_it_asks_as_much_with_a_history_as_without(doctor, visit):
    def count():
        with CaptureQueriesContext(connection) as queries:
            doctor.get(url(visit))
        return len(queries)

    count()
    one = count()
    for days in (-30, -20, -10):
        make_record(
            make_appointment(patient=visit.patient, start=local(days=days), status="COMPLETED"), notes="x", signed=True
        )
    assert count() <= one + 1
    assert one <= 20


class TestFollowUp:
    def test_free_times_are_offered_and_one_is_booked(self, doctor, visit):
        page = text(doctor.get(url(visit, "follow-up/?days=7"), headers={"HX-Request": "true"}))
        assert page.count('name="at"') == 6
        at = page.split('name="at" value="')[1].split('"')[0]
        response = doctor.post(url(visit, "follow-up/"), {"at": at, "reason": "Look again"}, follow=True)
        assert "Follow-up booked" in text(response)
        booked = Appointment.objects.exclude(pk=visit.pk).get()
        assert (booked.patient, booked.doctor, booked.reason) == (visit.patient, visit.doctor, "Look again")
        again = doctor.post(url(visit, "follow-up/"), {"at": at}, follow=True)
        assert "already" in text(again)
        assert Appointment.objects.count() == 2

    @pytest.mark.parametrize("at", ["", "nonsense", "20260101T0800Z"])
    def test_a_time_that_is_none_is_refused_in_words(self, doctor, visit, at):
        response = doctor.post(url(visit, "follow-up/"), {"at": at}, follow=True)
        assert response.status_code == 200
        assert "notice-error" in text(response) or "toast" in text(response)
        assert Appointment.objects.count() == 1

    @pytest.mark.parametrize("days", ["x", "-1", "99999", ""])
    def test_odd_distances_are_survived(self, doctor, visit, days):
        assert doctor.get(url(visit, f"follow-up/?days={days}")).status_code == 200


class TestSigning:
    def test_signed_it_is_only_read_and_added_to(self, doctor, visit):
        make_record(visit, notes="Cough.")
        assert "Signed." in text(doctor.post(url(visit, "sign/"), follow=True))
        page = text(doctor.get(url(visit)))
        assert "<auto-save" not in page
        page = text(doctor.post(url(visit, "addenda/"), {"text": "Called back: well."}, follow=True))
        assert "Called back: well." in page
        assert MedicalRecord.objects.filter(amends__appointment=visit).count() == 1

    def test_an_empty_record_is_not_signed(self, doctor, visit):
        response = doctor.post(url(visit, "sign/"))
        assert response.status_code == 422
        sign = text(response).split('id="sign"')[1]
        assert "nothing written" in sign
        assert 'href="#note-treatment"' in sign

    def test_a_refused_signature_is_said_at_the_button_and_of_the_version_that_was_read(self, doctor, visit, htmx):
        record = make_record(visit, notes="Read")
        other = make_doctor()
        make_appointment(patient=visit.patient, doctor=other, start=local(-1))
        notes.save(
            visit,
            texts={"notes": "Not read"},
            versions={"notes": record.version},
            session="n",
            sequence=1,
            by=other.user,
        )
        for _again in range(2):  # pressing it once more is not reading it
            response = doctor.post(url(visit, "sign/"), {"version": record.version}, headers=htmx)
            part = text(response)
            assert response.status_code == 422
            assert part.lstrip().startswith('<section class="panel sign" id="sign"')
            assert "changed the note after you read it" in part
            assert f'name="version" value="{record.version}"' in part
        record.refresh_from_db()
        assert not record.is_signed

    def test_signed_by_htmx_the_page_is_loaded_anew(self, doctor, visit, htmx):
        make_record(visit, notes="Cough.")
        response = doctor.post(url(visit, "sign/"), headers=htmx)
        assert response.headers["HX-Refresh"] == "true"
        assert MedicalRecord.objects.get(appointment=visit).is_signed

    def test_an_addendum_that_is_refused_is_still_in_the_field(self, doctor, visit):
        make_record(visit, notes="Cough.", signed=True)
        response = doctor.post(url(visit, "addenda/"), {"text": "y" * 20_001})
        assert response.status_code == 422
        assert "y" * 20_001 in text(response)

    def test_an_addendum_takes_no_more_than_its_part_of_the_page(self, doctor, visit, htmx):
        make_record(visit, notes="Cough.", signed=True)
        refused = doctor.post(url(visit, "addenda/"), {"text": " "}, headers=htmx)
        assert refused.status_code == 422
        assert text(refused).lstrip().startswith('<section class="panel sign" id="sign"')
        assert 'aria-describedby="text-error" autofocus' in text(refused)
        added = doctor.post(url(visit, "addenda/"), {"text": "Called back."}, headers=htmx)
        assert added.status_code == 200
        assert text(added).lstrip().startswith('<section class="panel sign" id="sign"')
        assert "Called back." in text(added)

    def test_what_refreshes_itself_asks_the_page_wherever_it_is_shown(self, doctor, visit):
        make_record(visit, notes="Cough.", signed=True)
        page = text(doctor.post(url(visit, "addenda/"), {"text": " "}))  # its address answers nobody who gets it
        assert page.count("<live-section") == page.count(f'data-get="{url(visit)}"') == 3

    def test_how_it_was_written(self, doctor, visit):
        record = make_record(visit, notes="The knee hurts.")
        record.notes = "The left knee hurts."
        record.save()
        page = text(doctor.get(url(visit, "drafts/")))
        assert "<ins>left </ins>" in page


def test_somebody_elses_is_not_there(doctor):
    other = make_appointment(doctor=make_doctor(), status="IN_PROGRESS")
    make_record(other, notes="a secret")
    for rest in ("", "drafts/", "follow-up/"):
        response = doctor.get(url(other, rest))
        assert response.status_code == 404
        assert "a secret" not in text(response)
    for rest in ("sign/", "addenda/", "note/", "note/presence/", "follow-up/"):
        assert doctor.post(url(other, rest)).status_code == 404


def test_getting_what_changes_is_not_allowed(doctor, visit):
    for rest in ("sign/", "addenda/", "note/", "note/presence/", "step/start/"):
        assert doctor.get(url(visit, rest)).status_code == 405


def test_html_in_every_text_is_shown_as_text(doctor, visit):
    nasty = "<script>alert(1)</script>"
    make_record(visit, notes=nasty, treatment=nasty, signed=True)
    page = text(doctor.get(url(visit)))
    assert nasty not in page
    assert "&lt;script&gt;" in page
