"""Who looked at my record: everybody, with the reason, also where records were joined and parted again."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conftest import sign_in
from hms.domain import audit, breakglass, looks, merging
from hms.models import AccessLog
from hms.testing import make_doctor, make_patient, make_user

pytestmark = pytest.mark.django_db
PAGE = "/portal/privacy/"


def text(response):
    return response.content.decode()


@pytest.fixture
def clerk():
    return make_user(first_name="Clara", last_name="Clerk")


def seen(patient):
    return {(look.who, str(look.what)) for look in looks.told(looks.of(patient), patient)}


def test_when_who_in_what_role_and_why(patient, clerk):
    me, doctor = patient.user.patient, make_doctor(user=make_user("DOCTOR", first_name="Ulla", last_name="Urgent"))
    audit.viewed(me, by=clerk)
    breakglass.open_record(me, reason="Found unconscious in the hall", by=doctor.user)
    page = text(patient.get(PAGE))
    assert "Clara Clerk</bdi>, Receptionist" in page
    assert "To arrange your visits" in page
    assert "Ulla Urgent</bdi>, Doctor" in page
    assert "Found unconscious in the hall" in page
    assert page.count("Not in your care") == 1
    assert f"{timezone.localtime():%B %Y}" in page


def test_my_own_looks_only_when_asked_for(patient, clerk):
    me = patient.user.patient
    patient.get("/portal/record/")
    assert "Nobody yet." in text(patient.get(PAGE))
    assert "<p>You</p>" in text(patient.get(f"{PAGE}?all=1"))
    assert looks.of(me).count() == 1


def test_nobody_elses(patient, clerk):
    audit.viewed(make_patient(), by=clerk)
    assert "Clara" not in text(patient.get(PAGE))


def test_looks_at_what_was_merged_into_mine_and_no_more_once_undone(patient, clerk):
    me, other = patient.user.patient, make_patient(email=None)
    audit.viewed(other, by=clerk, action="invoice.viewed")
    assert seen(me) == set()
    made = merging.merge(me, other, by=clerk)
    assert seen(me) == {("Clara Clerk", "An invoice")}
    merging.undo(made, by=clerk)
    assert seen(me) == set()
    assert seen(other) == {("Clara Clerk", "An invoice")}


def test_a_chain_of_merges(patient, clerk):
    me, b, c = patient.user.patient, make_patient(email=None), make_patient(email=None)
    audit.viewed(c, by=clerk)
    merging.merge(b, c, by=clerk)
    second = merging.merge(me, b, by=clerk)
    assert len(seen(me)) == 1
    assert merging.records_of(me) == [me.pk, b.pk, c.pk]
    merging.undo(second, by=clerk)
    assert seen(me) == set()
    assert len(seen(b)) == 1


def test_looks_while_it_was_joined_by_mistake_are_told_without_naming_the_other(clerk):
    """The record of ``mine`` lay in somebody else's for a while: who opened that one saw mine."""
    theirs, mine = make_patient(first_name="Stranger", last_name="Danger"), make_patient(email=None)
    doctor = make_doctor(user=make_user("DOCTOR", first_name="Dana", last_name="Doe")).user
    audit.viewed(theirs, by=doctor, action="record.viewed")  # before: only theirs
    made = merging.merge(theirs, mine, by=clerk)
    audit.viewed(theirs, by=doctor, action="vitals.viewed")
    audit.viewed(theirs, by=theirs.user, action="record.viewed")
    breakglass.open_record(theirs, reason="about the stranger alone", by=doctor)
    # In one transaction the clock stands still: place them between merge and undo.
    type(made).objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(hours=1))
    merging.undo(made, by=clerk)
    told = looks.told(looks.of(mine), mine)
    assert all(look.joined for look in told)
    assert ("Dana Doe", "Your measurements") in {(look.who, str(look.what)) for look in told}
    assert "Another patient" in {look.who for look in told}
    assert not any("Stranger" in look.who or "stranger" in look.why for look in told)
    # The one whose record it was is told of their own as ever, and of nothing else.
    assert {look.joined for look in looks.told(looks.of(theirs), theirs)} == {False}


def test_every_kind_of_look_has_words():
    src = Path(looks.__file__).parents[2]
    files = [p for p in src.rglob("*.py") if "tests" not in p.parts and "migrations" not in p.parts]
    code = "".join(p.read_text() for p in files)
    calls = "".join(re.findall(r"audit\.(?:viewed|log)\((?:[^()]|\([^()]*\))*\)", code))
    actions = set(re.findall(r'"([a-z_]+\.[a-z_-]+)"', calls)) - {"patient.not_found"}  # which is of no patient
    assert len(actions) > 15
    assert actions - set(looks.WHAT) == set()


def test_a_page_of_many_takes_as_few_queries(patient):
    me, counts = patient.user.patient, []
    patient.get(PAGE)
    for _n in (1, 3):
        AccessLog.objects.bulk_create(
            AccessLog(user=make_user(), role="RECEPTIONIST", action="patient.viewed", patient=me) for _i in range(2)
        )
        with CaptureQueriesContext(
            connection,
        ) as made:
            assert patient.get(PAGE).status_code == 200
        counts.append(len(made))
    assert counts[0] == counts[1]


def test_deletion_is_asked_for_and_withdrawn(patient):
    page = text(patient.get("/portal/delete/"))
    assert "What stays" in page
    patient.post("/portal/delete/")
    assert "You asked for this" in text(patient.get("/portal/delete/"))
    assert ">asked<" in text(patient.get(PAGE))
    assert sign_in(Client(), make_patient().user).get("/portal/delete/").status_code == 200
