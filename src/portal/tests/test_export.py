"""Everything that is kept of somebody, as files for them."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone

from conftest import sign_in
from hms import export_paper
from hms.domain import exports, merging, registration, whole_record
from hms.models import AccessLog, DataExport, Patient, Registration
from hms.testing import make_history, make_patient, make_user, run_jobs

pytestmark = pytest.mark.django_db
PAGE = "/portal/record/download/"


def text(response):
    return response.content.decode()


def fetched(client):
    """Ask for the files, make them, fetch the JSON."""
    client.post(PAGE)
    run_jobs()
    return client.get(f"{PAGE}{DataExport.objects.get(patient=client.user.patient).pk}.json")


def test_asked_for_made_by_a_job_and_fetched(patient):
    assert "Make my files" in text(patient.get(PAGE))
    assert patient.post(PAGE).status_code == 302
    page = text(patient.get(PAGE))
    assert "being made" in page
    assert '<progress max="100" value="0"' in page
    run_jobs()
    page = text(patient.get(PAGE))
    made = DataExport.objects.get()
    assert f"{PAGE}{made.pk}.pdf" in page
    paper = patient.get(f"{PAGE}{made.pk}.pdf")
    assert (paper.headers["Content-Type"], paper.content[:5]) == ("application/pdf", b"%PDF-")
    assert "attachment" in paper.headers["Content-Disposition"]
    assert paper.headers["Cache-Control"] == "no-store"


def test_the_files_hold_all_that_is_mine_and_nothing_else(patient):
    me = patient.user.patient
    make_history(me, "canary")
    make_history(make_patient(), "stranger")
    answer = fetched(patient)
    found, words = answer.json(), text(answer)
    for what in [
        "reason",
        "visit-notes",
        "diagnosis",
        "treatment",
        "notes",
        "addendum",
        "drug",
        "coded",
        "substance",
        "problem",
        "note",
        "credit",
        "letter",
        "wish",
    ]:
        assert f"{what}-canary" in words, what
    assert "draft-canary" not in words
    assert "stranger" not in words
    assert found["about"]["record_number"] == me.record_number
    assert found["records"][0]["addenda"][0]["text"] == "addendum-canary"
    assert found["vitals"][0]["measured"] == [{"what": "pulse", "value": 71, "unit": "/min"}]
    (invoice,) = found["invoices"]
    assert (invoice["total"], invoice["owed"]) == ("100.000", 0)
    assert found["payments"][0]["for"] == [{"invoice": invoice["number"], "amount": "99.000"}]
    assert "needed urgently, canary" in [look["why"] for look in found["looks"]]
    assert found["consent"] == {"registered_in_the_portal": False, "agreed_to_a_record": None}


def test_the_paper_says_what_the_data_say(patient):
    me = patient.user.patient
    make_history(me, "canary")
    parts = {name: read(me) for name, read in whole_record.PARTS.items()}
    said = json.dumps(export_paper.data({"made": timezone.now()} | parts))
    for what in ("diagnosis-canary", "addendum-canary", "drug-canary", "wish-canary", "pulse, 71, /min"):
        assert what in said, what
    assert "draft-canary" not in said
    unnamed = {
        label
        for section in export_paper.data({"made": timezone.now()} | parts)["sections"]
        for entry in section["entries"]
        for label, _text in entry["facts"]
        if label.islower()
    }
    assert unnamed == set(), "Give these a word in hms.export_paper.LABELS"


def test_no_table_of_the_patient_is_forgotten():
    pointing = {
        model._meta.label_lower
        for model in apps.get_models()
        for field in [*model._meta.concrete_fields, *model._meta.many_to_many]
        if field.related_model is Patient and not hasattr(model, "pgh_id")
    }
    handled = whole_record.READ | set(whole_record.LEFT_OUT)
    assert pointing - handled == set(), "Say in hms.domain.whole_record how it is read, or why not"


def test_consent_is_told_with_its_moment(db):
    user = make_user("PATIENT")
    answers = {"last_name": "Own", "date_of_birth": "1970-01-01", "consent": True}
    Registration.objects.create(user=user, answers=answers)
    me = registration.complete(user, by=user)
    said = whole_record.consent(me)
    assert said["registered_in_the_portal"]
    assert timezone.now() - said["agreed_to_a_record"] < timedelta(minutes=1)


def test_what_was_merged_into_mine_is_mine(patient):
    me, other = patient.user.patient, make_patient(email=None)
    make_history(other, "canary", clerk=(clerk := make_user()))
    AccessLog.objects.create(user=clerk, role=clerk.role, action="other.viewed", patient=other)
    made = merging.merge(me, other, by=clerk)
    found = fetched(patient).json()
    assert found["records"][0]["notes"] == "notes-canary"
    assert "other.viewed" in [look["what"] for look in found["looks"]]
    merging.undo(made, by=clerk)
    assert merging.records_of(me) == [me.pk]


def test_two_clicks_make_one_job(patient):
    patient.post(PAGE)
    patient.post(PAGE)
    assert run_jobs().count("patient.export") == 1
    patient.post(PAGE)  # the same click, answered a moment too late
    assert DataExport.objects.count() == 1
    assert "patient.export" not in run_jobs()


def test_a_job_that_runs_twice_changes_nothing(patient):
    fetched(patient)
    made = DataExport.objects.get()
    exports.make(made.pk, paper=None)
    again = DataExport.objects.get()
    assert (again.made_at, bytes(again.data)) == (made.made_at, bytes(made.data))


def test_somebody_elses_is_not_there(patient, reception):
    fetched(patient)
    pk = DataExport.objects.get().pk
    stranger = sign_in(Client(), make_patient().user)
    for ending in ("json", "pdf"):
        assert stranger.get(f"{PAGE}{pk}.{ending}").status_code == 404
        assert reception.get(f"{PAGE}{pk}.{ending}").status_code == 403
        assert patient.get(f"{PAGE}{pk + 1}.{ending}").status_code == 404
    assert "ready" not in text(stranger.get(PAGE))


def test_what_has_expired_is_said_in_words_and_removed(patient):
    fetched(patient)
    DataExport.objects.update(expires_at=timezone.now())
    pk = DataExport.objects.get().pk
    for _n in range(2):
        answer = patient.get(f"{PAGE}{pk}.json")
        assert answer.status_code == 410
        assert "have expired" in text(answer)
        assert "have expired" in text(patient.get(PAGE))
        exports.forget_old()
        assert DataExport.objects.get().data is None
    patient.post(PAGE)
    run_jobs()
    assert patient.get(f"{PAGE}{DataExport.objects.latest('pk').pk}.json").status_code == 200


def test_new_files_take_the_place_of_the_old(patient):
    fetched(patient)
    old = DataExport.objects.get()
    DataExport.objects.update(made_at=timezone.now() - timedelta(hours=1))
    patient.post(PAGE)
    run_jobs()
    assert patient.get(f"{PAGE}{old.pk}.pdf").status_code == 410
    old.refresh_from_db()
    assert (old.data, old.paper) == (None, None)


def test_what_went_wrong_is_said_and_tried_again(patient, monkeypatch):
    patient.post(PAGE)
    made = DataExport.objects.get()
    with pytest.raises(ZeroDivisionError):
        exports.make(made.pk, paper=lambda parts: 1 / 0)
    assert "could not be made" in text(patient.get(PAGE))
    exports.make(made.pk, paper=lambda parts: b"%PDF-")
    assert "ready" in text(patient.get(PAGE))


def test_each_fetch_is_on_the_record(patient):
    fetched(patient)
    logged = AccessLog.objects.filter(patient=patient.user.patient, action="record.downloaded")
    assert logged.get().detail == "json"
    assert json.loads(bytes(DataExport.objects.get().data))["sessions"] == []
