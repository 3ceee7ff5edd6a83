"""The record of a patient, and who gets to see it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hms.domain import timeline
from hms.models import AccessLog, BreakGlass, MedicalRecord
from hms.testing import local, make_appointment, make_doctor, make_it_midday, make_patient, make_record

REASON = "Brought in unconscious"


@pytest.fixture(autouse=True)
def _midday(db):
    make_it_midday()


def url(patient, part=""):
    return f"/clinic/patients/{patient.pk}/{part}"


def visit(doctor, patient, days=-1, at="10:00", **fields):
    """A visit that is over."""
    return make_appointment(
        doctor=doctor, patient=patient, start=local(days=days, at=at), **({"status": "COMPLETED"} | fields)
    )


@pytest.fixture
def mine(doctor):
    """A patient of the signed-in doctor, with one visit and its record."""
    patient = make_patient(last_name="Nachtigall")
    seen = visit(doctor.user.doctor, patient, reason="Cough")
    make_record(seen, signed=True, diagnosis="Bronchitis", treatment="Rest", notes="Crépitations à gauche")
    return patient


def broken(patient, user, *, minutes=60):
    now = timezone.now()
    return BreakGlass.objects.create(
        patient=patient,
        user=user,
        reason=REASON,
        at=now - timedelta(minutes=70),
        expires_at=now + timedelta(minutes=minutes),
    )


def last(**conditions):
    return AccessLog.objects.filter(**conditions).latest("pk")


# --- what it shows


def test_the_record_tells_what_happened(doctor, mine):
    page = doctor.get(url(mine)).content.decode()
    for text in ("NACHTIGALL", "Cough", "Bronchitis", "Rest", "Crépitations", "Signed"):
        assert text in page
    entry = last(user=doctor.user)
    assert (entry.patient, entry.action, entry.role, entry.reason) == (mine, "record.viewed", "DOCTOR", "")


def test_other_doctors_visits_are_in_it_and_link_nowhere(doctor, mine):
    other = visit(make_doctor(), mine, days=-3, reason="Rash")
    make_record(other, notes="Itches")
    page = doctor.get(url(mine)).content.decode()
    assert "Itches" in page
    assert "Not signed" in page
    assert f"/clinic/appointments/{other.pk}/" not in page


def test_notes_of_no_visit_and_addenda_are_in_it(doctor, mine):
    MedicalRecord.objects.create(patient=mine, doctor=make_doctor(), notes="By telephone")
    signed = MedicalRecord.objects.get(patient=mine, signed_at__isnull=False)
    from hms.domain import records

    records.addend(signed, text="Called back", by=doctor.user)
    page = doctor.get(url(mine)).content.decode()
    assert "By telephone" in page
    assert "Called back" in page
    assert "Addendum" in page


def test_coming_visits_stand_beside(doctor, mine):
    make_appointment(doctor=doctor.user.doctor, patient=mine, start=local(days=3), reason="Check")
    page = doctor.get(url(mine)).content.decode()
    assert "Coming visits" in page
    assert f"{local(days=3):%d-%b-%Y}" in page


def test_the_whole_record_is_read_page_by_page(doctor):
    patient, me = make_patient(), doctor.user.doctor
    for n in range(60):
        visit(me, patient, days=-1 - n // 2, at="10:00" if n % 2 else "11:00", reason=f"Reason-{n:02}")
    shown, address = [], url(patient)
    while address:
        page = doctor.get(address).content.decode()
        shown += [n for n in range(60) if f"Reason-{n:02}" in page]
        address = url(patient) + page.split('<a class="btn btn-sm" href="')[-1].split('"')[0] if "Older" in page else ""
    assert sorted(shown) == list(range(60))
    assert len(shown) == 60


def test_entries_of_one_moment_are_all_shown_once(doctor):
    patient, me = make_patient(), doctor.user.doctor
    visit(me, patient, reason="At that moment")
    moment = local(days=-1)
    MedicalRecord.objects.bulk_create(
        MedicalRecord(patient=patient, doctor=me, notes=f"n{n}", created_at=moment) for n in range(70)
    )
    seen, before = [], ""
    while True:
        page = timeline.page(patient, before=before)
        seen += [(e.kind, e.pk) for e in page.entries]
        if not page.older:
            break
        before = page.older
    assert len(seen) == len(set(seen)) == 71


def test_scrolling_gets_only_the_entries(doctor, htmx):
    patient, me = make_patient(), doctor.user.doctor
    for n in range(30):
        visit(me, patient, days=-1 - n)
    older = timeline.page(patient).older
    part = doctor.get(url(patient), {"before": older}, headers=htmx).content.decode()
    assert part.strip().startswith("<li")
    assert part.count('<li class="entry entry-visit') == 5
    assert "<html" not in part
    assert last(user=doctor.user).detail == "older"


@pytest.mark.parametrize("before", ["x", "1.2.3", "99999999999999999999.visit.1", "-5.visit.x", "1.visit." + "9" * 40])
def test_a_cursor_that_is_none_begins_at_the_top(doctor, mine, before):
    assert doctor.get(url(mine), {"before": before}).status_code == 200


# --- filters and search


def test_filter_by_kind(doctor, mine):
    MedicalRecord.objects.create(patient=mine, doctor=make_doctor(), notes="By telephone")
    page = doctor.get(url(mine), {"kind": "note"}).content.decode()
    assert "By telephone" in page
    assert "Bronchitis" not in page
    assert doctor.get(url(mine), {"kind": "nonsense"}).status_code == 200


def test_filter_by_period(doctor, mine):
    visit(doctor.user.doctor, mine, days=-40, reason="Long ago")
    since = f"{local(days=-50):%Y-%m-%d}"
    until = f"{local(days=-30):%Y-%m-%d}"
    page = doctor.get(url(mine), {"since": since, "until": until}).content.decode()
    assert "Long ago" in page
    assert "Bronchitis" not in page
    assert "Long ago" in doctor.get(url(mine), {"since": until, "until": since}).content.decode()


def test_a_day_that_is_none_is_said_and_left_out(doctor, mine):
    for text in ("31/02/2026", "soon", "0001-01-01"):
        page = doctor.get(url(mine), {"since": text}).content.decode()
        assert "is not a day" in page
        assert "Bronchitis" in page


@pytest.mark.parametrize("q", ["crepitations", "CRÉPITATIONS", "gauche crepit", "cough", "brönchitis"])
def test_search_ignores_accents_and_case(doctor, mine, q):
    visit(doctor.user.doctor, mine, days=-5, reason="Something else")
    page = doctor.get(url(mine), {"q": q}).content.decode()
    assert "Bronchitis" in page.replace("<mark>", "").replace("</mark>", "")
    assert "<mark>" in page
    assert "Something else" not in page
    entry = last(user=doctor.user)
    assert entry.action == "record.searched"
    assert q not in entry.detail


def test_nothing_found_is_said(doctor, mine):
    assert "Nothing in this record fits" in doctor.get(url(mine), {"q": "xyzzy"}).content.decode()


def test_what_is_searched_for_is_text(doctor, mine):
    for q in ("%", "_", "<script>", "'; DROP TABLE hms_user; --", "\\", "a" * 5000, "🩺"):
        page = doctor.get(url(mine), {"q": q})
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
    assert "Bronchitis" not in doctor.get(url(mine), {"q": "%"}).content.decode()


def test_marks_fall_on_the_letters_that_were_found():
    marked = [text for text, hit in timeline.pieces("Début: Œdème, ﬁèvre", ["edem", "fiev", "debut"]) if hit]
    assert marked[0] == "Début"
    assert "ﬁèv" in marked


# --- who may


def test_a_stranger_is_not_found(doctor):
    record = make_record(diagnosis="Secret")
    for part in ("", "print/", "open/"):
        response = doctor.get(url(record.patient, part))
        assert response.status_code == 404
        assert b"Secret" not in response.content
        assert record.patient.user.last_name.encode() not in response.content
    assert doctor.post(url(record.patient, "open/"), {"reason": REASON}).status_code == 404
    assert not BreakGlass.objects.exists()


@pytest.mark.parametrize("role", ["reception", "admin", "patient"])
def test_other_roles_are_refused(request, role):
    client, record = request.getfixturevalue(role), make_record(diagnosis="Secret")
    for address in (url(record.patient), url(record.patient, "print/"), "/clinic/patients/", "/clinic/break-glass/"):
        response = client.get(address)
        assert response.status_code == 403
        assert b"Secret" not in response.content


def test_break_glass_is_marked_on_the_screen_and_in_the_log(doctor):
    record = make_record(diagnosis="Secret")
    glass = broken(record.patient, doctor.user)
    for part, action in (("", "record.viewed"), ("print/", "record.printed")):
        page = doctor.get(url(record.patient, part)).content.decode()
        assert "Secret" in page
        assert "Break-glass access" in page
        assert REASON in page
        entry = last(user=doctor.user)
        assert (entry.action, entry.break_glass, entry.reason, entry.why) == (action, glass, REASON, REASON)


def test_it_ends_in_the_middle_with_clear_words(doctor, htmx):
    record = make_record(diagnosis="Secret")
    broken(record.patient, doctor.user, minutes=-1)
    for headers in ({}, htmx):
        response = doctor.get(url(record.patient), {"before": "1.visit.1"}, headers=headers)
        assert response.status_code == 403
        assert "Your access to this record has ended" in response.content.decode()
        assert b"Secret" not in response.content
    assert response.headers["HX-Retarget"] == "body"
    again = doctor.post(url(record.patient, "open/"), {"reason": REASON})
    assert again.headers["Location"] == url(record.patient)
    assert "Secret" in doctor.get(url(record.patient)).content.decode()


def test_a_reason_that_says_nothing_is_asked_for_again(doctor):
    record = make_record()
    broken(record.patient, doctor.user, minutes=-1)
    response = doctor.post(url(record.patient, "open/"), {"reason": "because"})
    assert response.status_code == 422
    assert "because" in response.content.decode()
    assert BreakGlass.objects.count() == 1


def test_a_cancelled_visit_leads_to_the_question_why(doctor):
    gone = make_appointment(doctor=doctor.user.doctor, status="CANCELLED")
    make_record(visit(make_doctor(), gone.patient), diagnosis="Secret")
    assert doctor.get(url(gone.patient)).status_code == 404
    response = doctor.get(f"/clinic/appointments/{gone.pk}/", follow=True)
    assert response.redirect_chain[-1][0] == url(gone.patient, "open/")
    page = response.content.decode()
    assert "cancelled gives no right" in page
    assert "Secret" not in page
    doctor.post(url(gone.patient, "open/"), {"reason": REASON})
    assert "Secret" in doctor.get(url(gone.patient)).content.decode()


def test_whoever_is_in_my_care_needs_no_reason(doctor, mine):
    assert doctor.get(url(mine, "open/")).headers["Location"] == url(mine)


def test_breaking_the_glass_by_number_and_birth_date(doctor):
    record = make_record(diagnosis="Secret")
    number = record.patient.record_number
    form = {"record_number": f" {number[:4]} {number[4:]} ", "date_of_birth_day": "31", "date_of_birth_month": "jan"}
    form |= {"date_of_birth_year": "1980", "reason": REASON}
    assert doctor.get("/clinic/break-glass/").status_code == 200
    wrong = doctor.post("/clinic/break-glass/", form | {"date_of_birth_day": "30"})
    assert wrong.status_code == 422
    assert "No patient has this record number" in wrong.content.decode()
    assert REASON in wrong.content.decode()
    response = doctor.post("/clinic/break-glass/", form)
    assert response.headers["Location"] == url(record.patient)
    assert "Secret" in doctor.get(url(record.patient)).content.decode()
    page = doctor.get("/clinic/patients/").content.decode()
    assert "Open by break-glass" in page
    assert record.patient.user.formal_name in page


@pytest.mark.parametrize(
    "form", [{}, {"record_number": "x\x07y", "reason": REASON}, {"record_number": "9" * 400, "date_of_birth_day": "x"}]
)
def test_bad_break_glass_input_is_answered_in_words(doctor, form):
    assert doctor.post("/clinic/break-glass/", form).status_code == 422


# --- my patients


def test_my_patients_are_mine(doctor, mine):
    stranger = make_record().patient
    called_off = make_appointment(doctor=doctor.user.doctor, status="CANCELLED").patient
    page = doctor.get("/clinic/patients/").content.decode()
    assert "NACHTIGALL" in page
    assert stranger.user.formal_name not in page
    assert called_off.user.formal_name not in page
    assert last(user=doctor.user).action == "patient.searched"


def test_search_is_among_mine(doctor, mine):
    make_patient(last_name="Nachtigall", first_name="Stranger")
    page = doctor.get("/clinic/patients/", {"q": "nachti"}).content.decode()
    assert "NACHTIGALL" in page
    assert "Stranger" not in page
    assert "break-glass" in doctor.get("/clinic/patients/", {"q": "nobodyatall"}).content.decode()


def test_a_page_that_is_none(doctor, mine):
    for page in ("0", "-1", "x", "99999", "²"):
        assert doctor.get("/clinic/patients/", {"page": page}).status_code == 200


# --- how much it asks of the database


def queries(client, address):
    client.get(address)
    with CaptureQueriesContext(connection) as seen:
        client.get(address)
    return len(seen)


def test_the_number_of_queries_does_not_grow(doctor):
    patient, me = make_patient(), doctor.user.doctor
    make_record(visit(me, patient, days=-1), notes="one", signed=True)
    one = queries(doctor, url(patient)), queries(doctor, "/clinic/patients/")
    for n in range(2):
        make_record(visit(me, patient, days=-2 - n), notes="more", signed=True)
        visit(me, make_patient(), days=-2 - n, at="15:00")
    three = queries(doctor, url(patient)), queries(doctor, "/clinic/patients/")
    assert one == three
    assert three[0] <= 18


def test_get_changes_nothing_and_others_are_not_allowed(doctor, mine):
    for address in (url(mine), url(mine, "print/"), "/clinic/patients/"):
        assert doctor.post(address).status_code == 405
