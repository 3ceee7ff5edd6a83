"""An account that is deleted: nobody is named any more, anywhere but on invoices; what must be kept is kept."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction

from hms.domain import forgetting, merging, outbox, privacy, records
from hms.errors import DomainError
from hms.models import AccessLog, Invoice, MedicalRecord, OutboxMail, Patient, Payment, User, Wish
from hms.testing import make_history, make_invoice, make_patient, make_user, run_jobs

pytestmark = pytest.mark.django_db
WORDS = ["quetzalcoatl", "xochipilli", "canary", "tlaloc", "442079460999", "442079460888", "442079460777"]


@pytest.fixture
def clerk():
    return make_user()


@pytest.fixture
def wish(clerk):
    """Of somebody who has had two names, two addresses, two records, letters, invoices and something of everything."""
    me = make_patient(
        first_name="Tlaloc",
        last_name="Quetzalcoatl",
        email="canary-old@hms.example",
        phone="+442079460777",
        emergency_contact="+442079460888",
        desk_note="canary-desk-note",
    )
    other = make_patient(first_name="Xochipilli", last_name="Quetzalcoatl", email=None, phone="+442079460999")
    me.user.first_name, me.user.email, me.user.phone = "Xochipilli", "canary@hms.example", ""
    me.user.save()
    make_history(me, "history", clerk=clerk)
    Invoice.objects.drafts().delete()
    merging.merge(me, other, by=clerk)
    LogEntry.objects.create(
        user=make_user("ADMIN"),
        content_type=ContentType.objects.get_for_model(User),
        object_id=str(me.user_id),
        object_repr="Quetzalcoatl",
        action_flag=2,
    )
    outbox.post(kind="account.code", to="Canary-old@hms.example", subject="Code", text="canary", key="code")
    run_jobs()
    outbox.post(kind="visit.moved", to="canary@hms.example", user=me.user, subject="canary", text="canary", key="late")
    return Wish.objects.create(patient=me, kind="DELETE")


def named_in(words):
    """``{(table, column)}`` in which one of the words stands, of every column that can hold text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
            " JOIN information_schema.tables t USING (table_schema, table_name)"
            " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            " AND data_type IN ('text', 'character varying', 'character', 'json', 'jsonb', 'ARRAY', 'bytea', 'inet')"
        )
        columns = cursor.fetchall()
        assert len(columns) > 200
        found = set()
        for table, column, kind in columns:
            value = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(
                f'SELECT EXISTS (SELECT FROM "{table}" WHERE {value} ILIKE ANY(%s))', [[f"%{word}%" for word in words]]
            )
            if cursor.fetchone()[0]:
                found.add((table, column))
    return found


def test_no_column_of_the_database_names_them_any_more(wish, clerk):
    before = named_in(WORDS)
    assert {("hms_userevent", "email"), ("hms_merge", "moved"), ("hms_outboxmail", "to")} <= before
    assert {("hms_nametoken", "token"), ("django_admin_log", "object_repr"), ("hms_invoice", "printed")} <= before
    privacy.delete_account(wish, by=clerk)
    run_jobs()
    assert named_in(WORDS) - forgetting.KEPT == set()
    assert ("hms_invoice", "printed") in named_in(WORDS)  # tax law wants it


def test_what_must_be_kept_is_kept_under_the_number(wish, clerk):
    kept = {model: model.objects.count() for model in (MedicalRecord, Invoice, Payment, Patient, User)}
    privacy.delete_account(wish, by=clerk)
    assert {model: model.objects.count() for model in kept} == kept
    assert list(records.verify()) == []
    me = Patient.objects.get(pk=wish.patient_id)
    assert str(me) == f"Former patient {me.record_number}"
    assert MedicalRecord.objects.filter(patient=me, notes="notes-history").exists()
    assert AccessLog.objects.filter(action="patient.pseudonymised", user=clerk).count() == 2  # both records


def test_the_last_letter_is_sent_and_its_address_forgotten(wish, clerk, mailoutbox):
    privacy.delete_account(wish, by=clerk)
    run_jobs()
    assert [(m.to, m.subject) for m in mailoutbox[-1:]] == [(["canary@hms.example"], "Your account has been deleted")]
    assert not OutboxMail.objects.filter(key="late").exists()  # a letter that was still waiting is not sent
    assert OutboxMail.objects.get(kind="account.deleted").to == ""


def test_an_address_that_cannot_be_reached_is_forgotten_after_a_while(wish, clerk):
    privacy.delete_account(wish, by=clerk)
    mail = OutboxMail.objects.get(kind="account.deleted")
    outbox.forget_addresses(mail.created_at)
    mail.refresh_from_db()
    assert mail.to
    outbox.forget_addresses(mail.created_at.replace(year=mail.created_at.year + 1))
    mail.refresh_from_db()
    assert (mail.to, mail.status) == ("", "FAILED")


def test_words_that_others_bear_are_still_found(wish, clerk):
    make_patient(last_name="Tlaloc")
    privacy.delete_account(wish, by=clerk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM hms_nametoken WHERE token IN ('tlaloc', 'quetzalcoatl')")
        assert cursor.fetchall() == [("tlaloc",)]


def test_a_merge_can_no_longer_be_undone(wish, clerk):
    privacy.delete_account(wish, by=clerk)
    made = merging.Merge.objects.get()
    with pytest.raises(DomainError, match="was deleted since"):
        merging.undo(made, by=clerk)


@pytest.fixture
def strangers(clerk):
    """Two that were taken for one person, until it was undone; then a third, in the same way."""
    me = make_patient(last_name="Quetzalcoatl", email=None, desk_note="mine")
    other = make_patient(
        last_name="Quetzalcoatls",
        email="canary@hms.example",
        phone="+442079460999",
        emergency_contact="+442079460888",
        desk_note="canary-note",
    )
    third = make_patient(last_name="Quetzal", email=None, emergency_contact="+442079460111")
    first = merging.merge(me, other, by=clerk)
    outbox.post(kind="late", to="canary@hms.example", user=me.user, subject="s", text="t", key="between")
    second = merging.merge(third, me, by=clerk)
    for made in (second, first):
        merging.undo(made, by=clerk)
    me.user.refresh_from_db()
    assert me.user.email is None
    return me, other, third


def test_what_an_undone_merge_lent_to_somebody_else_is_forgotten_there_too(strangers, clerk):
    canaries = ["canary", "442079460999", "442079460888", "+44 20 7946 0999", "+44 20 7946 0888"]
    assert {("hms_userevent", "email"), ("hms_patientevent", "emergency_contact")} <= named_in(canaries)
    privacy.delete_account(Wish.objects.create(patient=strangers[1], kind="DELETE"), by=clerk)
    run_jobs()
    assert named_in(canaries) - forgetting.KEPT == set()
    # Nothing else of those who stay: their names, their own note and number.
    assert {("hms_userevent", "last_name"), ("hms_patientevent", "desk_note")} <= named_in(["quetzal", "mine"])
    assert ("hms_patientevent", "emergency_contact") in named_in(["442079460111"])


def test_whoever_was_taken_for_them_keeps_their_letters(strangers, clerk):
    me, other, _third = strangers
    outbox.post(kind="visit.moved", to=other.user.email, user=other.user, subject="mine", text="t", key="theirs")
    outbox.post(kind="account.code", to=other.user.email, subject="code", text="t", key="code")
    privacy.delete_account(Wish.objects.create(patient=me, kind="DELETE"), by=clerk)
    assert {m.subject for m in OutboxMail.objects.filter(to=other.user.email)} == {"mine", "code"}


@pytest.mark.parametrize(
    ("sql", "forgotten", "said"),
    [
        ("UPDATE hms_userevent SET first_name = '' WHERE pgh_obj_id = %(user)s", True, False),
        ("UPDATE hms_userevent SET first_name = '' WHERE pgh_obj_id = %(user)s", False, True),
        ("UPDATE hms_userevent SET first_name = 'Other' WHERE pgh_obj_id = %(user)s", True, True),
        ("UPDATE hms_userevent SET role = 'ADMIN' WHERE pgh_obj_id = %(user)s", True, True),
        ("UPDATE hms_userevent SET first_name = '', pgh_label = 'x' WHERE pgh_obj_id = %(user)s", True, True),
        ("DELETE FROM hms_userevent WHERE pgh_obj_id = %(user)s", True, True),
        ("UPDATE hms_userevent SET first_name = '' WHERE pgh_obj_id <> %(user)s", True, True),
        ("UPDATE hms_patientevent SET desk_note = '' WHERE user_id = %(user)s", True, False),
        ("UPDATE hms_patientevent SET desk_note = 'x' WHERE user_id = %(user)s", True, True),
        ("UPDATE hms_patientevent SET date_of_birth = '2000-01-01' WHERE user_id = %(user)s", True, True),
        ("DELETE FROM hms_patientevent WHERE user_id = %(user)s", True, True),
    ],
)
def test_history_stays_as_it_is_for_everything_else(wish, clerk, sql, forgotten, said):
    """``said``: the transaction says whom it forgets; ``forgotten``: that person is pseudonymised already."""
    if forgotten:
        privacy.delete_account(wish, by=clerk)
    user = wish.patient.user_id
    with connection.cursor() as cursor:
        if said:
            cursor.execute("SELECT set_config('hms.forget', %s, true)", [str(user)])
        with pytest.raises(DatabaseError, match="append_only"), transaction.atomic():
            cursor.execute(sql, {"user": user})


def test_the_way_past_the_guard_is_closed_again(wish, clerk):
    with transaction.atomic():
        privacy.delete_account(wish, by=clerk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('hms.forget', true)")
            assert cursor.fetchone() == ("",)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda patient: make_invoice(patient=patient, issued=False), "still a draft"),
        (lambda patient: make_invoice(patient=patient), "not paid"),
    ],
)
def test_not_while_something_is_open(clerk, make, words):
    patient = make_patient()
    make(patient)
    wish = Wish.objects.create(patient=patient, kind="DELETE")
    with pytest.raises(DomainError, match=words):
        privacy.delete_account(wish, by=clerk)
    patient.user.refresh_from_db()
    assert patient.user.is_active
